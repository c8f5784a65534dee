"""What the audit hands on: ``audit.json``, one row a control, and what is kept of every finished control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict

from weakfield.base.records import Record
from weakfield.config import RunFolder
from weakfield.learning.scores import Estimate, Scores

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["clean", "shortcut", "inconclusive"]
VERDICTS: tuple[Verdict, ...] = ("shortcut", "inconclusive", "clean")
Side = Literal["low", "high"]


class Cost(Record):
    """What a control took: networks trained, epochs of each, universes grown (two to a pair)."""

    retrainings: int
    epochs: int
    simulations: int


class Reached(Record):
    """What a classifier reaches on the test seeds: between universes, and between twins."""

    unpaired_auc: Estimate
    paired_accuracy: Estimate


class BandPoint(Record):
    """One cut in wavenumber: the share of the network's logit difference that the modes on one side of it carry, and
    what the network as trained, logistic regression on log P(k) and a network trained on these modes reach."""

    cut_hmpc: float
    share: Estimate
    network: Reached
    log_pk: Reached
    retrained: Reached | None = None


class BandCurve(Record):
    """Cuts in rising order, with the modes below (``low``) or above (``high``) kept; the verdict is about
    ``resolved_hmpc``."""

    side: Side
    resolved_hmpc: float
    points: tuple[BandPoint, ...]


class ControlRow(Record):
    """The row of one control: what it asked, what came out and the verdict.

    ``auc`` (within all test cubes), ``unpaired_auc`` and ``paired_accuracy`` are there where the control is about a
    classifier, ``curve`` and ``answer`` where it is about bands of modes or about P(k); audits of earlier versions lack
    ``quantity``, ``remark`` and ``cost``. Controls may add keys of their
    own, finite numbers, words, lists or mappings.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    question: str
    expectation: str
    quantity: str = ""
    value: float
    low: float
    high: float
    verdict: Verdict
    remark: str = ""
    cost: Cost = Cost(retrainings=0, epochs=0, simulations=0)
    auc: Estimate | None = None
    unpaired_auc: Estimate | None = None
    paired_accuracy: Estimate | None = None
    answer: str | None = None
    curve: BandCurve | None = None

    @property
    def estimate(self) -> Estimate:
        """Value and interval of ``quantity``."""
        return Estimate(self.value, self.low, self.high)

    @property
    def more(self) -> dict[str, Any]:
        """The keys that only this control has."""
        return dict(self.model_extra or {})


class AuditTable(Record):
    """``audit.json``: a sentence on the whole, and the row of every control in the order in which they were run."""

    summary: str
    controls: tuple[ControlRow, ...]

    def __repr__(self) -> str:
        shortcuts = self.names("shortcut")
        named = f"\nshortcuts: {', '.join(shortcuts)}" if shortcuts else ""
        return f"<AuditTable of {self.counts()}>{named}"

    def __getitem__(self, name: str) -> ControlRow:
        """The row of a control by its name; ``KeyError`` where the study did not ask for it."""
        found = next((row for row in self.controls if row.name == name), None)
        if found is None:
            raise KeyError(f"'{name}' is no control of this audit, expected one of {', '.join(self.names())}")
        return found

    def names(self, verdict: Verdict | None = None) -> list[str]:
        """Names of the controls, or of those with one verdict."""
        return [row.name for row in self.controls if verdict in (None, row.verdict)]

    def counts(self) -> str:
        """``3 controls: 1 shortcut, 2 clean``."""
        counted = {verdict: len(self.names(verdict)) for verdict in VERDICTS}
        said = ", ".join(f"{number} {verdict}" for verdict, number in counted.items() if number)
        return f"{len(self.controls)} controls: {said}"

    def to_pandas(self) -> pd.DataFrame:
        """One row a control, indexed by its ``name``.

        ``verdict``; ``quantity``, what ``value`` with its 95 % interval ``low`` to ``high`` is; ``unpaired_auc``
        (between universes) and ``paired_accuracy`` (twins in order), each with ``_low`` and ``_high``, NaN where the
        control is about no classifier; ``retrainings`` and ``simulations``, what it cost; ``question``, ``expectation``
        and ``remark`` in words.
        """
        import pandas as pd

        rows = [
            {
                "name": row.name,
                "verdict": row.verdict,
                "quantity": row.quantity,
                "value": row.value,
                "low": row.low,
                "high": row.high,
                **_columns("unpaired_auc", row.unpaired_auc),
                **_columns("paired_accuracy", row.paired_accuracy),
                "retrainings": row.cost.retrainings,
                "simulations": row.cost.simulations,
                "question": row.question,
                "expectation": row.expectation,
                "remark": row.remark,
            }
            for row in self.controls
        ]
        return pd.DataFrame(rows).set_index("name")

    def plot(self, ax: Any = None) -> Any:
        """What the classifier of every control reaches, with 95 % intervals, onto ``ax``, or new axes; returns them."""
        from weakfield.audit.figures import plot_reached

        return plot_reached(self.controls, ax)


def audit_table(folder: RunFolder) -> pd.DataFrame:
    """The controls of an audited run, one row each, with the columns of ``AuditTable.to_pandas``; the sentence on the
    whole is in ``attrs["summary"]``. ``BadInput`` where the run was not audited."""
    table = AuditTable.load(folder.audit / "audit.json")
    frame = table.to_pandas()
    frame.attrs["summary"] = table.summary
    return frame


class KeptControl(Record):
    """``<control>.json``: the row of a finished control, the hash of what it rests on, and the test scores of the
    classifier it is about, if there is one."""

    hash: str
    row: ControlRow
    scores: dict[str, Any] | None = None

    def test_scores(self) -> Scores | None:
        """Logits of the test cubes."""
        return None if self.scores is None else Scores.from_json(self.scores)


def _columns(name: str, estimate: Estimate | None) -> dict[str, float]:
    value, low, high = (float("nan"),) * 3 if estimate is None else (estimate.value, estimate.low, estimate.high)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
