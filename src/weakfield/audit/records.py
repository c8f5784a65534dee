"""The output of the audit: ``audit.json``, with one row per control, and what is kept of every finished control."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field

from weakfield.base.records import Record
from weakfield.config import RunFolder
from weakfield.learning.scores import Estimate, Scores

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")
Verdict = Literal["clean", "shortcut", "inconclusive"]
#: what says something comes first
VERDICTS: tuple[Verdict, ...] = ("shortcut", "clean", "inconclusive")
Side = Literal["low", "high"]
#: the ``quantity`` of a control that was not run; earlier versions wrote numbers beside it, which mean nothing
NOT_RUN = "not run"
Unit = Literal["cube", "pair"]
#: bits that may come of where an optimiser stops
LEAST = 1e-3
#: what ``docs/scripts/information.py`` found
RATES = Path(__file__).with_name("information.json")


class Cost(Record):
    """What a control cost: networks trained, epochs of each, universes grown (two per pair)."""

    retrainings: int
    epochs: int
    simulations: int


class Reached(Record):
    """What a classifier reaches on the test seeds: between universes, and within pairs, where there are some."""

    unpaired_auc: Estimate
    paired_accuracy: Estimate | None = None


class BandPoint(Record):
    """One cut in wavenumber, and the modes on one side of it.

    ``share`` is the share of the network's logit difference that these modes carry; the others are what three
    classifiers reach with these modes: the network as trained, logistic regression on log P(k), and a network trained
    on them.
    """

    cut_hmpc: float
    share: Estimate
    network: Reached
    log_pk: Reached
    retrained: Reached | None = None


class BandCurve(Record):
    """Cuts in ascending order, keeping the modes below (``low``) or above (``high``) each cut.

    The verdict is about ``resolved_hmpc``.
    """

    side: Side
    resolved_hmpc: float
    points: tuple[BandPoint, ...]


class Information(Record):
    """Bits about the theory in a network's score beyond what is ``given``, a cube or a pair, with their 95 % interval.

    ``known`` bits are in what is given. Of a pair it is known that one member is Newton's and one GR's, and at most one
    bit is to be had, as of a cube.
    """

    given: str
    unit: Unit
    bits: Estimate
    known: float

    @property
    def test(self) -> str:
        """What tells it from others: ``P(k), pair``."""
        return f"{self.given}, {self.unit}"

    @property
    def found(self) -> bool:
        """Whether the whole interval lies above 0, by more than fits are exact to."""
        return self.bits.low > LEAST

    @property
    def limit(self) -> float:
        """The upper limit where nothing was found: estimates below 0, which are noise, do not lower it."""
        return max(self.bits.value, 0.0) + self.bits.high - self.bits.value

    def __str__(self) -> str:
        return f"{self.bits} bits a {self.unit}" if self.found else f"less than {self.limit:.2g} bits a {self.unit}"


class Rate(Record):
    """How often ``yes`` was said of data sets of one kind, by the test: ``P(k), cube``, ``P(k), pair``, either."""

    kind: str
    planted: bool
    data_sets: int
    yes: dict[str, int]


class Calibration(Record):
    """How often bits are found where there are none, and where some are ``planted``; made by docs/scripts."""

    data: str
    rates: tuple[Rate, ...]

    @classmethod
    @cache
    def shipped(cls) -> Calibration | None:
        """That of this version of the package."""
        return cls.load_if_there(RATES)


class ControlRow(Record):
    """The row of one control: what it asked, what came out and the verdict.

    ``auc`` (within all test cubes), ``unpaired_auc`` and ``paired_accuracy`` are there where the control is about a
    classifier; ``curve`` is there where it is about bands of modes, ``answer`` where it is about P(k), ``information``
    where that is counted in bits. A control that was not run has no ``value`` and no interval. ``p`` is the probability
    with which chance raises the alarm of a control that can raise one, ``p_family`` the same for all questions of the
    audit together (``alarms.corrected``). Audits of earlier versions lack ``quantity``, ``remark``, ``cost`` and both.
    Controls may add keys of their own: finite numbers, words, lists or mappings.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    question: str
    expectation: str
    quantity: str = ""
    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    remark: str = ""
    p: float | None = None
    p_family: float | None = None
    cost: Cost = Cost(retrainings=0, epochs=0, simulations=0)
    auc: Estimate | None = None
    unpaired_auc: Estimate | None = None
    paired_accuracy: Estimate | None = None
    answer: str | None = None
    curve: BandCurve | None = None
    information: tuple[Information, ...] = ()

    @property
    def estimate(self) -> Estimate | None:
        """Value and interval of ``quantity``; ``None`` of a control that was not run."""
        if self.value is None or self.low is None or self.high is None or self.quantity == NOT_RUN:
            return None
        return Estimate(self.value, self.low, self.high)

    @property
    def more(self) -> dict[str, Any]:
        """The keys that only this control has."""
        return dict(self.model_extra or {})


class AuditTable(Record):
    """``audit.json``: a sentence on the whole audit, and the rows of all controls in the order they were run.

    ``left_out`` says of each control that imported cubes do not admit why that is so.
    """

    summary: str
    controls: tuple[ControlRow, ...]
    left_out: dict[str, str] = Field(default_factory=dict)

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
        """Names of all controls, or of those with one verdict."""
        return [row.name for row in self.controls if verdict in (None, row.verdict)]

    def counts(self) -> str:
        """The number of controls by verdict, such as ``3 controls: 1 shortcut, 2 clean``."""
        counted = {verdict: len(self.names(verdict)) for verdict in VERDICTS}
        said = ", ".join(f"{number} {verdict}" for verdict, number in counted.items() if number)
        return f"{len(self.controls)} controls: {said}"

    def to_pandas(self) -> pd.DataFrame:
        """One row per control, indexed by its ``name``.

        The columns are ``verdict``; ``quantity``, which says what ``value``, with its 95 % interval ``low`` to
        ``high``, is, all NaN where it was not run; ``p`` and ``p_family``, how often chance raises its alarm, alone and
        in any of the audit's questions; ``unpaired_auc`` (between universes) and ``paired_accuracy`` (share of pairs in
        the right order), each with ``_low`` and ``_high``, NaN where the control is not about a classifier;
        ``retrainings`` and ``simulations``, which are its cost; and ``question``, ``expectation`` and ``remark`` in
        words.
        """
        import pandas as pd

        rows = [
            {
                "name": row.name,
                "verdict": row.verdict,
                "quantity": row.quantity,
                **dict(zip(("value", "low", "high"), _numbers(row.estimate), strict=True)),
                **{name: NAN if (p := getattr(row, name)) is None else p for name in ("p", "p_family")},
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
        """Plot what the classifier of every control reaches, with 95 % intervals; returns ``ax`` or new axes."""
        from weakfield.audit.figures import plot_reached

        return plot_reached(self.controls, ax)


def audit_table(folder: RunFolder) -> pd.DataFrame:
    """The controls of an audited run, one row each, with the columns of ``AuditTable.to_pandas``.

    The sentence on the whole audit is in ``attrs["summary"]``. ``BadInput`` where the run was not audited.
    """
    table = AuditTable.load(folder.audit / "audit.json")
    frame = table.to_pandas()
    frame.attrs["summary"] = table.summary
    return frame


class KeptControl(Record):
    """``<control>.json``: the row of a finished control and the hash of what it depends on.

    It also holds the test scores of the classifier that the control is about, if there is one.
    """

    hash: str
    row: ControlRow
    scores: dict[str, Any] | None = None

    def test_scores(self) -> Scores | None:
        """Logits of the test cubes, or ``None``."""
        return None if self.scores is None else Scores.from_json(self.scores, f"the scores of {self.row.name}")


def _columns(name: str, estimate: Estimate | None) -> dict[str, float]:
    value, low, high = _numbers(estimate)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _numbers(estimate: Estimate | None) -> tuple[float, float, float]:
    return (NAN,) * 3 if estimate is None else (estimate.value, estimate.low, estimate.high)
