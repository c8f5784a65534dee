"""The last bits of the stored numbers, as a classifier."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, null_verdict
from weakfield.config import THEORIES
from weakfield.dataset import PARTS
from weakfield.formats import load_field
from weakfield.learning.classifiers import logistic

LOW_BITS = 4


def fingerprint(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """What the bits of floats give away without their size: (2^4 + 3,).

    Shares of the 16 patterns of the lowest four bits of the mantissa; share of numbers whose lowest eight bits are 0;
    share of distinct magnitudes; share of exact zeros.
    """
    bits = np.ascontiguousarray(values).ravel().view(np.int32 if values.dtype == np.float32 else np.int64)
    low = np.bitwise_and(bits, 2**LOW_BITS - 1)
    patterns = np.bincount(low, minlength=2**LOW_BITS) / bits.size
    round_ones = float((np.bitwise_and(bits, 255) == 0).mean())
    distinct = np.unique(np.abs(values)).size / bits.size
    return np.array([*patterns, round_ones, distinct, float((values == 0).mean())])


def run(context: Context) -> Result:
    dataset = context.dataset
    rows = {
        part: np.array(
            [
                [
                    np.concatenate([fingerprint(load_field(path)[0].numpy()) for path in dataset.files(seed, t)])
                    for t in THEORIES
                ]
                for seed in dataset.part(part)
            ]
        )
        for part in PARTS
    }
    scores = logistic(rows, {part: tuple(dataset.part(part)) for part in PARTS})["test"]
    return Result(
        context.unpaired_auc(scores),
        "test AUC between universes of the last bits of the stored numbers",
        null_verdict(context, scores),
        remark=f"Twins are ordered in {context.paired(scores)} of the seeds.",
        scores=scores,
    )


CONTROL = Control(
    name="float_fingerprint",
    question="Do the stored floats carry a fingerprint of the program that wrote them?",
    expectation="At chance: the last bits are rounding, and both theories round alike.",
    how=(
        "Logistic regression on the patterns of the lowest four bits of the mantissa, the share of round numbers, of"
        " distinct magnitudes and of zeros, of the snapshots as they lie on disk."
    ),
    verdicts="Clean: at chance, twins too. Shortcut: above chance between universes.",
    blind="Patterns in place rather than in value.",
    run=run,
)
