"""Samples as networks and controls get them: in pairs, with the Newtonian member first, each pair with its seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES
from weakfield.dataset.cache import ROOM, CubeCache, ReadCubes
from weakfield.dataset.sample_shapes import SampleShape


class Pairs(ABC):
    """Places 0 ... len - 1, each of which is a pair of samples that differ only in the theory.

    ``seeds`` has the seed of every place: a seed appears once where a sample is a whole cube, and several times where
    it is a slice or another part of one. ``shape`` is that of one sample, (channels, N, N, N) or (channels, N, N), axes
    z, y, x.
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
        """All pairs, loaded into memory."""
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


class SamplePairs(Pairs):
    """All parts, as ``sample_shape`` says, of the cubes of ``seeds``: seed by seed, then in the order of their numbers.

    ``read`` gives the cubes of a seed, (2, channels, N, N, N) float32. With c parts per cube, place p holds part p % c
    of seed p // c. A place is read when it is loaded; consecutive places of the same seed read its cubes once.
    """

    def __init__(
        self, seeds: Sequence[int], channels: int, sample_shape: SampleShape, read: ReadCubes, room: int = ROOM
    ) -> None:
        if len(set(seeds)) != len(seeds):
            raise BadInput(f"seeds are {tuple(seeds)}, expected each once")
        self.sample_shape = sample_shape
        self.seeds = tuple(seed for seed in seeds for _ in range(sample_shape.count))
        self.shape = (channels, *sample_shape.sides)
        self._cubes = CubeCache(read, room)

    def load(self, places: Sequence[int]) -> Tensor:
        """The pairs at ``places``: (places, 2, *shape) float32, member 0 Newton, member 1 GR, normalised."""
        values = torch.empty((len(places), len(THEORIES), *self.shape), dtype=torch.float32)
        by_seed: dict[int, list[tuple[int, int]]] = {}
        for row, place in enumerate(places):
            if not 0 <= place < len(self):
                raise BadInput(f"place {place} does not exist, expected a number from 0 to {len(self) - 1}")
            by_seed.setdefault(self.seeds[place], []).append((row, place))
        for seed, wanted in by_seed.items():
            cubes = self._cubes(seed)
            if cubes.shape[-1] != self.sample_shape.n:
                raise BadInput(
                    f"the cubes of seed {seed} have {cubes.shape[-1]} cells a side, expected {self.sample_shape.n}"
                )
            for row, place in wanted:
                values[row] = self.sample_shape.take(cubes, **self._part(place))
        return values

    def labels(self, place: int) -> dict[str, Any]:
        """The seed and the labels of the part at ``place``."""
        return {"seed": self.seeds[place], **self._part(place)}

    def _part(self, place: int) -> dict[str, Any]:
        return self.sample_shape.index.show(place % self.sample_shape.count)


def sample_pairs(cubes: Tensor | np.ndarray, seeds: Sequence[int], sample_shape: SampleShape) -> SamplePairs:
    """The parts of cubes in memory, (seeds, 2, channels, N, N, N), Newton and GR; needs no run folder."""
    held = torch.as_tensor(cubes).to(torch.float32)
    if held.ndim != 6 or held.shape[:2] != (len(seeds), 2) or tuple(held.shape[3:]) != (sample_shape.n,) * 3:
        raise BadInput(
            f"cubes have shape {tuple(held.shape)} for {len(seeds)} seeds, expected (seeds, 2, channels, N, N, N) with"
            f" N = {sample_shape.n}"
        )
    return SamplePairs(seeds, held.shape[2], sample_shape, dict(zip(seeds, held, strict=True)).__getitem__)


def flip_half(pairs: PairTensor, random: np.random.Generator) -> PairTensor:
    """The pairs with the labels exchanged in a random half of them (rounded down), so that labels mean nothing."""
    chosen = random.permutation(len(pairs))[: len(pairs) // 2].tolist()
    values = pairs.values.clone()
    values[chosen] = values[chosen].flip(1)
    flipped = PairTensor(pairs.seeds, values)
    flipped.periodic, flipped.scalar = pairs.periodic, pairs.scalar
    return flipped
