"""How many threads the mesh works with. Results do not depend on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: meshes up to this size run on one thread: a second saves a quarter of the time at most (benchmarks/threads.py), and
#: serves better where another pair is grown on it
SMALL_MESH = 32

_count: int | None = None
_fixed: int | None = None


def available_threads() -> int:
    """Cores this process may use; the environment variable WEAKFIELD_THREADS overrides."""
    return int(os.environ.get("WEAKFIELD_THREADS", "0")) or len(os.sched_getaffinity(0))


def current_threads() -> int:
    """Threads of the transforms and kernels called now."""
    return _count or available_threads()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run what is inside the block with ``count`` threads.

    PyTorch's number, which decides the last bits of a training, is the same after the block as before it: starting
    Numba's threads changes it where both use OpenMP.
    """
    global _count
    import numba
    import torch

    torch_before = torch.get_num_threads()  # first: asking Numba starts its threads
    before, numba_before = _count, numba.get_num_threads()
    numba_most: int = getattr(numba.config, "NUMBA_NUM_THREADS")  # noqa: B009 (set when Numba is loaded)
    _count = count
    numba.set_num_threads(min(count, numba_most))
    torch.set_num_threads(count)
    try:
        yield
    finally:
        _count = before
        numba.set_num_threads(numba_before)
        torch.set_num_threads(torch_before)


@contextmanager
def fixed_threads(count: int) -> Iterator[None]:
    """Meshes of any size get ``count`` threads inside the block: for those who compare numbers of threads."""
    global _fixed
    before, _fixed = _fixed, count
    try:
        yield
    finally:
        _fixed = before


def threads_for_mesh(n: int) -> int:
    """A good number of threads for a mesh of ``n`` cells a side."""
    return _fixed or (1 if n <= SMALL_MESH else current_threads())
