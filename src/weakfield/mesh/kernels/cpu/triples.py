"""Sums over sites of products of three fields, as small matrix products that stay in the cache.

For one field i, four fields j and four fields l the sixteen sums of a_i b_j c_l are formed together: eight numbers are
read for sixteen multiplications. Sites are taken in blocks, so that the products a_i b_j wait in the nearest cache.
The order of every sum is fixed by the shapes alone; a call runs on one thread and lets others run.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numba import njit

#: sites of a block: four rows of products and four of fields are 32 kB, the nearest cache
BLOCK = 512
#: fields of a side of a tile
SIDE = 4

# sums are split over vector lanes, in a way fixed when the kernel is compiled
OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}


@njit(**OPTIONS)
def _tile(w, c, first, begin, count, out):
    c0, c1, c2, c3 = c[first], c[first + 1], c[first + 2], c[first + 3]
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
    for x in range(count):
        p0, p1, p2, p3 = w0[x], w1[x], w2[x], w3[x]
        q0, q1, q2, q3 = c0[begin + x], c1[begin + x], c2[begin + x], c3[begin + x]
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
                for x in range(count):
                    w[row, x] = a[i, begin + x] * b[j + row, begin + x]
            for tile in range(start, stop):
                _tile(w, c, tiles[tile], begin, count, out[tile])


def tiling(triangles, shells):
    """Tiles of 4 x 4 sums that cover the triangles (T, 3) of so many shells (four or more).

    Returns ``blocks`` (i, first j, first tile, end of tiles), ``tiles`` (first l), and where in (tiles, 16) flattened
    the sum of each triangle lies.
    """
    last = shells - SIDE
    blocks, tiles = [], []
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


@lru_cache(maxsize=32)
def _tiling(content, shells):
    return tiling(np.frombuffer(content, dtype=np.int64).reshape(-1, 3), shells)


def triple_sums(a, b, c, triangles):
    """See ``reference.triples.triple_sums``."""
    blocks, tiles, place = _tiling(np.ascontiguousarray(triangles, dtype=np.int64).tobytes(), max(len(b), SIDE))
    a, b, c = (_at_least(field.numpy(), SIDE) for field in (a, b, c))
    out = np.zeros((len(tiles), SIDE * SIDE))
    accumulate(a, b, c, blocks, tiles, out)
    return torch.from_numpy(out.ravel()[place])


def _at_least(fields, rows):
    return fields if len(fields) >= rows else np.concatenate([fields, np.zeros((rows - len(fields), fields.shape[1]))])
