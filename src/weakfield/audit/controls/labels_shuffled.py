"""The same training with labels that mean nothing."""

from __future__ import annotations

import numpy as np

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, chance_expected
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
    auc = context.unpaired_auc(context.retrain("labels_shuffled", shuffled))
    return Result(auc, "test AUC of the network between universes", chance_expected(auc, context.test_seeds))


CONTROL = Control(
    name="labels_shuffled",
    question="Does the training find labels that carry no information?",
    expectation="Labels exchanged within half of the pairs of every part: the AUC must be 0.5.",
    run=run,
)
