"""The cube mean alone as a classifier."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, chance_expected


def run(context: Context) -> Result:
    auc = context.auc(context.scores("mean"))
    return Result(auc, "test AUC of the cube mean, mean kept", chance_expected(auc, context.test_seeds))


CONTROL = Control(
    name="monopole_only",
    question="Does the mean of the cube, one number, tell the theories apart?",
    expectation=(
        "At chance if the mean knows nothing. Newtonian gravity leaves the mean at exactly 0 and relativity does not,"
        " so cubes with their mean kept are expected to fail here."
    ),
    run=run,
)
