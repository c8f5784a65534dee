"""What a control is: a question, what must come out, and a verdict decided from a bootstrap interval over seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from weakfield.audit.context import Context
from weakfield.learning.metrics import Estimate

Verdict = Literal["clean", "shortcut", "inconclusive"]

CHANCE = 0.5
#: with fewer test seeds even a perfect ordering of all twins happens by chance more than once in twenty
FEWEST_SEEDS = 5


@dataclass(frozen=True)
class Result:
    """``estimate`` of ``quantity``; ``remark`` is a sentence with the numbers beside it."""

    estimate: Estimate
    quantity: str
    verdict: Verdict
    remark: str = ""


@dataclass(frozen=True)
class Control:
    """One row of the audit. ``run`` may take long; its result is kept."""

    name: str
    question: str
    expectation: str
    run: Callable[[Context], Result]

    def row(self, result: Result) -> dict[str, Any]:
        """The row of ``audit.json``."""
        return {
            "name": self.name,
            "question": self.question,
            "expectation": self.expectation,
            "quantity": result.quantity,
            **result.estimate.as_json(),
            "verdict": result.verdict,
            "remark": result.remark,
        }


def above_chance(auc: Estimate) -> bool:
    """The whole interval lies above 1/2."""
    return auc.low > CHANCE


def chance_expected(auc: Estimate, seeds: int) -> Verdict:
    """Clean when the interval holds 1/2, a shortcut when it lies above; below, or with too few seeds, inconclusive."""
    if seeds < FEWEST_SEEDS:
        return "inconclusive"
    if above_chance(auc):
        return "shortcut"
    return "clean" if auc.high >= CHANCE else "inconclusive"
