"""Figures of the audit: what every control reached, and where in k the information sits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weakfield.base.figures import GREY, OTHERS, new_figure, wavenumber_axis

#: what a classifier is worth between universes and between twins: colour, marker, label
MEASURES = {
    "unpaired_auc": (OTHERS[0], "o", "AUC between universes (bootstrap over seeds)"),
    "paired_accuracy": (OTHERS[1], "s", "paired accuracy (binomial)"),
}


def with_scores(controls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The controls that are about a classifier."""
    return [row for row in controls if all(key in row for key in MEASURES)]


def reached(controls: Sequence[dict[str, Any]]) -> Any:
    """AUC and paired accuracy of the classifier of every control that has one, with 95 % intervals."""
    rows = with_scores(controls)
    figure, axes = new_figure(1, 1, size=(7.2, 0.9 + 0.27 * len(rows)))
    panel = axes[0, 0]
    panel.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
    for number, (key, (colour, marker, label)) in enumerate(MEASURES.items()):
        height = [place + 0.16 * (2 * number - 1) for place in range(len(rows))]
        values = [row[key]["value"] for row in rows]
        errors = [
            [row[key]["value"] - row[key]["low"] for row in rows],
            [row[key]["high"] - row[key]["value"] for row in rows],
        ]
        panel.errorbar(
            values, height, xerr=errors, fmt=marker, color=colour, markersize=4, linewidth=1.2, label=label,
            capsize=2,
        )  # fmt: skip
    panel.set_yticks(range(len(rows)), [row["name"] for row in rows])
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set(xlim=(-0.03, 1.03), xlabel="share in the right order  (0.5: chance)")
    panel.legend(
        frameon=False, fontsize=8.5, loc="upper center", bbox_to_anchor=(0.5, -0.12 - 0.8 / len(rows)), ncols=2
    )
    return figure


def bands(curves: Sequence[dict[str, Any]]) -> Any:
    """Left: share of the network's logit difference below and above a cut. Right: twins in order, by classifier."""
    figure, axes = new_figure(1, 2, size=(5.2, 3.5))
    share, order = axes[0]
    share.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    order.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    classifiers = {"network": "network as trained", "log_pk": "log P(k), fitted", "retrained": "network retrained"}
    for style, curve in zip(("-", "--"), curves, strict=False):
        side = "below" if curve["side"] == "low" else "above"
        points = curve["points"]
        _line(share, points, [p["share"] for p in points], OTHERS[0], style, f"modes {side} the cut")
        for number, ((key, label), colour) in enumerate(zip(classifiers.items(), OTHERS, strict=False)):
            # side by side where they agree
            known = [p | {"cut_hmpc": p["cut_hmpc"] * 1.03 ** (number - 1)} for p in points if key in p]
            if known:
                _line(order, known, [p[key]["paired_accuracy"] for p in known], colour, style, f"{label}, {side}")
    share.set_ylabel("share of the logit difference of twins")
    order.set_ylabel("twins in the right order  [share of seeds]")
    order.set_ylim(-0.03, 1.03)
    for panel in axes[0]:
        wavenumber_axis(panel)
        panel.set_xlabel("cut  k  [h/Mpc]")
        panel.legend(frameon=False, fontsize=7.5)
    return figure


def _line(
    panel: Any, points: Sequence[dict[str, Any]], values: Sequence[dict[str, float]], colour: str, style: str,
    label: str,
) -> None:  # fmt: skip
    errors = [[v["value"] - v["low"] for v in values], [v["high"] - v["value"] for v in values]]
    panel.errorbar(
        [p["cut_hmpc"] for p in points], [v["value"] for v in values], yerr=errors, color=colour, linestyle=style,
        marker="o", markersize=4, linewidth=1.3, capsize=2, label=label,
    )  # fmt: skip
