"""Modes of real cubes (..., N, N, N) and planes (..., N, N) on the half axis of their transform.

F(k) = sum_x f(x) exp(-i k x), unnormalised; the inverse divides by N^3 or N^2. Wavenumbers n are in units of the
fundamental k_F = 2 pi / L. Only n_x >= 0 is stored, (..., N, N, N//2+1): an entry stands for both k and -k and has
weight 2. On n_x = 0, and on n_x = N/2 of an even N, both are stored and each has weight 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.mesh import fft
from weakfield.mesh.threads import current_threads

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


def forward(fields: Tensor, dimensions: int = 3) -> Tensor:
    """F(k) of real fields (..., N, N[, N]) along the last ``dimensions`` axes: (..., N[, N], N//2+1) complex128.

    They are computed in double precision whatever the input; on a CPU the bits are the same for any number of threads.
    """
    fields = fields.to(torch.float64).contiguous()
    if dimensions == 3:
        return fft.forward(fields)
    import ducc0

    axes = tuple(range(fields.ndim - dimensions, fields.ndim))
    return torch.from_numpy(ducc0.fft.r2c(fields.numpy(), axes=axes, nthreads=current_threads()))


def backward(modes: Tensor, n: int, dimensions: int = 3) -> Tensor:
    """The inverse of ``forward``; where both k and -k are stored, only the Hermitian part of ``modes`` counts."""
    if dimensions == 3:
        return fft.backward(modes.contiguous(), n)
    import ducc0

    axes = tuple(range(modes.ndim - dimensions, modes.ndim))
    options = {"forward": False, "inorm": 2, "nthreads": current_threads()}
    return torch.from_numpy(ducc0.fft.c2r(modes.contiguous().numpy(), axes=axes, lastsize=n, **options))


def wavenumbers(n: int) -> tuple[Integers, Integers]:
    """Signed integer wavenumbers of a full axis (N,) and the half axis (N//2+1,); the former lists Nyquist as -N/2."""
    full = np.arange(n, dtype=np.int64)
    full[(n + 1) // 2 :] -= n
    return full, np.arange(n // 2 + 1, dtype=np.int64)


def wavenumber_axes(n: int, dimensions: int = 3) -> tuple[Integers, ...]:
    """n_z, n_y, n_x of a cube, or n_y, n_x of a plane, each broadcasting over the modes."""
    full, half = wavenumbers(n)
    return np.ix_(*[full] * (dimensions - 1), half)


def squared_wavenumbers(n: int, dimensions: int = 3) -> Integers:
    """n_x^2 + n_y^2 + n_z^2 of every mode, (N, N, N//2+1) [z, y, x]; for a plane n_x^2 + n_y^2, (N, N//2+1)."""
    return np.asarray(sum(axis**2 for axis in wavenumber_axes(n, dimensions)))


def half_axis_weights(n: int) -> Reals:
    """How many modes of the full grid an entry stands for, (N//2+1,): the same on every line of the half axis."""
    half = np.arange(n // 2 + 1)
    return np.where((half == 0) | (2 * half == n), 1.0, 2.0)


def nyquist_modes(n: int, dimensions: int = 3) -> NDArray[np.bool_]:
    """Which modes have a component N/2, for an even N, (N[, N], N//2+1); none for an odd N."""
    found = np.zeros((n,) * (dimensions - 1) + (n // 2 + 1,), dtype=np.bool_)
    for axis in wavenumber_axes(n, dimensions):
        found |= 2 * np.abs(axis) == n
    return found


def squared_modulus(modes: NDArray[Any]) -> Reals:
    """|f|^2 in double precision."""
    real, imaginary = modes.real.astype(np.float64), modes.imag.astype(np.float64)
    return np.asarray(real * real + imaginary * imaginary)


def make_hermitian(modes: Tensor) -> Tensor:
    """Keep of (N, N, N//2+1) what the modes of a real field can have, in place: ``backward`` ignores the rest, too."""
    n = modes.shape[0]
    for column in {0, n // 2} if n % 2 == 0 else {0}:
        plane = modes[..., column]
        mirror = plane.flip((0, 1)).roll((1, 1), (0, 1))
        plane.add_(mirror.conj()).mul_(0.5)
    return modes


@lru_cache(maxsize=8)
def mirrored(n: int, dimensions: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Flat positions on the half axis of k and -k where both are stored, and of modes with k = -k."""
    size = n // 2 + 1
    shape = (n,) * (dimensions - 1) + (size,)
    position = np.arange(int(np.prod(shape))).reshape(shape)
    first, second, own = [], [], []
    for column in {0, n // 2} if n % 2 == 0 else {0}:
        plane = position[..., column]
        partner = plane[np.ix_(*[(-np.arange(n)) % n] * (dimensions - 1))]
        first.append(plane[plane < partner])
        second.append(partner[plane < partner])
        own.append(plane[plane == partner])
    return np.concatenate(first), np.concatenate(second), np.concatenate(own)
