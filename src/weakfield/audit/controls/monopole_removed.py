"""The network and the cube mean on cubes whose mean was removed."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, chance_expected
from weakfield.learning.baselines import removed_mean, score_baseline


def run(context: Context) -> Result:
    scores = context.scores(model="cnn")
    network = context.auc(scores)
    mean = context.unpaired_auc(score_baseline(context.dataset, removed_mean, "cube mean, removed")["test"])
    return Result(
        network,
        "test AUC of the network, mean removed",
        chance_expected(mean, context.test_seeds, network),
        remark=f"The cube mean on the same cubes has AUC {mean}; the verdict is about it.",
        scores=scores,
    )


CONTROL = Control(
    name="monopole_removed",
    question="What is left when the mean of every cube is removed?",
    expectation="The cube mean must fall to chance; whatever AUC the network then has does not come from it.",
    how="The network trained and tested without the mean; and logistic regression on what rounding leaves of the mean.",
    verdicts="Clean: the mean, removed, is at chance. Shortcut: its removal leaves a trace.",
    blind="Anything but the mean.",
    run=run,
)
