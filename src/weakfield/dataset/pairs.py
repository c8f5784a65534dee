"""Samples as networks and controls get them: in pairs, the Newtonian member first, each with the seed it is of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from torch import Tensor


class Pairs(ABC):
    """Places 0 ... len - 1, each a pair of samples that differ in the theory alone.

    ``seeds`` has the seed of every place: a seed stands once where a sample is a whole cube, several times where it is
    a slice or a part of one. ``shape`` is that of one sample, (channels, N, N, N) or (channels, N, N), axes z, y, x.
    """

    seeds: tuple[int, ...]
    shape: tuple[int, ...]
    periodic: bool = True  #: whether opposite sides of a sample meet, so that it may be shifted
    scalar: bool = True  #: whether channels are fields that keep their values when the axes turn

    def __len__(self) -> int:
        return len(self.seeds)

    @abstractmethod
    def load(self, places: Sequence[int]) -> Tensor:
        """The pairs at ``places``: (places, 2, *shape) float32, member 0 Newton, member 1 GR, normalised."""

    def in_memory(self) -> PairTensor:
        """All of them, loaded."""
        held = PairTensor(self.seeds, self.load(range(len(self))))
        held.periodic, held.scalar = self.periodic, self.scalar
        return held


class PairTensor(Pairs):
    """Pairs that lie in memory: ``values`` is (pairs, 2, channels, N, N[, N]) float32."""

    def __init__(self, seeds: Sequence[int], values: Tensor) -> None:
        if values.ndim not in (5, 6) or values.shape[:2] != (len(seeds), 2):
            found = f"{len(seeds)} seeds with values of shape {tuple(values.shape)}"
            raise ValueError(f"{found}, expected (seeds, 2, channels, N, N[, N])")
        self.seeds = tuple(seeds)
        self.values = values
        self.shape = tuple(values.shape[2:])

    def load(self, places: Sequence[int]) -> Tensor:
        return self.values[list(places)]

    def in_memory(self) -> PairTensor:
        return self


def flip_half(pairs: PairTensor, random: np.random.Generator) -> PairTensor:
    """The pairs with the labels exchanged in half of them (rounded down), drawn at random: they mean nothing then."""
    chosen = random.permutation(len(pairs))[: len(pairs) // 2].tolist()
    values = pairs.values.clone()
    values[chosen] = values[chosen].flip(1)
    flipped = PairTensor(pairs.seeds, values)
    flipped.periodic, flipped.scalar = pairs.periodic, pairs.scalar
    return flipped
