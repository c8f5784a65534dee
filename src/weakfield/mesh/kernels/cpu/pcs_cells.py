"""The 64 nodes around a particle and its cubic splines there. Inlined into every kernel of the spectral mesh.

Places and shares of eight particles are worked out side by side; then each particle meets its nodes, all fields of a
node as one vector. Along x four nodes are summed before anything is said of y, along y before z: 84 multiplications.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from weakfield.mesh.kernels.cpu.cells import above, split_places, wrapped
from weakfield.mesh.kernels.cpu.simd import INLINE, WIDTH, exceeds, load, number, put, store

#: planes (rows, columns) that a spline touches beyond the cell of its particle, on either side
MARGIN = 1

#: for what is handed ``load`` or ``load4``: Numba cannot keep such a call on disk, and need not, inside a kernel it keeps
_ANY_LANES: Any = {**INLINE, "cache": False}


@njit(**INLINE)
def scratch(dtype):
    """Of eight particles: whole cells and fractions (``split_places``), nodes, shares."""
    return np.empty(48, dtype), np.empty(96, np.int64), np.empty(96, dtype)


@njit(**INLINE)
def spread(places, count, first, cells, shares):
    """``split_places``, and the share of the four nodes along x (0 to 24), y (32 to 56) and z (64 to 88)."""
    moved = split_places(places, count, first, cells)
    real = places.dtype.type
    one, half, sixth, thirds = real(1), real(1 / 2), real(1 / 6), real(2 / 3)
    for axis in range(3):
        r = load(cells, 24 + WIDTH * axis)
        s = one - r
        r2, s2 = r * r, s * s
        store(shares, 32 * axis, sixth * s * s2)
        store(shares, 32 * axis + 8, thirds + r2 * (half * r - one))
        store(shares, 32 * axis + 16, thirds + s2 * (half * s - one))
        store(shares, 32 * axis + 24, sixth * r * r2)
    return moved


@njit(**INLINE)
def spread_slopes(cells, slopes):
    """Derivatives of the shares of ``spread`` per cell."""
    one = cells.dtype.type(1)
    half, more, two = cells.dtype.type(0.5), cells.dtype.type(1.5), cells.dtype.type(2)
    for axis in range(3):
        r = load(cells, 24 + WIDTH * axis)
        s = one - r
        store(slopes, 32 * axis, s * s * -half)
        store(slopes, 32 * axis + 8, r * (more * r - two))
        store(slopes, 32 * axis + 16, s * (two - more * s))
        store(slopes, 32 * axis + 24, half * r * r)


@njit(**INLINE)
def _put_four(nodes, at, cell, n, pitch):
    """Places of the four nodes around the cell along one axis (periodic), ``pitch`` apart."""
    a = wrapped(cell - 1, n)
    b = above(a, n)
    c = above(b, n)
    put(nodes, at, a * pitch)
    put(nodes, at + 8, b * pitch)
    put(nodes, at + 16, c * pitch)
    put(nodes, at + 24, above(c, n) * pitch)


@njit(**INLINE)
def find_nodes(nodes, cells, i, rest_x, y, z, n, lanes):
    """Places of the nodes around particle i of ``spread``, to be added up: along x from 0 on, y from 32, z from 64."""
    lanes = np.int64(lanes)
    _put_four(nodes, i, np.int64(rest_x) + np.int64(number(cells, i)), n, lanes)
    _put_four(nodes, 32 + i, y + np.int64(number(cells, 8 + i)), n, lanes * n)
    _put_four(nodes, 64 + i, z + np.int64(number(cells, 16 + i)), n, lanes * n * n)


@njit(**INLINE)
def four_of(array, at):
    """Nodes or shares of one particle along one axis."""
    return number(array, at), number(array, at + 8), number(array, at + 16), number(array, at + 24)


@njit(**_ANY_LANES)
def _along_x(fetch, fields, at, x, w):
    return (
        w[0] * fetch(fields, at + x[0]) + w[1] * fetch(fields, at + x[1]) + w[2] * fetch(fields, at + x[2])
        + w[3] * fetch(fields, at + x[3])
    )  # fmt: skip


@njit(**_ANY_LANES)
def _over_plane(fetch, fields, at, x, y, wx, wy):
    return (
        wy[0] * _along_x(fetch, fields, at + y[0], x, wx) + wy[1] * _along_x(fetch, fields, at + y[1], x, wx)
        + wy[2] * _along_x(fetch, fields, at + y[2], x, wx) + wy[3] * _along_x(fetch, fields, at + y[3], x, wx)
    )  # fmt: skip


@njit(**_ANY_LANES)
def gather(fetch, fields, nodes, shares, i):
    """Fields at particle i, as many lanes as ``fetch`` (``load``, ``load4``) takes from a node."""
    x, y, z = four_of(nodes, i), four_of(nodes, 32 + i), four_of(nodes, 64 + i)
    wx, wy, wz = four_of(shares, i), four_of(shares, 32 + i), four_of(shares, 64 + i)
    return (
        wz[0] * _over_plane(fetch, fields, z[0], x, y, wx, wy) + wz[1] * _over_plane(fetch, fields, z[1], x, y, wx, wy)
        + wz[2] * _over_plane(fetch, fields, z[2], x, y, wx, wy) + wz[3] * _over_plane(fetch, fields, z[3], x, y, wx, wy)
    )  # fmt: skip


@njit(**INLINE)
def _sum(w, v):
    return w[0] * v[0] + w[1] * v[1] + w[2] * v[2] + w[3] * v[3]


@njit(**_ANY_LANES)
def _plane_and_slopes(fetch, fields, at, x, y, wx, wy, sx, sy):
    """The splines through one plane and their derivatives along x and y."""
    a, b, c, d = at + y[0], at + y[1], at + y[2], at + y[3]
    rows = (
        _along_x(fetch, fields, a, x, wx), _along_x(fetch, fields, b, x, wx), _along_x(fetch, fields, c, x, wx),
        _along_x(fetch, fields, d, x, wx),
    )  # fmt: skip
    steep = (
        _along_x(fetch, fields, a, x, sx), _along_x(fetch, fields, b, x, sx), _along_x(fetch, fields, c, x, sx),
        _along_x(fetch, fields, d, x, sx),
    )  # fmt: skip
    return _sum(wy, rows), _sum(wy, steep), _sum(sy, rows)


@njit(**_ANY_LANES)
def gather_with_slopes(fetch, fields, nodes, shares, slopes, i):
    """``gather`` and the derivatives of the splines along x, y and z, per cell."""
    x, y, z = four_of(nodes, i), four_of(nodes, 32 + i), four_of(nodes, 64 + i)
    wx, wy, wz = four_of(shares, i), four_of(shares, 32 + i), four_of(shares, 64 + i)
    sx, sy, sz = four_of(slopes, i), four_of(slopes, 32 + i), four_of(slopes, 64 + i)
    v0, dx0, dy0 = _plane_and_slopes(fetch, fields, z[0], x, y, wx, wy, sx, sy)
    v1, dx1, dy1 = _plane_and_slopes(fetch, fields, z[1], x, y, wx, wy, sx, sy)
    v2, dx2, dy2 = _plane_and_slopes(fetch, fields, z[2], x, y, wx, wy, sx, sy)
    v3, dx3, dy3 = _plane_and_slopes(fetch, fields, z[3], x, y, wx, wy, sx, sy)
    values = (v0, v1, v2, v3)
    return _sum(wz, values), _sum(wz, (dx0, dx1, dx2, dx3)), _sum(wz, (dy0, dy1, dy2, dy3)), _sum(sz, values)


@njit(**_ANY_LANES)
def _add(fetch, keep, out, at, value):
    keep(out, at, fetch(out, at) + value)


@njit(**_ANY_LANES)
def _add_row(fetch, keep, out, at, x, w, v):
    _add(fetch, keep, out, at + x[0], w * v[0])
    _add(fetch, keep, out, at + x[1], w * v[1])
    _add(fetch, keep, out, at + x[2], w * v[2])
    _add(fetch, keep, out, at + x[3], w * v[3])


@njit(**_ANY_LANES)
def deposit(fetch, keep, out, nodes, shares, i, value):
    """Add the lanes ``value`` of particle i to the nodes around it: the adjoint of ``gather``."""
    x, y, z = four_of(nodes, i), four_of(nodes, 32 + i), four_of(nodes, 64 + i)
    wx, wy, wz = four_of(shares, i), four_of(shares, 32 + i), four_of(shares, 64 + i)
    v = (value * wx[0], value * wx[1], value * wx[2], value * wx[3])
    for k in range(4):
        at, w = z[k], wz[k]
        _add_row(fetch, keep, out, at + y[0], x, w * wy[0], v)
        _add_row(fetch, keep, out, at + y[1], x, w * wy[1], v)
        _add_row(fetch, keep, out, at + y[2], x, w * wy[2], v)
        _add_row(fetch, keep, out, at + y[3], x, w * wy[3], v)


@njit(**INLINE)
def exponential(x, spare):
    """e^x of eight numbers, to rounding: a short series for potentials, the function itself beyond."""
    real = spare.dtype.type
    if exceeds(x, real(0.01)):
        store(spare, 0, x)
        for i in range(WIDTH):
            put(spare, i, real(math.exp(number(spare, i))))
        return load(spare, 0)
    one, a, b, c, d, e = real(1), real(1 / 2), real(1 / 6), real(1 / 24), real(1 / 120), real(1 / 720)
    return one + x * (one + x * (a + x * (b + x * (c + x * (d + x * e)))))  # the next term is below 2e-18
