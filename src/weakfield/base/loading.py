"""Loading modules and compiled kernels without a search for garbage meanwhile.

Python looks for garbage again and again while objects are made, the longer the more there are. What PyTorch, Numba and
their kernels bring are half a million objects, and all of them stay: the search takes a quarter of a second and finds
nothing (benchmarks/startup.py).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading(for_good: bool = False) -> Iterator[None]:
    """Search for no garbage inside the block, which imports modules or loads kernels.

    ``for_good`` is for a command that has done nothing before: what it has made by the end of the first such block is
    not searched later either.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if for_good and not gc.get_freeze_count():
            gc.freeze()
        gc.enable()
