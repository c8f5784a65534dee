"""What a control is: a question, an expected outcome, and a verdict decided from an interval over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from weakfield.audit.audit_run import AuditRun
from weakfield.audit.records import ControlRow, Cost, Verdict
from weakfield.base.errors import BadInput
from weakfield.config import StudyConfig
from weakfield.learning.metrics import Estimate, Scores

CHANCE = 0.5
#: with fewer test seeds, even a perfect ordering of all pairs happens by chance more than once in twenty times
FEWEST_SEEDS = 5
#: an interval that contains 1/2 and ends below this AUC shows by itself that nothing much was found
SMALL_AUC = 0.6


class NotRun(BadInput):
    """Raised when a control cannot be run on this study; the message, a whole sentence, becomes the remark."""


@dataclass(frozen=True)
class Result:
    """The ``estimate`` of ``quantity``; ``remark`` is a sentence with further numbers.

    ``scores`` are those of a classifier that the control is about, whose AUCs then appear in the row; ``more`` holds
    further keys of the row: finite numbers, words, records, and lists and mappings of them.
    """

    estimate: Estimate
    quantity: str
    verdict: Verdict
    remark: str = ""
    scores: Scores | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Control:
    """One row of the audit. ``run`` may take a long time; its result is kept.

    ``how`` says what is done, ``verdicts`` what clean and shortcut mean, and ``blind`` what the control cannot see. The
    control asks the budget for ``needs`` retrainings; with fewer than ``least`` of them it is not run. ``run`` may
    raise ``NotRun``.
    """

    name: str
    question: str
    expectation: str
    run: Callable[[AuditRun], Result]
    how: str = ""
    verdicts: str = ""
    blind: str = ""
    needs: Callable[[StudyConfig], int] = lambda study: 0
    least: int = 0

    def row(self, result: Result, audit: AuditRun) -> ControlRow:
        """The row of ``audit.json``."""
        row: dict[str, Any] = {
            "name": self.name,
            "question": self.question,
            "expectation": self.expectation,
            "quantity": result.quantity,
            **result.estimate.as_json(),
            "verdict": result.verdict,
            "remark": result.remark,
            "cost": Cost(retrainings=audit.spent, epochs=audit.retraining.epochs, simulations=audit.grown),
        }
        if result.scores is not None:
            row |= {"auc": audit.auc(result.scores), **dict(audit.reached(result.scores))}
        return ControlRow.read(row | dict(result.more), f"the result of control '{self.name}'")


def not_run(reason: str) -> Result:
    """The result of a control that could not be run: nothing is known."""
    return Result(Estimate(CHANCE, 0.0, 1.0), "not run", "inconclusive", reason)


def one_retraining(study: StudyConfig) -> int:
    """The ``needs`` of a control that retrains once."""
    return 1


def above_chance(auc: Estimate) -> bool:
    """Whether the whole interval lies above 1/2."""
    return auc.low > CHANCE


def chance_expected(auc: Estimate, seeds: int, network: Estimate | None = None) -> Verdict:
    """The verdict on something that should know nothing.

    It is a shortcut when the interval lies above 1/2. It is clean when the interval contains 1/2 and ends below
    ``SMALL_AUC`` or below the AUC of the ``network``, which the control then cannot explain. It is inconclusive when
    the interval is wider or lies below 1/2, and when there are too few seeds.
    """
    if seeds < FEWEST_SEEDS:
        return "inconclusive"
    if above_chance(auc):
        return "shortcut"
    bound = max(SMALL_AUC, network.value if network is not None else 0.0)
    return "clean" if auc.low <= CHANCE <= auc.high < bound else "inconclusive"


def at_chance(audit: AuditRun, scores: Scores) -> Verdict:
    """``chance_expected`` between universes; inconclusive where the classifier still orders the members of pairs."""
    verdict = chance_expected(audit.unpaired_auc(scores), len(scores.seeds), audit.unpaired_auc(audit.scores()))
    return "inconclusive" if verdict == "clean" and above_chance(audit.paired(scores)) else verdict


def tells(audit: AuditRun, scores: Scores) -> bool:
    """Whether a classifier is above chance: between universes, or within pairs by the binomial interval."""
    enough = len(scores.seeds) >= FEWEST_SEEDS
    return enough and (above_chance(audit.unpaired_auc(scores)) or above_chance(audit.paired(scores)))


def blamed(audit: AuditRun, share: Estimate) -> Verdict:
    """The verdict on a suspect that carries ``share`` of the network's logit difference.

    It is a shortcut if the share is surely more than half, clean if it is surely less, and inconclusive when the
    network cannot tell the theories apart to begin with.
    """
    if not tells(audit, audit.scores()):
        return "inconclusive"
    return "shortcut" if share.low > CHANCE else "clean" if share.high < CHANCE else "inconclusive"


def learns(audit: AuditRun) -> bool:
    """Whether retrainings of this length find what there is to find: ``other_weights``, on untouched cubes, did.

    Only then does a retraining that finds nothing mean something.
    """
    again = audit.retrained("other_weights")
    return again is not None and tells(audit, again)


def said(estimate: Estimate) -> str:
    """``0.0123 (0.011 to 0.0137)``: three significant digits, for shares and correlations that may be small."""
    return f"{estimate.value:.3g} ({estimate.low:.3g} to {estimate.high:.3g})"


def survives(audit: AuditRun, altered: Scores, share: Estimate) -> Verdict:
    """The verdict on a network shown cubes from which a suspect was removed.

    ``share`` is what is left of its logit difference. The verdict is inconclusive when the network cannot tell the
    theories apart to begin with, clean when it still tells them apart with at least half of the difference, and a
    shortcut if surely more than half is gone.
    """
    if not tells(audit, audit.scores()):
        return "inconclusive"
    if share.high < CHANCE:
        return "shortcut"
    return "clean" if share.low > CHANCE and tells(audit, altered) else "inconclusive"
