"""How many threads the mesh works with. The results do not depend on their number."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: meshes up to this size run on one thread: a second thread saves at most a quarter of the time (benchmarks/threads.py)
#: and is better used to grow another pair
SMALL_MESH = 32

_count: int | None = None
_fixed: int | None = None


def available_threads() -> int:
    """Number of cores this process may use; the environment variable WEAKFIELD_THREADS overrides it."""
    return int(os.environ.get("WEAKFIELD_THREADS", "0")) or len(os.sched_getaffinity(0))


def current_threads() -> int:
    """Number of threads with which transforms and kernels run if they are called now."""
    return _count or available_threads()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run the block with ``count`` threads.

    PyTorch's number of threads, which affects the last bits of a training, is the same after the block as before it;
    starting Numba's threads would change it where both use OpenMP.
    """
    global _count
    import numba
    import torch

    torch_before = torch.get_num_threads()  # this comes first, because asking Numba starts its threads
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
    """Give meshes of any size ``count`` threads inside the block, in order to compare numbers of threads."""
    global _fixed
    before, _fixed = _fixed, count
    try:
        yield
    finally:
        _fixed = before


def threads_for_mesh(n: int) -> int:
    """A good number of threads for a mesh of ``n`` cells a side."""
    return _fixed or (1 if n <= SMALL_MESH else current_threads())
