"""The same training with labels that mean nothing."""

from __future__ import annotations

import numpy as np

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, null_verdict, one_retraining
from weakfield.dataset import PairTensor

SHUFFLE_SEED = 7_301


def flip_half(cubes: PairTensor, random: np.random.Generator) -> PairTensor:
    """Exchange the labels of the two members in half of the pairs (rounded down), chosen at random."""
    flipped = random.permutation(len(cubes))[: len(cubes) // 2].tolist()
    values = cubes.values.clone()
    values[flipped] = values[flipped].flip(1)
    return PairTensor(cubes.seeds, values)


def run(context: Context) -> Result:
    random = np.random.default_rng(SHUFFLE_SEED)
    shuffled = {part: flip_half(cubes, random) for part, cubes in context.cubes.items()}
    scores = context.retrain("labels_shuffled", shuffled)
    return Result(
        context.unpaired_auc(scores),
        "test AUC between universes, of a network trained on shuffled labels",
        null_verdict(context, scores),
        scores=scores,
    )


CONTROL = Control(
    name="labels_shuffled",
    question="Does the training find labels that carry no information?",
    expectation="Labels exchanged within half of the pairs of every part: the AUC must be 0.5.",
    how="A network is trained, chosen and tested on pairs of which half have their labels exchanged.",
    verdicts=(
        "Clean: at chance, in an interval that ends below the AUC of the network. Shortcut: above chance, so that"
        " seeds leak between the parts or the test part took part in a choice."
    ),
    blind="A leak that needs true labels, such as hyper-parameters chosen on test seeds earlier.",
    run=run,
    needs=one_retraining,
    least=1,
)
