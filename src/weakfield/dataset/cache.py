"""Cubes kept ready: in memory while there is room, or on disk and memory-mapped."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from weakfield.base.files import replacing

#: memory that whole cubes may take before the least recently used one is dropped [bytes]
ROOM = 2**30

#: from a seed to its cubes (2, channels, N, N, N) float32: Newton, GR; normalised
ReadCubes = Callable[[int], Tensor]


class CubeCache:
    """The most recently used cubes, as many as ``room`` bytes hold (at least one); the others are read again."""

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
        """The state for another process, which reads the cubes itself."""
        return {"_read": self._read, "_room": self._room}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_read"], state["_room"])  # type: ignore[misc]


def cached_cubes(path: Path, shape: tuple[int, ...], make: Callable[[], Tensor]) -> Tensor:
    """The float32 array in ``path``, mapped for reading; if it is not there, ``make`` makes it and it is written whole.

    A file of another shape, or one that does not end with the hash of what is before, is made again. The tensor must
    not be written to.
    """
    values = _mapped(path)
    if values is None or values.shape != shape:
        made = make().numpy()
        with replacing(path) as scratch, open(scratch, "wb") as handle:
            np.save(handle, made)
            handle.write(hashlib.sha256(np.ascontiguousarray(made).data).digest())
        values = _mapped(path)
        assert values is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch has no read-only tensors and says so
        return torch.from_numpy(values)


def _mapped(path: Path) -> np.ndarray | None:
    if not path.exists():
        return None
    try:
        values: np.ndarray = np.load(path, mmap_mode="r")
    except OSError:
        raise
    except Exception:  # whatever NumPy and Python's own parser find in a damaged header
        return None
    if values.dtype != np.float32 or not values.flags.c_contiguous:
        return None
    with open(path, "rb") as handle:
        handle.seek(-hashlib.sha256().digest_size, os.SEEK_END)
        recorded = handle.read()
    return values if hashlib.sha256(values.data).digest() == recorded else None
