"""The symmetries of a periodic box: the 48 of the cube times periodic shifts; exact, and alike for both twins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import torch
from torch import Tensor

PERMUTATIONS = tuple(permutations(range(3)))
REFLECTIONS = tuple(product((False, True), repeat=3))


@dataclass(frozen=True)
class Symmetry:
    """First the axes are permuted, then some reversed, then the box is shifted by whole cells."""

    permutation: tuple[int, ...] = (0, 1, 2)
    reflected: tuple[bool, ...] = (False, False, False)
    shift: tuple[int, ...] = (0, 0, 0)

    def __call__(self, cubes: Tensor) -> Tensor:
        """Apply to the last three axes of (..., N, N, N); values are moved, never changed."""
        lead = cubes.ndim - 3
        moved = cubes.permute(*range(lead), *(lead + axis for axis in self.permutation))
        moved = moved.flip([lead + axis for axis in range(3) if self.reflected[axis]])
        return torch.roll(moved, self.shift, dims=(lead, lead + 1, lead + 2))


#: the 48 symmetries of the cube
SYMMETRIES = tuple(Symmetry(p, r) for p in PERMUTATIONS for r in REFLECTIONS)


def draw(grid: int, seed: int, epoch: int, sample: int) -> Symmetry:
    """A uniformly random symmetry and shift, decided by (seed, epoch, sample) and nothing else."""
    random = np.random.default_rng([seed, epoch, sample])
    base = SYMMETRIES[random.integers(len(SYMMETRIES))]
    return Symmetry(base.permutation, base.reflected, tuple(int(n) for n in random.integers(grid, size=3)))
