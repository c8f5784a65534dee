"""Figures of the measure stage: slices of phi, spectra of both theories and their ratio, beside theory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import (
    COLOURS,
    DIVERGING,
    GREY,
    LIGHT_GREY,
    NAMES,
    SEQUENTIAL,
    new_figure,
    wavenumber_axis,
)
from weakfield.config import THEORIES
from weakfield.spectra.paired import PairedPower
from weakfield.spectra.paired_bispectrum import PairedBispectrum

MARKERS = {"newton": "o", "gr": "s"}
APART = {"newton": 0.985, "gr": 1.015}  # shift in k so that both theories can be seen
#: outputs that one figure of spectra shows
MOST_SHOWN = 6


def slices_figure(slices: dict[str, NDArray[np.float64]], box_size_mpch: float, redshift: float) -> Any:
    """phi of both theories in one plane, and their difference, each with its colour bar."""
    figure, axes = new_figure(1, 3, size=(4.0, 3.7))
    shared = np.abs([slices["newton"], slices["gr"]]).max()
    for panel, (name, image) in zip(axes[0], slices.items(), strict=True):
        limit = np.abs(image).max() if name == "difference" else shared
        power = int(np.floor(np.log10(limit))) if limit > 0 else 0
        shown = panel.imshow(
            image / 10.0**power,
            origin="lower",
            extent=(0, box_size_mpch, 0, box_size_mpch),
            cmap=DIVERGING if name == "difference" else SEQUENTIAL,
            vmin=-limit / 10.0**power,
            vmax=limit / 10.0**power,
        )
        panel.grid(False)
        panel.set_title(NAMES[name], fontsize=11, color=COLOURS[name], fontweight="bold")
        panel.set_xlabel("x  [Mpc/h]")
        panel.set_ylabel("y  [Mpc/h]")
        symbol = r"\Delta\Phi" if name == "difference" else r"\Phi"
        bar = figure.colorbar(shown, ax=panel, shrink=0.85, pad=0.02)
        bar.set_label(rf"${symbol}$  [$10^{{{power}}}$]")
        bar.outline.set_visible(False)
    figure.suptitle(f"z = {redshift:g}", fontsize=10, color=GREY)
    return figure


def spectra_figure(spectra: list[PairedPower], symbol: str) -> Any:
    """Outputs in two columns: the power of both theories, its ratio to linear theory, and GR over Newton.

    Predictions are drawn beside the power. The ratio to linear theory is there only where the seeds' own modes are
    known; that of GR over Newton has the error of the paired mean. Of more than ``MOST_SHOWN`` outputs that many are
    shown, evenly over the list, the first and the last among them.
    """
    total = len(spectra)
    if total > MOST_SHOWN:
        spectra = [spectra[i] for i in np.linspace(0, total - 1, MOST_SHOWN).round().astype(int)]
    columns = min(len(spectra), 2)
    rows = -(-len(spectra) // columns)
    panels = [(_powers, 1.25)] + [(_response, 1.0)] * any(known(s.realised) for s in spectra) + [(_ratio, 1.0)]
    heights = [height for _, height in panels]
    figure, axes = new_figure(
        len(panels) * rows, columns, size=(5.0, 2.8), gridspec_kw={"height_ratios": heights * rows}
    )
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        own = [axes[len(panels) * row + i, column] for i in range(len(panels))]
        if place >= len(spectra):
            for panel in own:
                panel.remove()
            continue
        spectrum = spectra[place]
        for panel, (paint, _) in zip(own, panels, strict=True):
            if panel is not own[-1]:
                panel.sharex(own[-1])
            paint(panel, spectrum, symbol)
        n = len(spectrum.seeds)
        own[0].set_title(f"{when(spectrum)},  {n} {'pairs' if n > 1 else 'pair'}", fontsize=10)
        wavenumber_axis(own[-1])
    if total > MOST_SHOWN:
        figure.suptitle(f"{MOST_SHOWN} of {total} outputs; spectra.csv has all of them", fontsize=10, color=GREY)
    return figure


def when(result: PairedPower | PairedBispectrum) -> str:
    """The cubes a result describes, in words."""
    return "growth-scaled difference cubes" if result.quantity == "difference_cube" else f"z = {result.redshift:g}"


def known(values: NDArray[np.float64]) -> bool:
    """Whether any of ``values`` is known."""
    return bool(np.isfinite(values).any())


def _powers(axes: Any, spectrum: PairedPower, symbol: str) -> None:
    cube = spectrum.quantity == "difference_cube"
    lines = (
        ("linear theory", spectrum.linear, ":"),
        ("linear and second order" if cube else "non-linear fit", spectrum.nonlinear, "-"),
    )
    for label, values, style in lines:
        apart = not np.allclose(values[0], values[1], rtol=1e-3, equal_nan=True)
        for theory, curve in zip(THEORIES[: 1 + apart], values, strict=False):
            if known(curve):
                colour = COLOURS[theory] if apart else GREY
                named = label if theory == THEORIES[0] else None
                axes.plot(spectrum.k, curve, linestyle=style, color=colour, linewidth=1.2, label=named)
    for theory, mean, error in zip(THEORIES, spectrum.mean, spectrum.mean_error, strict=True):
        axes.errorbar(
            spectrum.k * APART[theory],
            mean,
            np.nan_to_num(error),
            fmt=MARKERS[theory],
            markersize=4.0,
            color=COLOURS[theory],
            markerfacecolor="white" if theory == "gr" else COLOURS[theory],
            elinewidth=1,
            label=NAMES[theory],
        )
    axes.set_yscale("log")
    if spectrum.quantity.endswith("_written"):
        axes.set_ylabel(rf"$\Delta^2_{{{symbol}}}(k)$")
    else:
        axes.set_ylabel(rf"$P_{{{symbol}}}(k)$  [(Mpc/h)$^3$]")
    axes.legend(frameon=False, fontsize=8)


def _response(axes: Any, spectrum: PairedPower, symbol: str) -> None:
    axes.axhline(1, color=GREY, linewidth=1)
    for theory, mean, error in zip(THEORIES, spectrum.response, spectrum.response_error, strict=True):
        axes.errorbar(
            spectrum.k * APART[theory],
            mean,
            np.nan_to_num(error),
            fmt=MARKERS[theory],
            markersize=3.5,
            color=COLOURS[theory],
            markerfacecolor="white" if theory == "gr" else COLOURS[theory],
            elinewidth=1,
        )
    axes.set_ylabel(rf"$P_{{{symbol}}}\,/\,$linear, own modes")


def _ratio(axes: Any, spectrum: PairedPower, symbol: str) -> None:
    band = spectrum.ratio_error_unpaired
    axes.axhline(0, color=GREY, linewidth=1)
    axes.errorbar(
        spectrum.k,
        spectrum.ratio - 1,
        np.nan_to_num(spectrum.ratio_error),
        fmt="o",
        markersize=4,
        color=COLOURS["difference"],
        elinewidth=1,
        capsize=2,
    )
    low, high = axes.get_ylim()
    axes.fill_between(spectrum.k, -band, band, color=LIGHT_GREY, alpha=0.5, linewidth=0, zorder=0)
    axes.set_ylim(low, high)  # the band of cosmic variance would hide everything else
    axes.set_title(f"cosmic variance without pairs: {band.min():.1g} to {band.max():.1g}", fontsize=8, color=GREY)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    axes.set_ylabel(r"$P_\mathrm{GR}\,/\,P_\mathrm{Newton} - 1$")
