"""Samples loaded when they are asked for, cut from whole cubes that stay in memory while there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES
from weakfield.dataset.cuts import Cut
from weakfield.dataset.pairs import Pairs

#: memory that whole cubes may take before the one used longest ago is dropped [bytes]
ROOM = 2**30

#: from a seed to its cubes (2, channels, N, N, N) float32: Newton, GR; normalised
ReadCubes = Callable[[int], Tensor]


class Recent:
    """The cubes used last, as many as ``room`` bytes hold (one at least); the others are read again."""

    def __init__(self, read: ReadCubes, room: int = ROOM) -> None:
        self._read, self._room = read, room
        self._kept: OrderedDict[int, Tensor] = OrderedDict()
        self._lock = Lock()

    def __call__(self, seed: int) -> Tensor:
        with self._lock:
            if seed in self._kept:
                self._kept.move_to_end(seed)
                return self._kept[seed]
        cubes = self._read(seed)
        with self._lock:
            self._kept[seed] = cubes
            held = sum(one.nbytes for one in self._kept.values())
            while held > self._room and len(self._kept) > 1:
                held -= self._kept.popitem(last=False)[1].nbytes
        return cubes

    def __getstate__(self) -> dict[str, Any]:
        """For another process, which reads for itself."""
        return {"_read": self._read, "_room": self._room}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_read"], state["_room"])  # type: ignore[misc]


class CutPairs(Pairs):
    """All parts, as ``cut`` makes them, of the cubes of ``seeds``: seed by seed, then in the order of their numbers.

    ``read`` gives the cubes of a seed, (2, channels, N, N, N) float32. Place p of seed i = p // cut.count holds part
    p % cut.count of it. A place is read when it is loaded; seeds next to each other in a list of places are read once.
    """

    def __init__(self, seeds: Sequence[int], channels: int, cut: Cut, read: ReadCubes, room: int = ROOM) -> None:
        if len(set(seeds)) != len(seeds):
            raise BadInput(f"seeds are {tuple(seeds)}, expected each once")
        self.cut = cut
        self.seeds = tuple(seed for seed in seeds for _ in range(cut.count))
        self.shape = (channels, *cut.sides)
        self._cubes = Recent(read, room)

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
            for row, place in wanted:
                values[row] = self.cut.take(cubes, **self.cut.index.show(place % self.cut.count))
        return values

    def labels(self, place: int) -> dict[str, Any]:
        """Seed and labels of the part at ``place``."""
        return {"seed": self.seeds[place], **self.cut.index.show(place % self.cut.count)}


def cut_pairs(cubes: Tensor | np.ndarray, seeds: Sequence[int], cut: Cut) -> CutPairs:
    """The parts of cubes that lie in memory, (seeds, 2, channels, N, N, N), Newton and GR: needs no run folder."""
    held = torch.as_tensor(cubes).to(torch.float32)
    if held.ndim != 6 or held.shape[:2] != (len(seeds), 2) or tuple(held.shape[3:]) != (cut.n,) * 3:
        raise BadInput(
            f"cubes have shape {tuple(held.shape)} for {len(seeds)} seeds, expected (seeds, 2, channels, N, N, N) with"
            f" N = {cut.n}"
        )
    return CutPairs(seeds, held.shape[2], cut, dict(zip(seeds, held, strict=True)).__getitem__)
