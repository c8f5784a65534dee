"""The figure of even and odd parts: response and correlation with relativity's own part, and the size of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weakfield.base.figures import COLOURS, GREY, LIGHT_GREY, OTHERS, new_figure, wavenumber_axis
from weakfield.spectra.parity import Estimate, Parity

PREDICTION, ODD = OTHERS[1], OTHERS[2]


def parity_figure(results: Sequence[Parity]) -> Any:
    """One column per output: rms of even part, odd part and prediction by shell; below, response and correlation."""
    figure, axes = new_figure(2, len(results), size=(5.0, 2.9), sharex="col", gridspec_kw={"height_ratios": (1.2, 1.0)})
    for column, result in enumerate(results):
        sizes, below = axes[0, column], axes[1, column]
        for panel in (sizes, below):
            panel.axvspan(result.k.min() / 1.2, result.limit, color=LIGHT_GREY, alpha=0.4, linewidth=0, zorder=0)
        _sizes(sizes, result)
        _answers(below, result)
        seeds = len(result.seeds)
        sizes.set_title(f"z = {result.redshift:g},  {seeds} {'seeds' if seeds > 1 else 'seed'}", fontsize=10)
        wavenumber_axis(below)
    return figure


def _sizes(axes: Any, result: Parity) -> None:
    """The size of one mode: root mean square over the modes and seeds of a shell."""
    lines = (
        ("even", "even (second order)", COLOURS["difference"], "o", "-"),
        ("odd", "odd (first and third)", ODD, "s", "-"),
        ("predicted", "relativity's own part", PREDICTION, "", "--"),
    )
    for name, label, colour, marker, style in lines:
        values = np.sqrt(result.mean_square(name)[:-1])
        if np.isfinite(values).any():
            axes.plot(
                result.k[:-1],
                values,
                color=colour,
                marker=marker,
                markersize=3.5,
                linestyle=style,
                linewidth=1.2,
                label=label,
            )
    axes.set_yscale("log")
    axes.set_ylabel(r"rms of a mode of $\Phi_\mathrm{GR}-\Phi_\mathrm{Newton}$", fontsize=9)
    axes.legend(frameon=False, fontsize=8)


def _answers(axes: Any, result: Parity) -> None:
    axes.axhline(1, color=GREY, linewidth=1)
    axes.axhline(0, color=LIGHT_GREY, linewidth=1)
    answers: tuple[tuple[str, Estimate, str, str], ...] = (
        ("response", result.response, COLOURS["difference"], "o"),
        ("correlation", result.correlation, PREDICTION, "D"),
    )
    for label, (value, error), colour, marker in answers:
        if np.isfinite(value[:-1]).any():
            axes.errorbar(
                result.k[:-1],
                value[:-1],
                np.nan_to_num(error[:-1]),
                fmt=marker,
                markersize=3.5,
                color=colour,
                elinewidth=1,
                label=label,
            )
            axes.legend(frameon=False, fontsize=8)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -1.5), min(high, 2.5))  # the lattice dominates shells near the Nyquist wavenumber
    axes.set_ylabel("even part, with relativity's", fontsize=9)
