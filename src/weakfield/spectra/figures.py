"""Figures of the measure stage: slices of phi, spectra of both theories and their ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import COLOURS, DIVERGING, GREY, NAMES, SEQUENTIAL, new_figure, wavenumber_axis
from weakfield.config import THEORIES
from weakfield.spectra.paired import PairedPower

MARKERS = {"newton": "o", "gr": "s"}
APART = {"newton": 0.985, "gr": 1.015}  # shift in k so that both theories can be seen


def slices_figure(slices: dict[str, NDArray[np.float64]], box_size_mpch: float, redshift: float) -> Any:
    """phi of both theories in one plane, and their difference, each with its colour bar."""
    figure, axes = new_figure(1, 3, size=(4.0, 3.7))
    shared = np.abs([slices["newton"], slices["gr"]]).max()
    for panel, (name, image) in zip(axes[0], slices.items(), strict=True):
        limit = np.abs(image).max() if name == "difference" else shared
        power = int(np.floor(np.log10(limit))) if limit > 0 else 0
        shown = panel.imshow(
            image / 10.0**power, origin="lower", extent=(0, box_size_mpch, 0, box_size_mpch),
            cmap=DIVERGING if name == "difference" else SEQUENTIAL,
            vmin=-limit / 10.0**power, vmax=limit / 10.0**power,
        )  # fmt: skip
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
    """Outputs side by side in twos: power of both theories above, ratio with the error of the paired mean below."""
    columns = min(len(spectra), 2)
    rows = -(-len(spectra) // columns)
    figure, axes = new_figure(2 * rows, columns, size=(5.0, 2.9), gridspec_kw={"height_ratios": [1.25, 1] * rows})
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        upper, lower = axes[2 * row, column], axes[2 * row + 1, column]
        if place >= len(spectra):
            upper.remove()
            lower.remove()
            continue
        spectrum = spectra[place]
        lower.sharex(upper)
        _powers(upper, spectrum, symbol)
        _ratio(lower, spectrum)
        n = len(spectrum.seeds)
        upper.set_title(f"{_when(spectrum)},  {n} {'pairs' if n > 1 else 'pair'}", fontsize=10)
    return figure


def _when(spectrum: PairedPower) -> str:
    return f"z = {spectrum.redshift:g}" if spectrum.quantity == "phi" else "growth-scaled difference cubes"


def _powers(axes: Any, spectrum: PairedPower, symbol: str) -> None:
    for theory, mean, error in zip(THEORIES, spectrum.mean, spectrum.mean_error, strict=True):
        axes.errorbar(
            spectrum.k * APART[theory], mean, np.nan_to_num(error), fmt=MARKERS[theory], markersize=4.5,
            color=COLOURS[theory], markerfacecolor="white" if theory == "gr" else COLOURS[theory], elinewidth=1,
            label=NAMES[theory],
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylabel(rf"$P_{{{symbol}}}(k)$  [(Mpc/h)$^3$]")
    axes.legend(frameon=False, fontsize=9)


def _ratio(axes: Any, spectrum: PairedPower) -> None:
    axes.axhline(0, color=GREY, linewidth=1)
    axes.errorbar(
        spectrum.k, spectrum.ratio - 1, np.nan_to_num(spectrum.ratio_error), fmt="o", markersize=4,
        color=COLOURS["difference"], elinewidth=1, capsize=2,
    )  # fmt: skip
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    axes.set_ylabel(r"$P_\mathrm{GR}\,/\,P_\mathrm{Newton} - 1$")
    wavenumber_axis(axes)
