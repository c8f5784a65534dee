"""Where a particle is: base cell, neighbour cell and fractions. Inlined into every particle kernel."""

from __future__ import annotations

import numpy as np
from numba import njit

from weakfield.mesh.kernels.cpu.simd import INLINE, floor, load, number, store


@njit(**INLINE)
def locate(rest, displacement, n):
    """Base cell, next cell (periodic) and fraction along one axis."""
    whole = np.floor(displacement)  # of the type of the displacement: single precision stays single
    cell = wrapped(rest + np.int64(whole), n)
    following = cell + 1 if cell + 1 < n else 0
    return cell, following, displacement - whole


@njit(**INLINE)
def wrapped(cell, n):
    """A cell index brought into the box."""
    while cell < 0:
        cell += n
    while cell >= n:
        cell -= n
    return cell


@njit(**INLINE)
def below(cell, n):
    """The neighbour on the lower side (periodic)."""
    return cell - 1 if cell > 0 else n - 1


@njit(**INLINE)
def above(cell, n):
    """The neighbour on the upper side (periodic)."""
    return cell + 1 if cell + 1 < n else 0


@njit(**INLINE)
def linear(f0, f1, s):
    """Linear in s."""
    return f0 + s * (f1 - f0)


@njit(**INLINE)
def bilinear(f00, f01, f10, f11, s, t):
    """Linear in s (second index) and in t (first index)."""
    return linear(linear(f00, f01, s), linear(f10, f11, s), t)


@njit(**INLINE)
def differences(f000, f001, f010, f011, f100, f101, f110, f111, fx, fy, fz):
    """Differences across a cell along x, y, z at a place within it, from the values at its corners [z, y, x]."""
    return (
        bilinear(f001 - f000, f011 - f010, f101 - f100, f111 - f110, fy, fz),
        bilinear(f010 - f000, f011 - f001, f110 - f100, f111 - f101, fx, fz),
        bilinear(f100 - f000, f101 - f001, f110 - f010, f111 - f011, fx, fy),
    )


@njit(**INLINE)
def at_corners(field, r00, r01, r10, r11, x0, x1):
    """A field at the eight sites around a particle, [z, y, x], from the places of ``corners``."""
    return (
        number(field, r00 + x0), number(field, r00 + x1), number(field, r01 + x0), number(field, r01 + x1),
        number(field, r10 + x0), number(field, r10 + x1), number(field, r11 + x0), number(field, r11 + x1),
    )  # fmt: skip


@njit(**INLINE)
def slopes(field, x0, y0, z0, x1, y1, z1, fx, fy, fz):
    """Differences of a field across the cell along x, y, z (EQUATIONS 6.1)."""
    n = field.shape[0]
    r00, r01, r10, r11 = (z0 * n + y0) * n, (z0 * n + y1) * n, (z1 * n + y0) * n, (z1 * n + y1) * n
    f000, f001, f010, f011, f100, f101, f110, f111 = at_corners(field, r00, r01, r10, r11, x0, x1)
    return differences(f000, f001, f010, f011, f100, f101, f110, f111, fx, fy, fz)


@njit(**INLINE)
def split_places(places, count, first, cells):
    """Whole cells (0, 8, 16) and fractions (24, 32, 40) of eight particles from ``first`` on, into ``cells``."""
    ux, uy, uz = load(places, first), load(places, count + first), load(places, 2 * count + first)
    split(ux, uy, uz, cells)
    return ux, uy, uz


@njit(**INLINE)
def split(ux, uy, uz, cells):
    """The same as ``split_places``, for positions that are already loaded."""
    wx, wy, wz = floor(ux), floor(uy), floor(uz)
    store(cells, 0, wx)
    store(cells, 8, wy)
    store(cells, 16, wz)
    store(cells, 24, ux - wx)
    store(cells, 32, uy - wy)
    store(cells, 40, uz - wz)


@njit(**INLINE)
def corners(rest_x, y, z, cells, i, n):
    """Flat places of the eight sites around particle i of ``split_places``: rows (z, y) 00, 01, 10, 11, then x."""
    x0 = wrapped(rest_x + np.int64(number(cells, i)), n)
    y0, z0 = wrapped(y + np.int64(number(cells, 8 + i)), n), wrapped(z + np.int64(number(cells, 16 + i)), n)
    y1, z1 = above(y0, n), above(z0, n)
    return (z0 * n + y0) * n, (z0 * n + y1) * n, (z1 * n + y0) * n, (z1 * n + y1) * n, x0, above(x0, n)


@njit(**INLINE)
def write_back(flat, count, first, begin, stop, x, y, z, spare):
    """Three vectors of particles ``first`` on into a flat (3, P), of which ``begin`` to ``stop`` may be touched."""
    if stop - begin == 8:
        store(flat, first, x)
        store(flat, count + first, y)
        store(flat, 2 * count + first, z)
    else:
        store(spare, 0, x)
        store(spare, 8, y)
        store(spare, 16, z)
        for j in range(3):
            for i in range(begin, stop):
                flat[j * count + first + i] = spare[8 * j + i]
