"""What a control is: a question, an expected outcome, and a verdict decided from an interval over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from weakfield.audit.audit_run import SHARED, AuditRun
from weakfield.audit.records import NOT_RUN, ControlRow, Cost, Verdict
from weakfield.base.trials import Unsuited
from weakfield.base.wording import spoken
from weakfield.config import StudyConfig
from weakfield.learning.metrics import Estimate, Scores
from weakfield.learning.scores import CHANCE, FEWEST_SEEDS, NO_SPREAD, tells_apart

#: an interval that contains 1/2 and ends below this AUC shows by itself that nothing much was found
SMALL_AUC = 0.6


class NotRun(Unsuited):
    """Raised when a control cannot be run on this study; the message, a whole sentence, becomes the remark."""


@dataclass(frozen=True)
class Result:
    """The ``estimate`` of ``quantity``, ``None`` where nothing was run; ``remark`` is a sentence with further numbers.

    ``p`` is the probability with which chance raises the alarm that the control is made for (``audit.alarms``); a
    control that gives one has its alarm corrected for the number of questions in the audit. ``scores`` are those of a
    classifier that the control is about, whose AUCs then appear in the row; ``more`` holds further keys of the row:
    finite numbers, words, records, and lists and mappings of them.
    """

    estimate: Estimate | None
    quantity: str
    verdict: Verdict
    remark: str = ""
    scores: Scores | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    p: float | None = None


@dataclass(frozen=True)
class Control:
    """One row of the audit. ``run`` may take a long time; its result is kept.

    ``how`` says what is done, ``verdicts`` what clean and shortcut mean, and ``blind`` what the control cannot see. The
    control asks the budget for ``needs`` retrainings; with fewer than ``least`` of them it is not run. ``run`` may
    raise ``NotRun``. ``grow`` grows the universes that ``run`` will find, many at once. Of the networks of
    ``audit_run.SHARED`` it may ask for those in ``uses``: controls that use none of them can be run before these are
    trained. ``asks_of`` says what it needs of the cubes: nothing; that they are paired; or that weakfield grew them.
    ``of_classes`` is what is expected where the cubes were imported, if that is something else.
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
    grow: Callable[[AuditRun], object] | None = None
    uses: tuple[str, ...] = SHARED
    reads_inverses: bool = False  # pairs of inverted test seeds in the run folder, if they are there
    asks_of: Literal["cubes", "pairs", "simulations"] = "cubes"
    of_classes: str = ""

    def row(self, result: Result, audit: AuditRun) -> ControlRow:
        """The row of ``audit.json``, in the words of the study."""
        imported = audit.study.classes is not None
        row: dict[str, Any] = {
            "name": self.name,
            "question": self.question,
            "expectation": (imported and self.of_classes) or self.expectation,
            "quantity": result.quantity,
            **(dict.fromkeys(("value", "low", "high")) if result.estimate is None else result.estimate.as_json()),
            "verdict": result.verdict,
            "remark": result.remark,
            "cost": Cost(retrainings=audit.spent, epochs=audit.retraining.epochs, simulations=audit.grown),
        }
        if result.p is not None:
            row["p"] = result.p
        if result.scores is not None:
            row |= {"auc": audit.auc(result.scores), **dict(audit.reached(result.scores))}
        row = spoken({**row, **result.more}, audit.study.wording) | {"name": self.name}
        return ControlRow.read(row, f"the result of control '{self.name}'")


def not_run(reason: str) -> Result:
    """The result of a control that could not be run: it has no numbers."""
    return Result(None, NOT_RUN, "inconclusive", reason)


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
    ordered = audit.study.paired and above_chance(audit.paired(scores))
    return "inconclusive" if verdict == "clean" and ordered else verdict


def tells(audit: AuditRun, scores: Scores) -> bool:
    """Whether a classifier is above chance: between universes, or within pairs by the binomial interval."""
    ordered = audit.paired(scores) if audit.study.paired else None
    return tells_apart(audit.unpaired_auc(scores), ordered, len(scores.seeds))


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
    ends = NO_SPREAD if estimate.low == estimate.high else f"{estimate.low:.3g} to {estimate.high:.3g}"
    return f"{estimate.value:.3g} ({ends})"


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
