"""Figures of the audit: what every control reached, and where in k the information sits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weakfield.audit.records import BandCurve, ControlRow, Verdict
from weakfield.base.figures import COLOURS, GREY, OTHERS, new_figure, wavenumber_axis
from weakfield.learning import Scores
from weakfield.learning.metrics import Estimate, auc
from weakfield.report.learning_figures import roc_curve

#: what a classifier reaches between universes and within pairs: colour, marker, label
MEASURES = {
    "unpaired_auc": (OTHERS[0], "o", "AUC between universes (bootstrap over seeds)"),
    "paired_accuracy": (OTHERS[1], "s", "paired accuracy (binomial)"),
}
#: of what raises an alarm, of what came out clean, and of what says nothing, which is as grey as the axes
VERDICT_COLOURS: dict[Verdict, str] = {"shortcut": "#a3123a", "clean": "#00664b", "inconclusive": GREY}
CLASSIFIERS = {"network": "network as trained", "log_pk": "log P(k), fitted", "retrained": "network retrained"}


def with_scores(controls: Sequence[ControlRow]) -> list[ControlRow]:
    """The controls that are about a classifier."""
    return [row for row in controls if row.unpaired_auc is not None]


def reached(controls: Sequence[ControlRow]) -> Any:
    """AUC and paired accuracy of the classifier of every control that has one, with 95 % intervals."""
    rows = with_scores(controls)
    figure, axes = new_figure(1, 1, size=(7.2, 0.9 + 0.27 * max(len(rows), 3)))
    panel = axes[0, 0]
    panel.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
    for number, (key, (colour, marker, label)) in enumerate(MEASURES.items()):
        known = [(place, one) for place, row in enumerate(rows) if (one := getattr(row, key)) is not None]
        if not known:  # cubes that are not paired
            continue
        found: list[Estimate] = [estimate for _, estimate in known]
        panel.errorbar(
            [estimate.value for estimate in found],
            [place + 0.16 * (2 * number - 1) for place, _ in known],
            xerr=_bars(found),
            fmt=marker,
            color=colour,
            markersize=4,
            linewidth=1.2,
            label=label,
            capsize=2,
        )
    panel.set_yticks(range(len(rows)), [row.name for row in rows])
    for tick, row in zip(panel.get_yticklabels(), rows, strict=True):
        tick.set_color(VERDICT_COLOURS[row.verdict])
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set(xlim=(-0.03, 1.03), xlabel="share in the right order  (0.5: chance)")
    panel.legend(
        frameon=False, fontsize=8.5, loc="upper center", bbox_to_anchor=(0.5, -0.12 - 0.8 / max(len(rows), 3)), ncols=2
    )
    return figure


def verdicts(controls: Sequence[ControlRow]) -> Any:
    """The names of the controls in three columns: alarms, what came out clean, and what says nothing."""
    columns: dict[Verdict, str] = {"shortcut": "alarm", "clean": "clean", "inconclusive": "say nothing"}
    found = {verdict: [row.name for row in controls if row.verdict == verdict] for verdict in columns}
    rows = max(len(names) for names in found.values())
    figure, axes = new_figure(size=(6.4, 0.7 + 0.21 * rows))
    panel = axes[0, 0]
    panel.axis("off")
    panel.set(xlim=(0, len(columns)), ylim=(rows + 0.4, -1.2))
    for place, (verdict, names) in enumerate(found.items()):
        style = {"color": VERDICT_COLOURS[verdict], "va": "center"}
        panel.text(place, -0.6, f"{len(names)}  {columns[verdict]}", fontsize=10, fontweight="bold", **style)
        for row, name in enumerate(names):
            panel.text(place, row + 0.4, name, fontsize=8.5, **style)
    return figure


def bands(curves: Sequence[BandCurve]) -> Any:
    """Left: share of the logit difference of pairs below and above a cut. Right: pairs in order, by classifier.

    Of cubes that are not paired the right panel shows the AUC between universes.
    """
    paired = all(point.network.paired_accuracy is not None for curve in curves for point in curve.points)
    figure, axes = new_figure(1, 2, size=(5.2, 3.5))
    share, order = axes[0]
    share.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    order.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    for style, curve in zip(("-", "--"), curves, strict=False):
        side = "below" if curve.side == "low" else "above"
        cuts = [point.cut_hmpc for point in curve.points]
        shares = [point.share for point in curve.points]
        _line(share, cuts, shares, color=OTHERS[0], linestyle=style, label=f"modes {side} the cut")
        for number, ((key, label), colour) in enumerate(zip(CLASSIFIERS.items(), OTHERS, strict=False)):
            found = [(point.cut_hmpc, ordering) for point in curve.points if (ordering := getattr(point, key))]
            if found:
                cuts = [cut * 1.03 ** (number - 1) for cut, _ in found]  # shifted sideways where they coincide
                orders = [ordering.paired_accuracy or ordering.unpaired_auc for _, ordering in found]
                _line(order, cuts, orders, color=colour, linestyle=style, label=f"{label}, {side}")
    share.set_ylabel("share of the logit difference" + (" of pairs" if paired else ""))
    order.set_ylabel("pairs in the right order  [share of seeds]" if paired else "AUC between universes")
    order.set_ylim(-0.03, 1.03)
    for panel in axes[0]:
        wavenumber_axis(panel)
        panel.set_xlabel("cut  k  [h/Mpc]")
        panel.legend(frameon=False, fontsize=7.5)
    return figure


def roc_controls(before: Scores, controls: Mapping[str, Scores]) -> Any:
    """ROC curve of the network, and after each control: one panel per control."""
    columns = min(len(controls), 4)
    rows = -(-len(controls) // columns)
    figure, axes = new_figure(rows, columns, size=(2.7, 2.8))
    for panel in axes.ravel()[len(controls) :]:
        panel.remove()
    own = roc_curve(before)
    for panel, (name, scores) in zip(axes.ravel(), controls.items(), strict=False):
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
        panel.plot(*own, color=COLOURS["difference"], linewidth=1.5, label=f"before: {auc(before):.2f}")
        panel.plot(*roc_curve(scores), color=OTHERS[1], linewidth=1.5, label=f"after: {auc(scores):.2f}")
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        panel.set_title(name, fontsize=9)
        panel.legend(frameon=False, fontsize=7.5, loc="lower right", title="AUC", title_fontsize=7.5)
    for row in axes:
        row[0].set_ylabel("GR called GR  [share]", fontsize=8.5)
    for panel in axes[-1]:
        panel.set_xlabel("Newton called GR  [share]", fontsize=8.5)
    return figure


def _line(panel: Any, cuts: Sequence[float], found: Sequence[Estimate], **style: Any) -> None:
    values = [estimate.value for estimate in found]
    panel.errorbar(cuts, values, yerr=_bars(found), marker="o", markersize=4, linewidth=1.3, capsize=2, **style)


def _bars(found: Sequence[Estimate]) -> list[list[float]]:
    """Lengths of error bars, downwards and upwards."""
    return [[e.value - e.low for e in found], [e.high - e.value for e in found]]
