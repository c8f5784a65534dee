"""Directions of modes: cosines with the axes, and the harmonics that have the symmetries of the cube."""

from __future__ import annotations

import numpy as np

from weakfield.base.errors import BadInput
from weakfield.fourier.half_axis import Reals, squared_wavenumbers, wavenumber_axes


def cosines(n: int, dimensions: int) -> Reals:
    """|n_i| / |n| of every mode, (dimensions, N[, N], N//2+1), in the order z, y, x; 0 at k = 0."""
    length = np.sqrt(np.maximum(squared_wavenumbers(n, dimensions), 1))
    axes = wavenumber_axes(n, dimensions)
    return np.stack([np.broadcast_to(np.abs(axis), length.shape) / length for axis in axes])


def cubic_harmonic(n: int, dimensions: int, order: int) -> Reals:
    """The harmonic with the cube's symmetries, normalised to mean square 1 over directions, at every mode.

    In three dimensions, orders are 0, 4 and 6 (von der Lage & Bethe 1947): for a unit vector n and
    u = n_z^4 + n_y^4 + n_x^4 - 3/5, K4 = 5/4 sqrt 21 u, positive along the axes, and
    K6 = 231/8 sqrt 26 (n_z^2 n_y^2 n_x^2 + u/22 - 1/105). In two dimensions, orders are 0, 4 and 8:
    sqrt 2 cos(order phi), positive along the axes.
    """
    square = cosines(n, dimensions) ** 2
    if order == 0:
        return np.ones(square.shape[1:])
    if dimensions == 2 and order in (4, 8):
        fourth = 8 * square[0] ** 2 - 8 * square[0] + 1  # cos 4 phi
        return np.asarray(np.sqrt(2) * (fourth if order == 4 else 2 * fourth**2 - 1))
    if dimensions == 3 and order in (4, 6):
        u = (square**2).sum(axis=0) - 0.6
        if order == 4:
            return np.asarray(1.25 * np.sqrt(21) * u)
        return np.asarray(231 / 8 * np.sqrt(26) * (square.prod(axis=0) + u / 22 - 1 / 105))
    last = {2: 8, 3: 6}[dimensions]
    raise BadInput(f"the order of a harmonic in {dimensions} dimensions is {order}, expected 0, 4 or {last}")
