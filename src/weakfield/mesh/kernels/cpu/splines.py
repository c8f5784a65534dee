"""Mass assignment of order p = 1 to 4: nearest grid point, cloud in cell, triangular cloud, piecewise cubic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Reals = NDArray[np.float64]
OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}


@njit(**OPTIONS)
def _weights(position, order, w):
    """B-spline weights of the ``order`` nearest sites to a position in cells; returns the first of them."""
    if order % 2 == 0:
        first = np.floor(position)
        d = position - first
    else:
        first = np.floor(position + 0.5)
        d = position - first
    if order == 1:
        w[0] = 1.0
    elif order == 2:
        w[0] = 1 - d
        w[1] = d
    elif order == 3:
        w[0] = 0.5 * (0.5 - d) ** 2
        w[1] = 0.75 - d * d
        w[2] = 0.5 * (0.5 + d) ** 2
    else:
        w[0] = (1 - d) ** 3 / 6
        w[1] = (4 - 6 * d * d + 3 * d**3) / 6
        w[2] = (4 - 6 * (1 - d) ** 2 + 3 * (1 - d) ** 3) / 6
        w[3] = d**3 / 6
    return np.int64(first) - (order - 1) // 2


@njit(**OPTIONS)
def _paint(positions, mass, order, out):
    n = out.shape[0]
    weights = np.empty((3, 4))
    first = np.empty(3, np.int64)
    for p in range(positions.shape[1]):
        for axis in range(3):
            first[axis] = _weights(positions[axis, p], order, weights[axis])
        for dz in range(order):
            z = (first[2] + dz) % n
            for dy in range(order):
                y = (first[1] + dy) % n
                share = mass[p % len(mass)] * weights[2, dz] * weights[1, dy]
                for dx in range(order):
                    out[z, y, (first[0] + dx) % n] += share * weights[0, dx]


def paint_spline(positions: Reals, mass: Reals, order: int, out: Reals) -> Reals:
    """Add ``mass`` (P,) or (1,) at ``positions`` (3, P) in cells, order x, y, z, to ``out`` (N, N, N) [z, y, x].

    Particle by particle in the order given, on one thread: the same bits always.
    """
    _paint(positions, mass, order, out)
    return out
