"""Where in k the information sits: curves over cuts, of the network as trained, of P(k), and of retrained networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from torch import Tensor

from weakfield.audit.context import Context
from weakfield.audit.contract import Result, Verdict, tells
from weakfield.config import StudyConfig
from weakfield.dataset import PARTS
from weakfield.fourier import squared_wavenumbers
from weakfield.fourier.altered import power_groups
from weakfield.fourier.filters import high_pass, low_pass
from weakfield.learning import Scores
from weakfield.learning.classifiers import logistic

Side = Literal["low", "high"]
FILTERS: dict[Side, Callable[[Tensor, float, int], Tensor]] = {
    "low": low_pass,
    "high": high_pass,
}
NAMES: dict[Side, str] = {"low": "low_pass", "high": "high_pass"}


def cuts(n: int) -> list[float]:
    """Cuts in units of k_F, between shells: 1.5, 2.5, 4.5, 8.5 ... below the Nyquist wavenumber N/2."""
    return [2.0**power + 0.5 for power in range(16) if 2**power + 0.5 < n / 2]


def resolved_cut(n: int) -> float:
    """The cut nearest to half of the Nyquist wavenumber: above it the lattice shapes the fields."""
    return min(cuts(n), key=lambda cut: abs(cut - n / 4))


def retrainings(study: StudyConfig) -> int:
    """One retraining at the resolved cut; with ``full`` one at every cut."""
    return len(cuts(study.simulation.grid)) if study.audit.full else 1


def curve(context: Context, side: Side) -> dict[str, Any]:
    """Cuts [h/Mpc], and at each: share of the logit difference, AUCs of the network, of P(k), of retrained networks."""
    n, dim = context.dataset.grid, context.dim
    places, middle = cuts(n), resolved_cut(n)
    order = sorted(places, key=lambda cut: cut != middle)  # the budget goes to the resolved cut first
    points: dict[float, dict[str, Any]] = {}
    for cut in order:

        def change(pair: Tensor, cut: float = cut) -> Tensor:
            return FILTERS[side](pair, cut, dim)

        seen = context.score(context.altered(change))
        points[cut] = {
            "cut_hmpc": cut * 2 * np.pi / context.dataset.box_size_mpch,
            "share": context.share(seen).as_json(),
            "network": _aucs(context, seen),
            "log_pk": _aucs(context, power_scores(context, cut, side)),
        }
        if context.may_retrain:
            again = context.retrain(NAMES[side], context.all_altered(change), at=f"cut{cut:g}")
            points[cut]["retrained"] = _aucs(context, again)
    return {"side": side, "resolved_hmpc": points[middle]["cut_hmpc"], "points": [points[cut] for cut in places]}


def power_scores(context: Context, cut: float, side: Side) -> Scores:
    """Logistic regression on ln P(k) of the shells below or above a cut."""
    groups = power_groups(context.dataset.grid, False, context.dim)
    length = np.sqrt(squared_wavenumbers(context.dataset.grid, context.dim))
    inside = [
        group
        for group in range(groups.count)
        if (length[groups.index == group].mean() < cut) == (side == "low")
    ]  # fmt: skip
    rows = {part: context.log_powers[part][..., inside] for part in PARTS}
    return logistic(rows, {part: context.cubes[part].seeds for part in PARTS})["test"]


def result(context: Context, side: Side) -> Result:
    """The row of a band: what the network does with the modes of one side of the resolved cut."""
    found = curve(context, side)
    point = next(p for p in found["points"] if p["cut_hmpc"] == found["resolved_hmpc"])
    share = context.share(
        seen := context.score(
            context.altered(lambda pair: FILTERS[side](pair, resolved_cut(context.dataset.grid), context.dim))
        )
    )
    return Result(
        share,
        f"share of the network's logit difference from modes {'below' if side == 'low' else 'above'}"
        f" {found['resolved_hmpc']:.3g} h/Mpc",
        verdict(context, side, share.low, share.high),
        remark=_remark(point),
        scores=seen,
        more={"curve": found},
    )


def verdict(context: Context, side: Side, low: float, high: float) -> Verdict:
    """Clean when the network surely lives on resolved modes, a shortcut when it surely does not."""
    if not tells(context, context.scores()):
        return "inconclusive"
    resolved, unresolved = (low > 0.5, high < 0.5) if side == "low" else (high < 0.5, low > 0.5)
    return "clean" if resolved else "shortcut" if unresolved else "inconclusive"


def _remark(point: dict[str, Any]) -> str:
    said = [f"As trained the network orders twins in {_text(point['network']['paired_accuracy'])} of the seeds"]
    said.append(f"log P(k) of these shells in {_text(point['log_pk']['paired_accuracy'])}")
    if "retrained" in point:
        said.append(f"a network retrained on them in {_text(point['retrained']['paired_accuracy'])}")
    return ", ".join(said) + "."


def _text(value: dict[str, float]) -> str:
    return f"{value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f})"


def _aucs(context: Context, scores: Scores) -> dict[str, dict[str, float]]:
    return {
        "unpaired_auc": context.unpaired_auc(scores).as_json(),
        "paired_accuracy": context.paired(scores).as_json(),
    }
