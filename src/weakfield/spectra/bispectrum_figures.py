"""Figures of bispectra: equilateral, squeezed and all triangles, with the tree level, and GR - Newton for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import COLOURS, GREY, LIGHT_GREY, NAMES, OTHERS, new_figure, wavenumber_axis
from weakfield.config import THEORIES
from weakfield.spectra.figures import APART, MARKERS, known, when
from weakfield.spectra.paired_bispectrum import PairedBispectrum

Reals = NDArray[np.float64]
RELATIVISTIC = OTHERS[1]


def bispectra_figure(bispectra: list[PairedBispectrum]) -> Any:
    """Two rows for each output: the bispectrum of both theories above, GR - Newton for the same triangles below.

    The columns are equilateral triangles, squeezed ones (one side in the first shell), and all in the order of the
    table.
    """
    figure, axes = new_figure(
        2 * len(bispectra), 3, size=(4.6, 2.7), gridspec_kw={"height_ratios": [1.2, 1] * len(bispectra)}
    )
    for number, result in enumerate(bispectra):
        every = np.ones(len(result.triangles), dtype=bool)
        kinds = (("equilateral", result.equilateral), ("squeezed", result.squeezed), ("all triangles", every))
        for column, (name, chosen) in enumerate(kinds):
            upper, lower = axes[2 * number, column], axes[2 * number + 1, column]
            lower.sharex(upper)
            x = np.arange(1.0, chosen.sum() + 1) if name == "all triangles" else result.k[chosen, 2]
            unit = _unit(result, chosen)
            _values(upper, result, chosen, x, unit)
            _differences(lower, result, chosen, x, unit)
            upper.set_title(f"{name},  {when(result)}" if column else f"{when(result)},  {name}", fontsize=10)
            if name == "all triangles":
                lower.set_xlabel("triangle, in the order of bispectra.csv")
            else:
                wavenumber_axis(lower)
                if name == "squeezed":
                    lower.set_xlabel(f"k of the long sides  [h/Mpc], third side {result.k[chosen, 0].mean():.2g}")
        axes[2 * number, 0].legend(frameon=False, fontsize=8)
        axes[2 * number + 1, 0].legend(frameon=False, fontsize=8)
    return figure


def _unit(result: PairedBispectrum, chosen: NDArray[np.bool_]) -> Reals:
    """What the values are divided by so that they fit on one axis: the cosmic variance of the mean of all pairs."""
    error = result.gaussian_error[chosen] / np.sqrt(len(result.seeds))
    return np.asarray(np.where(error > 0, error, 1.0))


def _values(axes: Any, result: PairedBispectrum, chosen: NDArray[np.bool_], x: Reals, unit: Reals) -> None:
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.axhspan(-1, 1, color=LIGHT_GREY, alpha=0.4, linewidth=0)
    for theory, mean, error in zip(THEORIES, result.mean, result.mean_error, strict=True):
        axes.errorbar(
            x * (APART[theory] if len(x) < 40 else 1.0),
            mean[chosen] / unit,
            np.nan_to_num(error[chosen]) / unit,
            fmt=MARKERS[theory],
            markersize=3.5 if len(x) < 40 else 2,
            color=COLOURS[theory],
            elinewidth=0.8,
            markerfacecolor="white" if theory == "gr" else COLOURS[theory],
            label=NAMES[theory],
        )
    shown = [result.mean[:, chosen] / unit]
    tree = result.tree_level[chosen]
    if known(tree):
        mesh, style = tree * result.suppression[chosen] / unit, {"color": GREY, "linewidth": 1.2}
        axes.plot(x, tree / unit, linestyle=":", label="tree level", **style)
        axes.plot(x, mesh, linestyle="-", label="tree level, as the mesh has P", **style)
        shown.append(mesh[None])
    low, high = min(part.min() for part in shown), max(part.max() for part in shown)
    axes.set_ylim(low - 2.0 - 0.05 * (high - low), high + 2.0 + 0.05 * (high - low))  # the continuum may go beyond it
    axes.set_ylabel(r"$B$ / cosmic variance of the mean")


def _differences(axes: Any, result: PairedBispectrum, chosen: NDArray[np.bool_], x: Reals, unit: Reals) -> None:
    axes.axhline(0, color=GREY, linewidth=0.8)
    difference, error = result.differences.mean(axis=0)[chosen], np.nan_to_num(result.difference_error[chosen])
    axes.errorbar(
        x,
        difference / unit,
        error / unit,
        fmt="o",
        markersize=3.5 if len(x) < 40 else 2,
        elinewidth=0.8,
        color=COLOURS["difference"],
        label=NAMES["difference"],
    )
    predicted = result.relativistic[chosen] * result.suppression[chosen]
    if known(predicted):
        axes.plot(x, predicted / unit, color=RELATIVISTIC, linewidth=1.2, label="second order, linear start")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    axes.set_ylabel("difference / the same")
