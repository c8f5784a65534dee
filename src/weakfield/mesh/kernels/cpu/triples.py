"""Shells of modes laid onto a grid, and sums over sites of products of three fields.

The sums are small matrix products that stay in the cache.

For one field i, four fields j and four fields l the sixteen sums of a_i b_j c_l are formed together: eight numbers are
read for sixteen multiplications. Sites are taken in blocks, so that the products a_i b_j wait in the nearest cache.
The order of every sum is fixed by the shapes alone; a call runs on one thread and lets others run.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

#: sites of a block: four rows of products and four of fields are 32 kB, the nearest cache
BLOCK = 512
#: fields of a side of a tile
SIDE = 4

# sums are split over vector lanes, in a way fixed when the kernel is compiled
OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}


@njit(**OPTIONS)
def _tile(w, c, first, begin, count, out):
    end = begin + count  # slices from 0: no index can be negative, which would keep the loop from vectors
    c0, c1 = c[first, begin:end], c[first + 1, begin:end]
    c2, c3 = c[first + 2, begin:end], c[first + 3, begin:end]
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
    for x in range(count):
        p0, p1, p2, p3 = w0[x], w1[x], w2[x], w3[x]
        q0, q1, q2, q3 = c0[x], c1[x], c2[x], c3[x]
        s00 += p0 * q0
        s01 += p0 * q1
        s02 += p0 * q2
        s03 += p0 * q3
        s10 += p1 * q0
        s11 += p1 * q1
        s12 += p1 * q2
        s13 += p1 * q3
        s20 += p2 * q0
        s21 += p2 * q1
        s22 += p2 * q2
        s23 += p2 * q3
        s30 += p3 * q0
        s31 += p3 * q1
        s32 += p3 * q2
        s33 += p3 * q3
    out[0] += s00
    out[1] += s01
    out[2] += s02
    out[3] += s03
    out[4] += s10
    out[5] += s11
    out[6] += s12
    out[7] += s13
    out[8] += s20
    out[9] += s21
    out[10] += s22
    out[11] += s23
    out[12] += s30
    out[13] += s31
    out[14] += s32
    out[15] += s33


@njit(**OPTIONS)
def accumulate(a, b, c, blocks, tiles, out):
    """Add the sums over all sites to ``out`` (tiles, 16), for ``blocks`` and ``tiles`` of ``tiling``."""
    w = np.empty((SIDE, BLOCK))
    for begin in range(0, a.shape[1], BLOCK):
        count = min(BLOCK, a.shape[1] - begin)
        for block in range(len(blocks)):
            i, j, start, stop = blocks[block]
            for row in range(SIDE):
                first, second, product = a[i, begin : begin + count], b[j + row, begin : begin + count], w[row]
                for x in range(count):
                    product[x] = first[x] * second[x]
            for tile in range(start, stop):
                _tile(w, c, tiles[tile], begin, count, out[tile])


@njit(**OPTIONS)
def lay_out(z, y, x, values, start, stop, phases, compact, out):
    """Shells of modes of the half axis as spectra of a grid, ``out`` (shells, size, rows, columns) [z, y, x].

    ``z``, ``y``, ``x``, ``values`` (modes,), of which shell s has ``start[s]`` to ``stop[s]``; ``phases`` by x + y + z
    from its least to its largest value. Rows are the whole axis of the grid or, if ``compact``, wavenumbers from -c to
    c. Modes for which the half axis of the grid has no column are represented by their partners at -k.
    """
    size, rows = out.shape[1], out.shape[2]
    middle, reach = (rows - 1) // 2, (len(phases) - 1) // 2
    out[:] = 0
    for shell in range(len(start)):
        for mode in range(start[shell], stop[shell]):
            value = values[mode] * phases[x[mode] + y[mode] + z[mode] + reach]
            column = x[mode] % size
            if 2 * column <= size:
                row = y[mode] + middle if compact else y[mode] % size
                out[shell, z[mode] % size, row, column] += value
            column = (size - column) % size
            if x[mode] > 0 and 2 * column <= size:
                row = middle - y[mode] if compact else -y[mode] % size
                out[shell, -z[mode] % size, row, column] += value.conjugate()


def tiling(triangles: Integers, shells: int) -> tuple[Integers, Integers, Integers]:
    """Tiles of 4 x 4 sums that cover the triangles (T, 3) of so many shells (four or more).

    Returns ``blocks`` (i, first j, first tile, end of tiles), ``tiles`` (first l), and where in (tiles, 16) flattened
    the sum of each triangle lies.
    """
    return _tiling(np.ascontiguousarray(triangles, dtype=np.int64).tobytes(), shells)


@lru_cache(maxsize=64)
def _tiling(content: bytes, shells: int) -> tuple[Integers, Integers, Integers]:
    triangles = np.frombuffer(content, dtype=np.int64).reshape(-1, 3)
    last = shells - SIDE
    blocks: list[tuple[int, int, int, int]] = []
    tiles: list[int] = []
    place = np.empty(len(triangles), dtype=np.int64)
    for i in np.unique(triangles[:, 0]):
        rows = np.flatnonzero(triangles[:, 0] == i)
        while len(rows):
            j = min(triangles[rows, 1].min(), last)
            inside = triangles[rows, 1] < j + SIDE
            now, rows = rows[inside], rows[~inside]
            start = len(tiles)
            while len(now):
                k = min(triangles[now, 2].min(), last)
                inside = triangles[now, 2] < k + SIDE
                done, now = now[inside], now[~inside]
                place[done] = 16 * len(tiles) + SIDE * (triangles[done, 1] - j) + triangles[done, 2] - k
                tiles.append(k)
            blocks.append((i, j, start, len(tiles)))
    return np.array(blocks, dtype=np.int64).reshape(-1, 4), np.array(tiles, dtype=np.int64), place


@njit(**OPTIONS)
def _gather(raw, n, z, y, x, inverse, out):
    for mode in range(len(out)):
        az, ay = abs(z[mode]), abs(y[mode])
        out[mode] = raw[z[mode] % n, y[mode] % n, x[mode]] * (inverse[az] * inverse[ay] * inverse[x[mode]])


def gather(
    raw: NDArray[np.complex128], z: NDArray[np.int32], y: NDArray[np.int32], x: NDArray[np.int32], inverse: Reals
) -> NDArray[np.complex128]:
    """``raw`` (N, N, N//2+1) at modes (modes,) with signed ``z``, ``y`` and ``x`` >= 0, times ``inverse`` of each
    |component|."""
    out = np.empty(len(x), dtype=np.complex128)
    _gather(raw, len(raw), z, y, x, inverse, out)
    return out


def triple_sums(a: Reals, b: Reals, c: Reals, triangles: Integers) -> Reals:
    """sum_x a_i b_j c_l for every row (i, j, l) of ``triangles``, (T,); fields (shells, sites)."""
    blocks, tiles, place = tiling(triangles, max(len(b), SIDE))
    a, b, c = (_at_least(fields, SIDE) for fields in (a, b, c))
    out = np.zeros((len(tiles), SIDE * SIDE))
    accumulate(a, b, c, blocks, tiles, out)
    return np.asarray(out.ravel()[place])


def _at_least(fields: Reals, rows: int) -> Reals:
    return fields if len(fields) >= rows else np.concatenate([fields, np.zeros((rows - len(fields), fields.shape[1]))])
