"""Figures of the learning and explain stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from weakfield.learning import Scores

Reals = NDArray[np.float64]


def learning_curves(histories: Mapping[str, dict[str, Any]]) -> Any:
    """Loss of the training and validation parts, and validation AUC, by epoch; the chosen epoch marked."""
    figure, axes = new_figure(1, 2, size=(5.0, 3.3))
    loss, score = axes[0]
    loss.axhline(np.log(2), color=GREY, linewidth=1, linestyle=":", label="knows nothing (ln 2)")
    score.axhline(0.5, color=GREY, linewidth=1, linestyle=":", label="chance")
    for (label, history), colour in zip(histories.items(), OTHERS, strict=False):
        rows, best = history["epochs"], history["best_epoch"]
        epoch = np.array([row["epoch"] for row in rows]) + 1
        validation = [row["validation_loss"] for row in rows]
        loss.plot(epoch, [row["train_loss"] for row in rows], color=colour, linewidth=1, linestyle="--")
        loss.plot(epoch, validation, color=colour, linewidth=1.6, label=label)
        loss.plot(epoch[best], validation[best], "o", color=colour, markersize=6)
        areas = [row["validation_auc"] for row in rows]
        score.plot(epoch, areas, color=colour, linewidth=1.6, label=label)
        score.plot(epoch[best], areas[best], "o", color=colour, markersize=6)
    loss.set(xlabel="epoch", ylabel="binary cross-entropy  [nats per cube]")
    score.set(xlabel="epoch", ylabel="validation AUC", ylim=(-0.03, 1.03))
    for panel in (loss, score):
        panel.legend(frameon=False, fontsize=9)
    return figure


def score_distributions(classifiers: Mapping[str, Scores]) -> Any:
    """Logits of the test cubes of both theories, twins joined by a line, histograms outside."""
    columns = min(len(classifiers), 4)
    rows = -(-len(classifiers) // columns)
    figure, axes = new_figure(rows, columns, size=(2.6, 3.3))
    for panel in axes.ravel()[len(classifiers) :]:
        panel.remove()
    for panel, (label, scores) in zip(axes.ravel(), classifiers.items(), strict=False):
        both = np.concatenate([scores.newton, scores.gr])
        alpha = float(np.clip(8 / len(scores.seeds), 0.15, 0.8))
        panel.axhline(0, color=GREY, linewidth=1, linestyle=":")
        for newton, gr in zip(scores.newton, scores.gr, strict=True):
            panel.plot([0, 1], [newton, gr], color=GREY, linewidth=0.8, alpha=alpha)
        edges = np.histogram_bin_edges(both, bins=12)
        for place, (theory, logits) in enumerate(zip(THEORIES, (scores.newton, scores.gr), strict=True)):
            side = -1 if place == 0 else 1
            counts = np.histogram(logits, edges)[0]
            lengths = 0.45 * counts / max(counts.max(), 1)
            start = place + 0.12 * side
            panel.barh(
                edges[:-1], side * lengths, np.diff(edges), left=start, align="edge", color=COLOURS[theory], alpha=0.35
            )  # fmt: skip
            panel.plot(
                np.full(len(logits), place), logits, "o" if place == 0 else "s", markersize=4, color=COLOURS[theory]
            )
        panel.set_xticks([0, 1], [NAMES[theory] for theory in THEORIES])
        panel.set_xlim(-0.65, 1.65)
        panel.grid(False, axis="x")
        panel.set_title(label, fontsize=9.5)
    for row in axes:
        row[0].set_ylabel("logit  (above 0: called GR)")
    return figure


def saliency_maps(projections: Reals, box_size_mpch: float) -> Any:
    """Rows: sums along z, y, x; columns: gradient for the Newton cube, the GR cube, and their difference."""
    figure, axes = new_figure(3, 3, size=(3.3, 2.8))
    planes = (("x", "y"), ("x", "z"), ("y", "z"))  # horizontal and vertical axis left after each sum
    for column, name in enumerate((*THEORIES, "difference")):
        limit = float(np.abs(projections[column]).max())
        power = int(np.floor(np.log10(limit))) if limit > 0 else 0
        for row, (across, up) in enumerate(planes):
            panel = axes[row, column]
            shown = panel.imshow(
                projections[column, row] / 10.0**power, origin="lower", cmap=DIVERGING,
                extent=(0, box_size_mpch, 0, box_size_mpch), vmin=-limit / 10.0**power, vmax=limit / 10.0**power,
            )  # fmt: skip
            panel.grid(False)
            panel.set(xlabel=f"{across}  [Mpc/h]", ylabel=f"{up}  [Mpc/h]")
            bar = figure.colorbar(shown, ax=panel, pad=0.02, shrink=0.84)
            bar.set_label(rf"$\sum_{'zyx'[row]}$ d logit / d cell  [$10^{{{power}}}$]", fontsize=8)
            bar.ax.tick_params(labelsize=8)
            bar.outline.set_visible(False)
        axes[0, column].set_title(NAMES[name], fontsize=11, color=COLOURS[name], fontweight="bold")
    return figure


def saliency_shells(explanation: dict[str, Any]) -> Any:
    """Contribution of every shell to the logit difference of the pair, and the power of the gradients."""
    fourier = explanation["fourier"]
    k = np.array(fourier["k_hmpc"])
    figure, axes = new_figure(1, 2, size=(5.0, 3.3))
    parts, gradient = axes[0]
    parts.axhline(0, color=GREY, linewidth=1)
    parts.vlines(k, 0, fourier["pair"]["shells"], color=LIGHT_GREY, linewidth=4)
    parts.plot(k, fourier["pair"]["shells"], "o", color=COLOURS["difference"], markersize=5)
    parts.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
    parts.set_ylabel("contribution to the difference  [logit]")
    for theory, marker in zip(THEORIES, "os", strict=True):
        gradient.plot(
            k, fourier["gradient_power"][theory], marker=marker, markersize=4.5, linewidth=1.2, color=COLOURS[theory],
            markerfacecolor="white" if theory == "gr" else COLOURS[theory], label=NAMES[theory],
        )  # fmt: skip
    gradient.set_yscale("log")
    gradient.set_ylabel(r"mean $|G(k)/N^3|^2$  [logit$^2$]")
    gradient.legend(frameon=False, fontsize=9)
    for panel in axes[0]:
        wavenumber_axis(panel)
    return figure
