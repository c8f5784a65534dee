"""The figure of an audit: what the classifier of every control reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weakfield.base.figures import GREY, OTHERS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from weakfield.audit.records import ControlRow

#: what a classifier reaches between universes and within pairs: colour, marker, label
MEASURES = {
    "unpaired_auc": (OTHERS[0], "o", "AUC between universes (bootstrap over seeds)"),
    "paired_accuracy": (OTHERS[1], "s", "paired accuracy (binomial)"),
}


def plot_reached(controls: Sequence[ControlRow], ax: Axes | None = None) -> Axes:
    """Plot AUC and paired accuracy of every control that has a classifier, with 95 % intervals, onto ``ax``."""
    rows = [row for row in controls if row.unpaired_auc is not None]
    panel = ax if ax is not None else new_figure(size=(7.2, 0.9 + 0.27 * max(len(rows), 3)))[1][0, 0]
    panel.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
    for number, (key, (colour, marker, label)) in enumerate(MEASURES.items()):
        known = [(place, one) for place, row in enumerate(rows) if (one := getattr(row, key)) is not None]
        if not known:  # cubes that are not paired
            continue
        found = [one for _, one in known]
        bars = [[one.value - one.low for one in found], [one.high - one.value for one in found]]
        heights = [place + 0.16 * (2 * number - 1) for place, _ in known]
        panel.errorbar(
            [one.value for one in found], heights, xerr=bars, fmt=marker, color=colour, markersize=4, label=label
        )
    panel.set_yticks(range(len(rows)), [row.name for row in rows])
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set(xlim=(-0.03, 1.03), xlabel="share in the right order  (0.5: chance)")
    below = (0.5, -0.12 - 0.8 / max(len(rows), 3))
    panel.legend(frameon=False, fontsize=8.5, loc="upper center", bbox_to_anchor=below, ncols=2)
    return panel
