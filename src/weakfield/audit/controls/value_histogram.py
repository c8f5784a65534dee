"""The values of a cube without their places, as a classifier."""

from __future__ import annotations

import numpy as np

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, null_verdict
from weakfield.audit.surrogates import moments
from weakfield.dataset import PARTS
from weakfield.learning.classifiers import logistic


def run(context: Context) -> Result:
    rows = {
        part: np.array([moments(pair, context.dim).reshape(2, -1) for pair in context.cubes[part].values])
        for part in PARTS
    }
    scores = logistic(rows, {part: context.cubes[part].seeds for part in PARTS})["test"]
    return Result(
        context.unpaired_auc(scores),
        "test AUC between universes of the values without places",
        null_verdict(context, scores),
        remark=f"Twins are ordered in {context.paired(scores)} of the seeds.",
        scores=scores,
    )


CONTROL = Control(
    name="value_histogram",
    question="Does the histogram of values, without their places, tell the theories apart?",
    expectation="At chance: mean and variance are taken out, and the rest of the histogram should hold little.",
    how="Logistic regression on nine quantiles of the values of each cube, in units of its own spread.",
    verdicts="Clean: at chance, twins too. Shortcut: above chance between universes. Twins only: inconclusive.",
    blind="A skewness that relativity really causes counts as a shortcut here: it needs no network.",
    run=run,
)
