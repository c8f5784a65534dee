"""Where a particle is: base cell, neighbour cell and fractions. Inlined into every particle kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(inline="always")
def locate(rest, displacement, n):
    """Base cell, next cell (periodic) and fraction along one axis."""
    whole = np.floor(displacement)  # of the type of the displacement: single precision stays single
    cell = rest + np.int64(whole)
    while cell < 0:
        cell += n
    while cell >= n:
        cell -= n
    following = cell + 1 if cell + 1 < n else 0
    return cell, following, displacement - whole


@njit(inline="always")
def below(cell, n):
    """The neighbour on the lower side (periodic)."""
    return cell - 1 if cell > 0 else n - 1


@njit(inline="always")
def above(cell, n):
    """The neighbour on the upper side (periodic)."""
    return cell + 1 if cell + 1 < n else 0


#: compiler options of the kernels: products and sums may fuse, and nothing may be reordered
OPTIONS: Any = {"parallel": True, "cache": True, "error_model": "numpy", "fastmath": {"contract"}}
