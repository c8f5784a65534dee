"""Pairs whose labels are made to mean nothing."""

from __future__ import annotations

import numpy as np
import torch

from weakfield.dataset import PairTensor
from weakfield.dataset.pairs import flip_half


def test_half_of_the_pairs_are_flipped() -> None:
    cubes = PairTensor(range(7), torch.from_numpy(np.random.default_rng(2).standard_normal((7, 2, 1, 2, 2, 2))))
    cubes.scalar = cubes.periodic = False
    flipped = flip_half(cubes, np.random.default_rng(1))
    exchanged = [(a.flip(0) == b).all().item() for a, b in zip(cubes.values, flipped.values, strict=True)]
    kept = [(a == b).all().item() for a, b in zip(cubes.values, flipped.values, strict=True)]
    assert sum(exchanged) == len(cubes) // 2
    assert sum(exchanged) + sum(kept) == len(cubes)
    assert flipped.seeds == cubes.seeds
    assert (flipped.scalar, flipped.periodic) == (False, False)  # what augmentation may do to them stays
