"""Modes of samples (..., N, N[, N]): transforms in two and three dimensions, directions, cubic harmonics.

F(k) = sum_x f(x) exp(-i k x), half axis x, as everywhere. An entry of the half axis stands for k and -k and weighs 2;
on the planes n_x = 0 and n_x = N/2 both stand there and each weighs 1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.mesh import fft
from weakfield.mesh.shells import squared_wavenumbers, wavenumbers
from weakfield.mesh.threads import current_threads

Reals = NDArray[np.float64]


def forward(fields: Tensor, dimensions: int) -> Tensor:
    """F(k) of real float64 (..., N, N[, N]) along the last ``dimensions`` axes: (..., N[, N], N//2+1)."""
    if dimensions == 3:
        return fft.forward(fields.contiguous())
    import ducc0

    axes = tuple(range(fields.ndim - dimensions, fields.ndim))
    return torch.from_numpy(ducc0.fft.r2c(fields.contiguous().numpy(), axes=axes, nthreads=current_threads()))


def backward(modes: Tensor, n: int, dimensions: int) -> Tensor:
    """The inverse of ``forward``; where k and -k both stand, only the Hermitian part of ``modes`` counts."""
    if dimensions == 3:
        return fft.backward(modes.contiguous(), n)
    import ducc0

    axes = tuple(range(modes.ndim - dimensions, modes.ndim))
    options = {"forward": False, "inorm": 2, "nthreads": current_threads()}
    return torch.from_numpy(ducc0.fft.c2r(modes.contiguous().numpy(), axes=axes, lastsize=n, **options))


@lru_cache(maxsize=8)
def weights(n: int, dimensions: int) -> Tensor:
    """How many modes of the full box each entry stands for, (N[, N], N//2+1)."""
    half = np.arange(n // 2 + 1)
    line = np.where((half == 0) | (2 * half == n), 1.0, 2.0)
    return torch.from_numpy(np.broadcast_to(line, (n,) * (dimensions - 1) + (len(half),)).copy())


@lru_cache(maxsize=8)
def mirrored(n: int, dimensions: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Flat places on the half axis of pairs k, -k that both stand there, and of modes that are their own mirror."""
    size = n // 2 + 1
    shape = (n,) * (dimensions - 1) + (size,)
    place = np.arange(int(np.prod(shape))).reshape(shape)
    first, second, own = [], [], []
    for column in {0, n // 2} if n % 2 == 0 else {0}:
        plane = place[..., column]
        partner = plane[np.ix_(*[(-np.arange(n)) % n] * (dimensions - 1))]
        first.append(plane[plane < partner])
        second.append(partner[plane < partner])
        own.append(plane[plane == partner])
    return np.concatenate(first), np.concatenate(second), np.concatenate(own)


def cosines(n: int, dimensions: int) -> Reals:
    """|n_i| / |n| of every mode, (dimensions, N[, N], N//2+1), order z, y, x; 0 at k = 0."""
    full, half = wavenumbers(n)
    length = np.sqrt(np.maximum(squared_wavenumbers(n, dimensions), 1))
    axes = np.ix_(*[full] * (dimensions - 1), half)
    return np.stack([np.broadcast_to(np.abs(axis), length.shape) / length for axis in axes])


def cubic_harmonic(n: int, dimensions: int, order: int) -> Reals:
    """The harmonic of the cube's symmetries, of mean square 1 over directions, at every mode.

    Three dimensions, orders 0, 4 and 6 (von der Lage & Bethe 1947): with u = n_z^4 + n_y^4 + n_x^4 - 3/5 of the
    direction, K4 = 5/4 sqrt 21 u, positive along the axes, and K6 = 231/8 sqrt 26 (n_z^2 n_y^2 n_x^2 + u/22 - 1/105).
    Two dimensions, orders 0, 4 and 8: sqrt 2 cos(order phi), positive along the axes.
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
