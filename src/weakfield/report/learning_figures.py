"""Figures of the training and of what classifiers reach: losses, scores, ROC, reliability, learning curve."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import COLOURS, GREY, NAMES, OTHERS, new_figure
from weakfield.config import THEORIES
from weakfield.learning import Scores
from weakfield.learning.metrics import Estimate, auc, average_precision, bootstrap_weights
from weakfield.learning.results import Curve, History, Measures, Reliability

Reals = NDArray[np.float64]

ROC_RESAMPLES = 500
LN2 = float(np.log(2))
BCE_LABEL = "binary cross-entropy  [nats per cube]"
NO_COLOURS: Mapping[str, str] = MappingProxyType({})


def learning_curves(histories: Mapping[str, History], loss_label: str = BCE_LABEL, knows_nothing: float = LN2) -> Any:
    """Loss of the training and validation parts, and validation AUC, by epoch; the chosen epoch is marked.

    ``knows_nothing`` is the loss of a network that gives every cube the same score.
    """
    figure, axes = new_figure(1, 2, size=(5.0, 3.3))
    loss, score = axes[0]
    said = "ln 2" if knows_nothing == LN2 else f"{knows_nothing:.2g}"
    loss.axhline(knows_nothing, color=GREY, linewidth=1, linestyle=":", label=f"knows nothing ({said})")
    score.axhline(0.5, color=GREY, linewidth=1, linestyle=":", label="chance")
    for (label, history), colour in zip(histories.items(), OTHERS, strict=False):
        rows, best = history.epochs, history.best_epoch
        epoch = np.array([row.epoch for row in rows]) + 1
        validation = [row.validation_loss for row in rows]
        loss.plot(epoch, [row.train_loss for row in rows], color=colour, linewidth=1, linestyle="--")
        loss.plot(epoch, validation, color=colour, linewidth=1.6, label=label)
        loss.plot(epoch[best], validation[best], "o", color=colour, markersize=6)
        areas = [row.validation_auc for row in rows]
        score.plot(epoch, areas, color=colour, linewidth=1.6, label=label)
        score.plot(epoch[best], areas[best], "o", color=colour, markersize=6)
    loss.set(xlabel="epoch", ylabel=loss_label)
    score.set(xlabel="epoch", ylabel="validation AUC", ylim=(-0.03, 1.03))
    for panel in (loss, score):
        panel.legend(frameon=False, fontsize=9)
    return figure


def beside_baselines(
    classifiers: Mapping[str, Measures], networks: Collection[str], bound: Estimate | None = None
) -> Any:
    """AUC between universes and paired accuracy of every classifier with 95 % intervals, ``networks`` in black.

    ``bound`` is the largest AUC between universes of Gaussian fields with the measured spectra.
    """
    count = len(classifiers)
    figure, axes = new_figure(1, 2, size=(3.6, 0.9 + 0.24 * max(count, 3)), sharey=True)
    for panel, measure in zip(axes[0], ("unpaired_auc", "paired_accuracy"), strict=True):
        panel.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
        for place, (name, found) in enumerate(classifiers.items()):
            one, own = found[measure], name in networks
            panel.errorbar(
                [one.value],
                [place],
                xerr=[[one.value - one.low], [one.high - one.value]],
                fmt="s" if own else "o",
                color=OTHERS[0] if own else OTHERS[1],
                markersize=5 if own else 4,
                capsize=2,
            )
        panel.set_xlim(-0.03, 1.03)
    if bound is not None:
        axes[0, 0].axvline(bound.value, color=GREY, linewidth=1.2, linestyle="--")
    axes[0, 0].set_yticks(range(count), list(classifiers), fontsize=8)
    axes[0, 0].set_ylim(count - 0.5, -0.5)
    axes[0, 0].set_xlabel("AUC between universes")
    axes[0, 1].set_xlabel("pairs in the right order")
    return figure


def score_distributions(classifiers: Mapping[str, Scores], joined: bool = True) -> Any:
    """Logits of the test cubes of both theories, members of pairs ``joined`` by a line, with histograms outside."""
    columns = min(len(classifiers), 4)
    rows = -(-len(classifiers) // columns)
    figure, axes = new_figure(rows, columns, size=(2.6, 3.3))
    for panel in axes.ravel()[len(classifiers) :]:
        panel.remove()
    for panel, (label, scores) in zip(axes.ravel(), classifiers.items(), strict=False):
        both = np.concatenate([scores.newton, scores.gr])
        alpha = float(np.clip(8 / len(scores.seeds), 0.15, 0.8))
        panel.axhline(0, color=GREY, linewidth=1, linestyle=":")
        for newton, gr in zip(scores.newton, scores.gr, strict=True) if joined else ():
            panel.plot([0, 1], [newton, gr], color=GREY, linewidth=0.8, alpha=alpha)
        edges = np.histogram_bin_edges(both, bins=12)
        for position, (theory, logits) in enumerate(zip(THEORIES, (scores.newton, scores.gr), strict=True)):
            side = -1 if position == 0 else 1
            counts = np.histogram(logits, edges)[0]
            lengths = 0.45 * counts / max(counts.max(), 1)
            start = position + 0.12 * side
            panel.barh(
                edges[:-1], side * lengths, np.diff(edges), left=start, align="edge", color=COLOURS[theory], alpha=0.35
            )
            panel.plot(
                np.full(len(logits), position),
                logits,
                "o" if position == 0 else "s",
                markersize=4,
                color=COLOURS[theory],
            )
        panel.set_xticks([0, 1], [NAMES[theory] for theory in THEORIES])
        panel.set_xlim(-0.65, 1.65)
        panel.grid(False, axis="x")
        panel.set_title(label, fontsize=9.5)
    for row in axes:
        row[0].set_ylabel("logit  (above 0: called GR)")
    return figure


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


def _colour(label: str, number: int, colours: Mapping[str, str]) -> str:
    """The colour given for a classifier, or else one by its position."""
    return colours.get(label, OTHERS[number % len(OTHERS)])


def roc_curve(scores: Scores, weights: Reals | None = None) -> tuple[Reals, Reals]:
    """False and true positive rates (thresholds + 1,) when cubes above a falling threshold are called GR.

    ``weights`` (seeds,) count how often each seed is used.
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
        # the true rate at a false rate is the highest one reached up to that false rate
        curves.append(true[np.searchsorted(false, grid + 1e-12, side="right") - 1])
    low, high = np.quantile(curves, [0.025, 0.975], axis=0)
    return grid, low, high


def roc(groups: Sequence[Mapping[str, Scores]], colours: Mapping[str, str] = NO_COLOURS) -> Any:
    """ROC curves on the test seeds with bands, one panel per group; last, precision and recall of the first group."""
    figure, axes = new_figure(1, len(groups) + 1, size=(4.3, 4.3))
    for panel, classifiers in zip(axes[0], groups, strict=False):
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
        for number, (label, scores) in enumerate(classifiers.items()):
            colour = _colour(label, number, colours)
            false, true = roc_curve(scores)
            grid, low, high = roc_band(scores)
            panel.fill_between(grid, low, high, color=colour, alpha=0.15, linewidth=0)
            panel.plot(false, true, color=colour, linewidth=1.8, label=f"{label}: AUC {auc(scores):.2f}")
        panel.set(xlabel="Newton cubes called GR  [share]", ylabel="GR cubes called GR  [share]")
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        panel.legend(frameon=False, fontsize=8.5, loc="lower right")
    panel = axes[0, -1]
    panel.axhline(0.5, color=GREY, linewidth=1, linestyle=":", label="chance")
    for number, (label, scores) in enumerate(groups[0].items()):
        colour = _colour(label, number, colours)
        recall, precision = precision_recall_curve(scores)
        name = f"{label}: average {average_precision(scores):.2f}"
        panel.step(recall, precision, where="pre", color=colour, linewidth=1.8, label=name)
    panel.set(xlabel="GR cubes called GR  [share]", ylabel="called GR and GR  [share of those called GR]")
    panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    panel.legend(frameon=False, fontsize=8.5, loc="lower right")
    return figure


def reliability_curves(curves: Mapping[str, Reliability], colours: Mapping[str, str] = NO_COLOURS) -> Any:
    """Share of GR against the given probability, as scored and after the temperature; by name, then by kind of rows."""
    figure, axes = new_figure(1, 2, size=(4.6, 4.3))
    for panel, kind, title in zip(axes[0], ("raw", "calibrated"), ("as scored", "after temperature"), strict=True):
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="calibrated")
        for number, (label, found) in enumerate(curves.items()):
            colour = _colour(label, number, colours)
            rows = found.raw if kind == "raw" else found.calibrated
            predicted = np.array([row.predicted for row in rows]) + 0.004 * number  # side by side
            share, bars = _with_bars([row.observed for row in rows])
            panel.errorbar(
                predicted,
                share,
                yerr=bars,
                color=colour,
                marker="o",
                markersize=4.5,
                linewidth=1.2,
                elinewidth=1,
                capsize=2,
                label=label,
            )
        panel.set(xlabel="probability of GR given  [mean of a bin]", ylabel="GR  [share of the bin]")
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        panel.set_title(title, fontsize=10)
        panel.legend(frameon=False, fontsize=8.5, loc="upper left")
    return figure


def seeds_curve(
    curve: Curve,
    baselines: Mapping[str, str],
    bound: float | None,
    colours: Mapping[str, str] = NO_COLOURS,
) -> Any:
    """AUC between universes and loss against the number of training seeds: network, training part, ``baselines``."""
    figure, axes = new_figure(1, 2, size=(5.0, 3.6))
    points = curve.points
    seeds = np.array([point.seeds for point in points], dtype=float)
    lines = {
        "network, test seeds": [point.network for point in points],
        "network, its training seeds": [point.train for point in points],
    }
    lines |= {text: [point.baselines[name] for point in points] for name, text in baselines.items()}
    for panel, measure, label in zip(
        axes[0],
        ("unpaired_auc", "calibrated_log_loss"),
        ("AUC between universes", "cross-entropy  [nats]"),
        strict=True,
    ):
        for number, (name, rows) in enumerate(lines.items()):
            colour = _colour(name, max(number - 1, 0), colours)
            value, bars = _with_bars([row[measure] for row in rows])
            panel.errorbar(
                seeds * 1.015**number,
                value,
                yerr=bars,
                color=colour,
                marker="o",
                markersize=4.5,
                linewidth=1.3,
                elinewidth=1,
                capsize=2,
                label=name,
                linestyle="--" if number == 1 else "-",
                markerfacecolor="white" if number == 1 else colour,
            )
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


def _with_bars(found: Sequence[Estimate]) -> tuple[Reals, list[Reals]]:
    """Values, and the lengths of their error bars downwards and upwards."""
    value, low, high = np.array([(e.value, e.low, e.high) for e in found]).reshape(-1, 3).T
    return value, [value - low, high - value]
