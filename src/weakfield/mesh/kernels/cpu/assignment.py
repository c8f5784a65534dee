"""Cloud-in-cell painting and reading, and the lattice gradient at a particle (EQUATIONS 4, 6.1).

Deposits run slab by slab in two colours (``Particles.slabs``): no two threads touch the same plane, and every sum
has one order whatever the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.cpu.cells import corners, locate, split_places
from weakfield.mesh.kernels.cpu.simd import INLINE, PARALLEL, WIDTH, load, number, put, splat, store_vectors


@njit(**INLINE)
def _add(out, at, value):
    put(out, at, number(out, at) + value)


@njit(**PARALLEL)
def _paint(column, row_start, u, weight, weighted, scale, slabs, out):
    n, slab_count, count = out.shape[0], len(slabs) - 1, len(column)
    one, scale, places = out.dtype.type(1), out.dtype.type(scale), u.reshape(-1)
    for colour in range(min(slab_count, 2)):
        for pair in prange((slab_count + 1 - colour) // 2):
            slab = 2 * pair + colour
            cells, shares = np.empty(48, u.dtype), np.zeros(64, u.dtype)
            for row in range(slabs[slab] * n, slabs[slab + 1] * n):
                z, y, end = row // n, row % n, row_start[row + 1]
                for p in range(row_start[row], end, WIDTH):
                    first = min(p, count - WIDTH)  # the last particles reach back
                    begin, stop = p - first, p - first + min(WIDTH, end - p)
                    split_places(places, count, first, cells)
                    fx, fy, fz = load(cells, 24), load(cells, 32), load(cells, 40)
                    gx, gy, gz = one - fx, one - fy, one - fz
                    w = scale * load(weight, first) if weighted else splat(scale)
                    wg, wf = w * gx, w * fx
                    store_vectors(
                        shares, 0, WIDTH,
                        (wg * gy * gz, wf * gy * gz, wg * fy * gz, wf * fy * gz, wg * gy * fz, wf * gy * fz,
                         wg * fy * fz, wf * fy * fz),
                    )  # fmt: skip
                    for i in range(begin, stop):
                        r00, r01, r10, r11, x0, x1 = corners(number(column, first + i), y, z, cells, i, n)
                        _add(out, r00 + x0, number(shares, i))
                        _add(out, r00 + x1, number(shares, 8 + i))
                        _add(out, r01 + x0, number(shares, 16 + i))
                        _add(out, r01 + x1, number(shares, 24 + i))
                        _add(out, r10 + x0, number(shares, 32 + i))
                        _add(out, r10 + x1, number(shares, 40 + i))
                        _add(out, r11 + x0, number(shares, 48 + i))
                        _add(out, r11 + x1, number(shares, 56 + i))


@njit(**PARALLEL)
def _read(column, row_start, u, field, out):
    n = field.shape[0]
    one = field.dtype.type(1)
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            row = z * n + y
            for p in range(row_start[row], row_start[row + 1]):
                x0, x1, fx = locate(column[p], u[0, p], n)
                y0, y1, fy = locate(y, u[1, p], n)
                z0, z1, fz = locate(z, u[2, p], n)
                low = (one - fy) * ((one - fx) * field[z0, y0, x0] + fx * field[z0, y0, x1]) + fy * (
                    (one - fx) * field[z0, y1, x0] + fx * field[z0, y1, x1]
                )
                high = (one - fy) * ((one - fx) * field[z1, y0, x0] + fx * field[z1, y0, x1]) + fy * (
                    (one - fx) * field[z1, y1, x0] + fx * field[z1, y1, x1]
                )
                out[p] = (one - fz) * low + fz * high


@njit(**PARALLEL)
def _gradient(column, row_start, u, field, out):
    n = field.shape[0]
    one = field.dtype.type(1)
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            row = z * n + y
            for p in range(row_start[row], row_start[row + 1]):
                x0, x1, fx = locate(column[p], u[0, p], n)
                y0, y1, fy = locate(y, u[1, p], n)
                z0, z1, fz = locate(z, u[2, p], n)
                f000, f001 = field[z0, y0, x0], field[z0, y0, x1]
                f010, f011 = field[z0, y1, x0], field[z0, y1, x1]
                f100, f101 = field[z1, y0, x0], field[z1, y0, x1]
                f110, f111 = field[z1, y1, x0], field[z1, y1, x1]
                gx, gy, gz = one - fx, one - fy, one - fz
                out[0, p] = gz * (gy * (f001 - f000) + fy * (f011 - f010)) + fz * (
                    gy * (f101 - f100) + fy * (f111 - f110)
                )
                out[1, p] = gz * (gx * (f010 - f000) + fx * (f011 - f001)) + fz * (
                    gx * (f110 - f100) + fx * (f111 - f101)
                )
                out[2, p] = gy * (gx * (f100 - f000) + fx * (f101 - f001)) + fy * (
                    gx * (f110 - f010) + fx * (f111 - f011)
                )


def paint(particles, weight=None, scale=1.0, out=None, start=0.0):
    """See ``reference.assignment.paint``."""
    if len(particles) < WIDTH:
        return reference.paint(particles, weight, scale, out, start)
    out = particles.displacement.new_empty((particles.grid,) * 3) if out is None else out
    out.fill_(start)
    weights = particles.displacement[0] if weight is None else weight
    _paint(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(), weights.numpy(),
        weight is not None, scale, particles.slabs()[0], out.numpy(),
    )  # fmt: skip
    return out


def read(particles, field):
    """See ``reference.assignment.read``."""
    out = field.new_empty(len(particles))
    _read(
        particles.column.numpy(),
        particles.row_start.numpy(),
        particles.displacement.numpy(),
        field.numpy(),
        out.numpy(),
    )
    return out


def gradient(particles, field):
    """See ``reference.assignment.gradient``."""
    out = field.new_empty((3, len(particles)))
    _gradient(
        particles.column.numpy(),
        particles.row_start.numpy(),
        particles.displacement.numpy(),
        field.numpy(),
        out.numpy(),
    )
    return out
