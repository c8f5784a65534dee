"""The 64 nodes around a particle and its cubic splines there. Inlined into every kernel of the spectral mesh.

Places and shares of eight particles are worked out side by side; then each particle meets its nodes, all fields of a
node as one vector. A gather of values sums over y and z before x, a deposit multiplies along x before y and z: 80
products.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from weakfield.mesh.kernels.cpu.cells import above, split, split_places, wrapped
from weakfield.mesh.kernels.cpu.simd import INLINE, WIDTH, exceeds, load, number, put, store

#: planes (rows, columns) that a spline touches beyond the cell of its particle, on either side
MARGIN = 1

#: for functions that are passed ``load`` or ``load4``: Numba cannot cache these on disk, and need not, because it
#: caches the kernels into which they are inlined
_ANY_PACKED: Any = {**INLINE, "cache": False}


@njit(**INLINE)
def scratch(dtype):
    """Of eight particles: whole cells and fractions (``split_places``), nodes, shares."""
    return np.empty(48, dtype), np.empty(96, np.int64), np.empty(96, dtype)


@njit(**INLINE)
def spread(places, count, first, cells, shares):
    """``split_places``, and the share of the four nodes along x (0 to 24), y (32 to 56) and z (64 to 88)."""
    moved = split_places(places, count, first, cells)
    _share(cells, shares)
    return moved


@njit(**INLINE)
def spread_shifted(places, count, first, shift, cells, shares):
    """``spread`` for positions that are ``shift`` further along each axis."""
    ux, uy, uz = load(places, first), load(places, count + first), load(places, 2 * count + first)
    split(ux + shift, uy + shift, uz + shift, cells)
    _share(cells, shares)


@njit(**INLINE)
def _share(cells, shares):
    real = cells.dtype.type
    one, half, sixth, thirds = real(1), real(1 / 2), real(1 / 6), real(2 / 3)
    for axis in range(3):
        r = load(cells, 24 + WIDTH * axis)
        s = one - r
        r2, s2 = r * r, s * s
        store(shares, 32 * axis, sixth * s * s2)
        store(shares, 32 * axis + 8, thirds + r2 * (half * r - one))
        store(shares, 32 * axis + 16, thirds + s2 * (half * s - one))
        store(shares, 32 * axis + 24, sixth * r * r2)


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
    """Sites of the four nodes around the cell along one axis (periodic), ``pitch`` apart."""
    a = wrapped(cell - 1, n)
    b = above(a, n)
    c = above(b, n)
    put(nodes, at, a * pitch)
    put(nodes, at + 8, b * pitch)
    put(nodes, at + 16, c * pitch)
    put(nodes, at + 24, above(c, n) * pitch)


@njit(**INLINE)
def find_nodes(nodes, cells, i, rest_x, y, z, n, row, plane):
    """Sites of the nodes around particle i of ``spread``, to be added up: along x from 0 on, y from 32, z from 64.

    Rows begin ``row`` sites apart, planes ``plane``.
    """
    _put_four(nodes, i, np.int64(rest_x) + np.int64(number(cells, i)), n, np.int64(1))
    _put_four(nodes, 32 + i, y + np.int64(number(cells, 8 + i)), n, row)
    _put_four(nodes, 64 + i, z + np.int64(number(cells, 16 + i)), n, plane)


@njit(**INLINE)
def four_of(array, at):
    """Nodes or shares of one particle along one axis."""
    return number(array, at), number(array, at + 8), number(array, at + 16), number(array, at + 24)


@njit(**INLINE)
def _along_x(nodes, i, packed):
    """Where the four nodes along x begin among the numbers of a row."""
    a, b, c, d = four_of(nodes, i)
    return a * packed, b * packed, c * packed, d * packed


@njit(**INLINE)
def _sum(w, v):
    return w[0] * v[0] + w[1] * v[1] + w[2] * v[2] + w[3] * v[3]


@njit(**_ANY_PACKED)
def _row(fetch, fields, at, x):
    return fetch(fields, at + x[0]), fetch(fields, at + x[1]), fetch(fields, at + x[2]), fetch(fields, at + x[3])


@njit(**_ANY_PACKED)
def gather(fetch, fields, packed, nodes, shares, i):
    """Fields of sites with ``packed`` each at particle i, as many of them as ``fetch`` (``load``, ``load4``) takes."""
    x, nothing = _along_x(nodes, i, packed), fetch(fields, 0) * fields.dtype.type(0)
    a, b, c, d = nothing, nothing, nothing, nothing
    # loops that stay loops: the compiler, left to order all 64 loads, runs out of registers
    for k in range(64 + i, 96 + i, WIDTH):
        at, wz = number(nodes, k), number(shares, k)
        for j in range(32 + i, 64 + i, WIDTH):
            w, f = wz * number(shares, j), _row(fetch, fields, (at + number(nodes, j)) * packed, x)
            a, b, c, d = a + w * f[0], b + w * f[1], c + w * f[2], d + w * f[3]
    return _sum(four_of(shares, i), (a, b, c, d))


@njit(**_ANY_PACKED)
def gather_with_slopes(fetch, fields, packed, nodes, shares, slopes, i):
    """``gather`` and the derivatives of the splines along x, y and z, per cell."""
    x, wx, sx = _along_x(nodes, i, packed), four_of(shares, i), four_of(slopes, i)
    nothing = fetch(fields, 0) * fields.dtype.type(0)
    value, along_x, along_y, along_z = nothing, nothing, nothing, nothing
    for k in range(64 + i, 96 + i, WIDTH):
        at, wz, sz = number(nodes, k), number(shares, k), number(slopes, k)
        flat, steep_x, steep_y = nothing, nothing, nothing  # of one plane
        for j in range(32 + i, 64 + i, WIDTH):
            f, wy, sy = _row(fetch, fields, (at + number(nodes, j)) * packed, x), number(shares, j), number(slopes, j)
            summed = _sum(wx, f)
            flat, steep_x, steep_y = flat + wy * summed, steep_x + wy * _sum(sx, f), steep_y + sy * summed
        value, along_z = value + wz * flat, along_z + sz * flat
        along_x, along_y = along_x + wz * steep_x, along_y + wz * steep_y
    return value, along_x, along_y, along_z


@njit(**_ANY_PACKED)
def _add(fetch, keep, out, at, value):
    keep(out, at, fetch(out, at) + value)


@njit(**_ANY_PACKED)
def _add_row(fetch, keep, out, at, x, w, v):
    _add(fetch, keep, out, at + x[0], w * v[0])
    _add(fetch, keep, out, at + x[1], w * v[1])
    _add(fetch, keep, out, at + x[2], w * v[2])
    _add(fetch, keep, out, at + x[3], w * v[3])


@njit(**_ANY_PACKED)
def _add_plane(fetch, keep, out, at, x, y, w, wy, v):
    _add_row(fetch, keep, out, at + y[0], x, w * wy[0], v)
    _add_row(fetch, keep, out, at + y[1], x, w * wy[1], v)
    _add_row(fetch, keep, out, at + y[2], x, w * wy[2], v)
    _add_row(fetch, keep, out, at + y[3], x, w * wy[3], v)


@njit(**_ANY_PACKED)
def deposit(fetch, keep, out, packed, nodes, shares, i, value):
    """Add the fields ``value`` of particle i to the nodes around it: the adjoint of ``gather``."""
    x, y, z = _along_x(nodes, i, packed), _along_x(nodes, 32 + i, packed), _along_x(nodes, 64 + i, packed)
    wx, wy, wz = four_of(shares, i), four_of(shares, 32 + i), four_of(shares, 64 + i)
    v = (value * wx[0], value * wx[1], value * wx[2], value * wx[3])
    _add_plane(fetch, keep, out, z[0], x, y, wz[0], wy, v)
    _add_plane(fetch, keep, out, z[1], x, y, wz[1], wy, v)
    _add_plane(fetch, keep, out, z[2], x, y, wz[2], wy, v)
    _add_plane(fetch, keep, out, z[3], x, y, wz[3], wy, v)


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


def numbers(fields):
    """All numbers of ``fields`` (N, N, N, L) as a flat array, and how many sites apart its rows and planes begin."""
    plane, row, site, _ = fields.stride()
    n, packed = fields.shape[0], fields.shape[-1]
    flat = fields.as_strided(((n - 1) * (plane + row + site) + packed,), (1,))
    return flat.numpy(), row // packed, plane // packed


def alike(fields, pitches):
    """``fields`` (N, N, N, L) such that its rows and planes begin so many sites apart; a copy if they do not."""
    (row, plane), n, packed = pitches, fields.shape[0], fields.shape[-1]
    if fields.stride() == (plane * packed, row * packed, packed, 1):
        return fields
    apart = fields.new_empty(n * plane * packed).as_strided(fields.shape, (plane * packed, row * packed, packed, 1))
    return apart.copy_(fields)
