"""Figures of what classifiers are worth: ROC, precision and recall, reliability, learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import GREY, OTHERS, new_figure
from weakfield.learning import Scores
from weakfield.learning.metrics import auc, average_precision, bootstrap_weights

Reals = NDArray[np.float64]

ROC_RESAMPLES = 500


def _calls(scores: Scores, weights: Reals | None) -> tuple[Reals, Reals]:
    """Share of Newton and of GR cubes called GR (thresholds + 1,), from none to all, as the threshold falls."""
    taken = np.ones(len(scores.distinct)) if weights is None else weights
    each = taken[scores.owner]
    thresholds = np.unique(np.concatenate([scores.newton, scores.gr]))[::-1]
    shares = []
    for logits in (scores.newton, scores.gr):
        order = np.argsort(-logits, kind="stable")
        reached = np.concatenate([[0.0], np.cumsum(each[order])])
        shares.append(reached[np.searchsorted(-logits[order], -thresholds, side="right")] / each.sum())
    return tuple(np.concatenate([[0.0], share]) for share in shares)  # type: ignore[return-value]


def roc_curve(scores: Scores, weights: Reals | None = None) -> tuple[Reals, Reals]:
    """False and true positive rates (thresholds + 1,) when cubes above a falling threshold are called GR.

    ``weights`` (seeds,) count how often each seed is taken.
    """
    return _calls(scores, weights)


def precision_recall_curve(scores: Scores) -> tuple[Reals, Reals]:
    """Recall and precision (thresholds,) of GR as the threshold falls."""
    false, true = _calls(scores, None)
    return true[1:], true[1:] / (true[1:] + false[1:])


def roc_band(scores: Scores) -> tuple[Reals, Reals, Reals]:
    """Pointwise 95 % band of the ROC curve from a bootstrap over seeds: false positive rates, low, high."""
    grid = np.linspace(0, 1, 101)
    curves = []
    for weights in bootstrap_weights(len(scores.distinct), ROC_RESAMPLES):
        false, true = roc_curve(scores, weights)
        # the true rate at a false rate is the highest one reached up to it
        curves.append(true[np.searchsorted(false, grid + 1e-12, side="right") - 1])
    low, high = np.quantile(curves, [0.025, 0.975], axis=0)
    return grid, low, high


def roc(groups: Sequence[Mapping[str, Scores]]) -> Any:
    """ROC curves on the test seeds, each with its band, a panel a group; last, precision and recall of the first."""
    figure, axes = new_figure(1, len(groups) + 1, size=(4.3, 4.3))
    for panel, classifiers in zip(axes[0], groups, strict=False):
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
        for (label, scores), colour in zip(classifiers.items(), OTHERS, strict=False):
            false, true = roc_curve(scores)
            grid, low, high = roc_band(scores)
            panel.fill_between(grid, low, high, color=colour, alpha=0.15, linewidth=0)
            panel.plot(false, true, color=colour, linewidth=1.8, label=f"{label}: AUC {auc(scores):.2f}")
        panel.set(xlabel="Newton cubes called GR  [share]", ylabel="GR cubes called GR  [share]")
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        panel.legend(frameon=False, fontsize=8.5, loc="lower right")
    panel = axes[0, -1]
    panel.axhline(0.5, color=GREY, linewidth=1, linestyle=":", label="chance")
    for (label, scores), colour in zip(groups[0].items(), OTHERS, strict=False):
        recall, precision = precision_recall_curve(scores)
        name = f"{label}: average {average_precision(scores):.2f}"
        panel.step(recall, precision, where="pre", color=colour, linewidth=1.8, label=name)
    panel.set(xlabel="GR cubes called GR  [share]", ylabel="called GR and GR  [share of those called GR]")
    panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    panel.legend(frameon=False, fontsize=8.5, loc="lower right")
    return figure


def reliability_curves(curves: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Any:
    """Share of GR against the probability given, as scored and after the temperature; by name, then kind of rows."""
    figure, axes = new_figure(1, 2, size=(4.6, 4.3))
    for panel, kind, title in zip(axes[0], ("raw", "calibrated"), ("as scored", "after temperature"), strict=True):
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="calibrated")
        for number, ((label, found), colour) in enumerate(zip(curves.items(), OTHERS, strict=False)):
            predicted = np.array([row["predicted"] for row in found[kind]]) + 0.004 * number  # side by side
            share, low, high = (np.array([row["observed"][k] for row in found[kind]]) for k in ("value", "low", "high"))
            panel.errorbar(
                predicted, share, yerr=[share - low, high - share], color=colour, marker="o", markersize=4.5,
                linewidth=1.2, elinewidth=1, capsize=2, label=label,
            )  # fmt: skip
        panel.set(xlabel="probability of GR given  [mean of a bin]", ylabel="GR  [share of the bin]")
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        panel.set_title(title, fontsize=10)
        panel.legend(frameon=False, fontsize=8.5, loc="upper left")
    return figure


def seeds_curve(curve: Mapping[str, Any], baselines: Mapping[str, str], bound: float | None) -> Any:
    """AUC between universes and loss against the number of training seeds: network, training part, ``baselines``."""
    figure, axes = new_figure(1, 2, size=(5.0, 3.6))
    points = curve["points"]
    seeds = np.array([point["seeds"] for point in points], dtype=float)
    lines = {"network, test seeds": ("network", None), "network, its training seeds": ("train", None)}
    for panel, measure, label in zip(
        axes[0],
        ("unpaired_auc", "calibrated_log_loss"),
        ("AUC between universes", "cross-entropy  [nats]"),
        strict=True,
    ):
        shown = {name: [point[key] for point in points] for name, (key, _) in lines.items()}
        shown |= {text: [point["baselines"][name] for point in points] for name, text in baselines.items()}
        for number, ((name, rows), colour) in enumerate(zip(shown.items(), (OTHERS[0], *OTHERS), strict=False)):
            value, low, high = (np.array([row[measure][k] for row in rows]) for k in ("value", "low", "high"))
            panel.errorbar(
                seeds * 1.015**number, value, yerr=[value - low, high - value], color=colour, marker="o",
                markersize=4.5, linewidth=1.3, elinewidth=1, capsize=2, label=name,
                linestyle="--" if number == 1 else "-", markerfacecolor="white" if number == 1 else colour,
            )  # fmt: skip
        panel.set(xlabel="training seeds", ylabel=label, xscale="log")
        panel.set_xticks(seeds, [f"{size:.0f}" for size in seeds])
        panel.minorticks_off()
    chance = {"unpaired_auc": 0.5, "calibrated_log_loss": float(np.log(2))}
    for panel, level in zip(axes[0], chance.values(), strict=True):
        panel.axhline(level, color=GREY, linewidth=1, linestyle=":", label="chance")
    if bound is not None:
        axes[0, 0].axhline(bound, color=GREY, linewidth=1.2, linestyle="-.", label="bound of Gaussian fields")
    for panel in axes[0]:
        panel.legend(frameon=False, fontsize=8.5)
    return figure
