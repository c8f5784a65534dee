"""Figures of attributions and of their trustworthiness: functions of arrays that each return a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weakfield.base.figures import (
    COLOURS,
    DIVERGING,
    GREY,
    LIGHT_GREY,
    NAMES,
    OTHERS,
    new_figure,
    wavenumber_axis,
)
from weakfield.config import THEORIES
from weakfield.explain.over_seeds import OverSeeds
from weakfield.explain.records import Agreement, PairSpectrum, SimilarityByLayer, TrustCurves

Reals = NDArray[np.float64]
Line = OverSeeds[list[float]]

MARKERS = "osD^v"


def shell_spectrum(k_hmpc: ArrayLike, attributed: Line, occluded: Line | None = None) -> Any:
    """Contribution of every shell to the logit difference of a pair, mean over seeds with its standard error.

    Wavenumbers (shells,) are in h/Mpc; ``attributed`` is by path integral, ``occluded`` by exchange of the shell.
    """
    figure, axes = new_figure(1, 1, size=(6.4, 3.7))
    panel = axes[0, 0]
    panel.axhline(0, color=GREY, linewidth=1)
    k = np.asarray(k_hmpc, dtype=np.float64)
    _points(panel, k / 1.015, attributed, "o", COLOURS["difference"], "pair-integrated gradient")
    if occluded is not None:
        _points(panel, k * 1.015, occluded, "s", OTHERS[1], "shell taken from the Newtonian member")
    panel.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
    panel.set_ylabel("contribution to GR \N{MINUS SIGN} Newton  [logit]")
    panel.legend(frameon=False, fontsize=9)
    wavenumber_axis(panel)
    return figure


def triangle_plot(panels: Mapping[str, tuple[ArrayLike, ArrayLike]], labels: Mapping[str, str] | None = None) -> Any:
    """Values of triangles k1 >= k2 >= k3 in the plane of k3/k1 and k2/k1, one panel per quantity with its own scale.

    ``panels`` gives, by title, the sides (T, 3), in any unit and order, and the values (T,). Triangles of the same
    shape but different sizes are drawn on top of each other, the stronger ones larger and below. ``labels`` gives the
    unit of each colour bar. Values that are not finite are left out.
    """
    figure, axes = new_figure(1, len(panels), size=(3.9, 3.5))
    for panel, (title, (sides, values)) in zip(axes[0], panels.items(), strict=True):
        k = np.sort(np.asarray(sides, dtype=np.float64), axis=1)
        numbers = np.asarray(values, dtype=np.float64)
        kept = np.isfinite(numbers)
        limit = float(np.abs(numbers[kept]).max()) if kept.any() else 1.0
        panel.plot([0, 0.5, 1, 0], [1, 0.5, 1, 1], color=LIGHT_GREY, linewidth=1, zorder=0)
        order = np.argsort(-np.abs(numbers[kept]))
        x, y = ((k[kept, side] / k[kept, 2])[order] for side in (0, 1))
        shown = numbers[kept][order]
        size = 20 + 110 * np.abs(shown) / limit if limit else 20.0
        drawn = panel.scatter(
            x, y, c=shown, s=size, cmap=DIVERGING, vmin=-limit, vmax=limit, edgecolors=GREY, linewidths=0.4
        )
        panel.set(xlabel=r"$k_3 / k_1$", ylabel=r"$k_2 / k_1$", xlim=(-0.04, 1.06), ylim=(0.44, 1.06))
        for text, position in (("squeezed", (0.0, 1.025)), ("equilateral", (0.8, 1.025)), ("folded", (0.53, 0.46))):
            panel.annotate(text, position, fontsize=7.5, color=GREY)
        panel.set_title(title, fontsize=10)
        bar = figure.colorbar(drawn, ax=panel, pad=0.02)
        bar.set_label((labels or {}).get(title, ""), fontsize=8.5)
        bar.ax.tick_params(labelsize=8)
        bar.formatter.set_powerlimits((-2, 3))
        bar.outline.set_visible(False)
    return figure


def deletion_curves(curves: Mapping[str, TrustCurves]) -> Any:
    """Deletion (left) and insertion (right) by method, beside random orders, with standard errors over seeds."""
    figure, axes = new_figure(1, 2, size=(4.9, 3.6), sharey=True)
    for panel, kind in zip(axes[0], ("deletion", "insertion"), strict=True):
        panel.axhline(0, color=GREY, linewidth=1)
        for (name, found), colour in zip(curves.items(), _colours(len(curves)), strict=True):
            share = np.asarray(found.share)
            _band(panel, share, getattr(found, kind), colour, "-", name)
            _band(panel, share, getattr(found, f"random_{kind}"), colour, ":", None)
        what = "taken from Newton" if kind == "deletion" else "taken from GR"
        panel.set_xlabel(f"share {what}, strongest attribution first")
    axes[0, 0].set_ylabel("logit  (0: Newton, 1: GR)")
    axes[0, 1].plot([], [], ":", color=GREY, label="random order")
    axes[0, 1].legend(frameon=False, fontsize=8.5)
    return figure


def randomisation(layers: Sequence[str], methods: Mapping[str, SimilarityByLayer]) -> Any:
    """Rank correlation with the map of the trained network as layers are drawn anew, starting from the output."""
    figure, axes = new_figure(1, 2, size=(4.9, 3.6), sharey=True)
    steps = np.arange(len(layers) + 1)
    for panel, kind in zip(axes[0], ("signed", "absolute"), strict=True):
        panel.axhline(0, color=GREY, linewidth=1)
        for number, ((name, found), colour) in enumerate(zip(methods.items(), _colours(len(methods)), strict=True)):
            correlation = found.signed if kind == "signed" else found.absolute
            panel.errorbar(
                steps + 0.06 * number,
                np.array([1.0, *correlation.value]),
                None if correlation.error is None else [0.0, *correlation.error],
                color=colour,
                marker=MARKERS[number % len(MARKERS)],
                markersize=4,
                linewidth=1.2,
                label=name,
            )
        panel.set_xticks(steps, ["none", *layers], rotation=45, ha="right", fontsize=7.5)
        panel.set_title(f"{kind} attributions", fontsize=10)
        panel.set_xlabel("layers drawn anew, up to and including")
    axes[0, 0].set_ylabel("rank correlation with the map itself")
    axes[0, 0].legend(frameon=False, fontsize=8.5)
    return figure


def agreement(methods: Sequence[str], found: Agreement) -> Any:
    """Rank correlation of every pair of methods: each field has the mean over seeds and its standard error."""
    count = len(methods)
    figure, axes = new_figure(1, 1, size=(1.6 + 0.72 * count, 1.3 + 0.56 * count))
    panel = axes[0, 0]
    value = np.asarray(found.value, dtype=np.float64)
    error = None if found.error is None else np.asarray(found.error, dtype=np.float64)
    shown = panel.imshow(value, cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
    for row in range(count):
        for column in range(count):
            text = f"{value[row, column]:.2f}" + (
                "" if error is None else f"\n\N{PLUS-MINUS SIGN}{error[row, column]:.2f}"
            )
            dark = abs(value[row, column]) > 0.6
            panel.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if dark else "#222222")
    panel.set_xticks(range(count), methods, rotation=40, ha="right", fontsize=8)
    panel.set_yticks(range(count), methods, fontsize=8)
    panel.grid(False)
    figure.colorbar(shown, ax=panel, pad=0.02, label="rank correlation")
    return figure


def saliency_maps(projections: Reals, box_size_mpch: float) -> Any:
    """Rows: sums along z, y, x; columns: gradient for the Newton cube, the GR cube, and their difference."""
    figure, axes = new_figure(3, 3, size=(3.3, 2.8))
    planes = (("x", "y"), ("x", "z"), ("y", "z"))  # horizontal and vertical axes that remain after each sum
    for column, name in enumerate((*THEORIES, "difference")):
        limit = float(np.abs(projections[column]).max())
        power = int(np.floor(np.log10(limit))) if limit > 0 else 0
        for row, (across, up) in enumerate(planes):
            panel = axes[row, column]
            shown = panel.imshow(
                projections[column, row] / 10.0**power,
                origin="lower",
                cmap=DIVERGING,
                extent=(0, box_size_mpch, 0, box_size_mpch),
                vmin=-limit / 10.0**power,
                vmax=limit / 10.0**power,
            )
            panel.grid(False)
            panel.set(xlabel=f"{across}  [Mpc/h]", ylabel=f"{up}  [Mpc/h]")
            bar = figure.colorbar(shown, ax=panel, pad=0.02, shrink=0.84)
            bar.set_label(rf"$\sum_{'zyx'[row]}$ d logit / d cell  [$10^{{{power}}}$]", fontsize=8)
            bar.ax.tick_params(labelsize=8)
            bar.outline.set_visible(False)
        axes[0, column].set_title(NAMES[name], fontsize=11, color=COLOURS[name], fontweight="bold")
    return figure


def saliency_shells(fourier: PairSpectrum) -> Any:
    """Contribution of every shell to the logit difference of the pair, and the power of the gradients."""
    k = np.array(fourier.k_hmpc)
    figure, axes = new_figure(1, 2, size=(5.0, 3.3))
    parts, gradient = axes[0]
    parts.axhline(0, color=GREY, linewidth=1)
    parts.vlines(k, 0, fourier.pair.shells, color=LIGHT_GREY, linewidth=4)
    parts.plot(k, fourier.pair.shells, "o", color=COLOURS["difference"], markersize=5)
    parts.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
    parts.set_ylabel("contribution to the difference  [logit]")
    for theory, marker in zip(THEORIES, "os", strict=True):
        gradient.plot(
            k,
            fourier.gradient_power[theory],
            marker=marker,
            markersize=4.5,
            linewidth=1.2,
            color=COLOURS[theory],
            markerfacecolor="white" if theory == "gr" else COLOURS[theory],
            label=NAMES[theory],
        )
    if any(power > 0 for powers in fourier.gradient_power.values() for power in powers):  # none of a constant network
        gradient.set_yscale("log")
    gradient.set_ylabel(r"mean $|G(k)/N^3|^2$  [logit$^2$]")
    gradient.legend(frameon=False, fontsize=9)
    for panel in axes[0]:
        wavenumber_axis(panel)
    return figure


def _points(panel: Any, k: Reals, found: Line, marker: str, colour: str, label: str) -> None:
    panel.errorbar(k, found.value, found.error, fmt=marker, color=colour, markersize=4.5, linewidth=1.1, label=label)


def _band(panel: Any, x: Reals, found: Line, colour: str, style: str, label: str | None) -> None:
    value = np.asarray(found.value)
    panel.plot(x, value, style, color=colour, linewidth=1.5, label=label)
    if found.error is not None:
        error = np.asarray(found.error)
        panel.fill_between(x, value - error, value + error, color=colour, alpha=0.15, linewidth=0)


def _colours(count: int) -> list[str]:
    """Colours of methods, none of them the colour of a theory."""
    return [OTHERS[i % len(OTHERS)] for i in range(count)]
