"""The cube mean alone as a classifier."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, chance_expected


def run(context: Context) -> Result:
    scores = context.scores("mean")
    auc = context.auc(scores)
    verdict = chance_expected(auc, context.test_seeds, context.auc(context.scores()))
    return Result(auc, "test AUC of the cube mean, mean kept", verdict, scores=scores)


CONTROL = Control(
    name="monopole_only",
    question="Does the mean of the cube, one number, tell the theories apart?",
    expectation=(
        "At chance if the mean knows nothing. Newtonian gravity leaves the mean at exactly 0 and relativity does not,"
        " so cubes with their mean kept are expected to fail here."
    ),
    how="Logistic regression on the mean of each cube, the mean kept.",
    verdicts="Clean: at chance. Shortcut: a network that sees the mean can win by it alone.",
    blind="Whether a network uses the mean (monopole_kept, monopole_removed).",
    run=run,
)
