"""How many bits about the theory the network's score holds beyond P(k), and beyond P(k) and B."""

from __future__ import annotations

import numpy as np

from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, NotRun, Result
from weakfield.audit.information import information, triangle_rows
from weakfield.audit.records import Calibration, Unit
from weakfield.dataset import PARTS
from weakfield.learning.scores import FEWEST_SEEDS, proportion


def bits(audit: AuditRun) -> Result:
    """Conditional mutual information of label and score: given P(k), and given P(k) and B, a cube and a pair."""
    if audit.test_seeds < FEWEST_SEEDS:
        raise NotRun(f"There are {audit.test_seeds} test seeds, and classifiers need {FEWEST_SEEDS} or more.")
    scores, power = audit.scores(), audit.log_powers
    both = {
        part: np.concatenate([power[part], triangle_rows(audit.cubes[part], audit.dataset.box_size_mpch)], axis=-1)
        for part in PARTS
    }
    units: tuple[Unit, ...] = ("cube", "pair")
    rows = [
        information(scores, table["test"], np.concatenate([table["train"], table["validation"]]), given, unit)
        for given, table in (("P(k)", power), ("P(k) and B", both))
        for unit in units
    ]
    beyond = rows[2:]
    best = max(beyond, key=lambda row: row.bits.low)
    first, second = (" and ".join(str(row) for row in found) for found in (rows[:2], beyond))
    return Result(
        best.bits,
        f"bits about the theory in the score beyond P(k) and B, a {best.unit}",
        "clean" if best.found else "inconclusive",
        remark=_reliability(Calibration.shipped()),
        more={
            "answer": f"the network's score holds {first} about the theory beyond P(k), {second} beyond P(k) and B",
            "information": rows,
        },
    )


def _reliability(known: Calibration | None) -> str:
    """What a yes is worth, in a sentence: its share of data sets with and without anything beyond P(k) and B."""
    if known is None:
        return ""
    words = []
    for planted, name in ((False, "without any"), (True, "with some")):
        rates = [rate for rate in known.rates if rate.planted == planted]
        if not (total := sum(rate.data_sets for rate in rates)):
            continue
        share = proportion(sum(rate.yes["P(k) and B, either"] for rate in rates) / total, total)
        words.append(f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%}) of {total} {name}")
    return f"Synthetic data sets in which such bits are found, a cube or a pair: {', '.join(words)}."


INFORMATION = Control(
    name="information",
    question="How many bits about the theory does the score hold that P(k) and B do not?",
    expectation="More than none, if the theories differ beyond both by enough for the network and these seeds.",
    how=(
        "Cross-entropy of a classifier that knows P(k), or P(k) and B, minus that of one that knows the score too, over"
        " test seeds that neither was fitted to: a cube on its own, and which member of a pair is GR's. P(k) goes to"
        " the corners of the Fourier cube, B to the Nyquist wavenumber in five shells. Rates of error:"
        " [evaluation.md](evaluation.md#information-in-bits)."
    ),
    verdicts=(
        "Clean: an interval beyond P(k) and B lies above 0. It raises no alarm: whether the network knows more than"
        " P(k) at all is what beyond_power asks."
    ),
    blind="What is finer than the shells counts as beyond; bits that logistic regression does not get out of a score.",
    run=bits,
    uses=(),
    asks_of="pairs",
)


CONTROLS = (INFORMATION,)
