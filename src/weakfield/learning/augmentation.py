"""The symmetries of a periodic box, 48 of the cube or 8 of the square, times periodic shifts: values only move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Symmetry:
    """First the axes are permuted, then some are reversed, then the box is shifted by whole cells."""

    permutation: tuple[int, ...] = (0, 1, 2)
    reflected: tuple[bool, ...] = (False, False, False)
    shift: tuple[int, ...] = (0, 0, 0)

    def __call__(self, samples: Tensor) -> Tensor:
        """Apply to the last axes of (..., N, N[, N]), as many as there are in ``permutation``."""
        dims = len(self.permutation)
        lead = samples.ndim - dims
        moved = samples.permute(*range(lead), *(lead + axis for axis in self.permutation))
        moved = moved.flip([lead + axis for axis in range(dims) if self.reflected[axis]])
        return torch.roll(moved, self.shift, dims=tuple(range(lead, lead + dims)))


@cache
def symmetries(dims: int) -> tuple[Symmetry, ...]:
    """All symmetries that map the axes of a box onto axes: 8 in two dimensions, 48 in three."""
    return tuple(
        Symmetry(p, r, (0,) * dims) for p in permutations(range(dims)) for r in product((False, True), repeat=dims)
    )


#: the 48 symmetries of the cube
SYMMETRIES = symmetries(3)


def draw(grid: int, seed: int, epoch: int, sample: int | tuple[int, ...], dims: int = 3) -> Symmetry:
    """A uniformly random symmetry and shift, decided by (seed, epoch, sample) and nothing else."""
    random = np.random.default_rng([seed, epoch, *(sample if isinstance(sample, tuple) else (sample,))])
    known = symmetries(dims)
    base = known[random.integers(len(known))]
    return Symmetry(base.permutation, base.reflected, tuple(int(n) for n in random.integers(grid, size=dims)))


def identities(seeds: Sequence[int]) -> list[tuple[int, int]]:
    """Which sample is at each place: (seed of its universe, how many samples of the same universe come before it)."""
    before: Counter[int] = Counter()
    found = []
    for seed in seeds:
        found.append((seed, before[seed]))
        before[seed] += 1
    return found


def augmented(
    pairs: Tensor,
    samples: Sequence[tuple[int, int]],
    seed: int,
    epoch: int,
    alike: bool = True,
    turns: bool = True,
    shifts: bool = True,
) -> Tensor:
    """Pairs (n, 2, channels, N, N[, N]) under the symmetries drawn for their ``samples`` (identities) in this epoch.

    The two members of a pair move alike, or, unless ``alike``, each by its own draw. Without ``turns`` the axes stay as
    they are (the components of a vector would have to turn with them); without ``shifts`` the cells are not shifted (a
    part of a box is not periodic).
    """
    grid, dims = pairs.shape[-1], pairs.ndim - 3

    def drawn(sample: tuple[int, ...]) -> Symmetry:
        found = draw(grid, seed, epoch, sample, dims)
        still = symmetries(dims)[0]
        base = found if turns else still
        return Symmetry(base.permutation, base.reflected, found.shift if shifts else still.shift)

    moved = torch.empty_like(pairs)
    for place, (sample, pair) in enumerate(zip(samples, pairs, strict=True)):
        if alike:
            moved[place] = drawn(sample)(pair)
        else:
            for member in (0, 1):
                moved[place, member] = drawn((*sample, member + 1))(pair[member])
    return moved
