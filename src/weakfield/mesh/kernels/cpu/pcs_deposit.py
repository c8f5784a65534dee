"""What particles leave on the spectral mesh (EQUATIONS 16.1, 16.2): weights, stress-energy and momentum at the nodes.

Deposits run slab by slab in two colours (``Particles.slabs``): no two threads touch the same plane, and every sum
has one order whatever the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.cpu.cells import wrapped
from weakfield.mesh.kernels.cpu.pcs_cells import (
    MARGIN,
    alike,
    deposit,
    exponential,
    find_nodes,
    four_of,
    gather,
    numbers,
    scratch,
    spread,
    spread_shifted,
)
from weakfield.mesh.kernels.cpu.projection import planes_to_fill
from weakfield.mesh.kernels.cpu.simd import (
    INLINE,
    PARALLEL,
    SERIAL,
    WIDTH,
    load,
    load4,
    load_rows,
    number,
    put,
    root,
    splat,
    store,
    store4,
    store_rows,
    store_vectors,
    transpose,
)
from weakfield.mesh.packed import D_PHI, D_PSI, METRIC_PHI, METRIC_PSI, PACKED, VECTOR


@njit(**INLINE)
def _add(out, at, value):
    put(out, at, number(out, at) + value)


@njit(**SERIAL)
def _fill_plane(out, n, row, begin, start):
    """The rows of the plane whose first site is ``begin`` to the fields ``start``."""
    packed = load(start, 0)
    for y in range(n):
        for site in range(begin + y * row, begin + y * row + n):
            store(out, site * WIDTH, packed)


@njit(**PARALLEL)
def _paint(column, row_start, u, shift, weight, weighted, scale, slabs, out):
    n, slab_count, count = out.shape[0], len(slabs) - 1, len(column)
    scale, shift, places, flat = out.dtype.type(scale), u.dtype.type(shift), u.reshape(-1), out.reshape(-1)
    for colour in range(min(slab_count, 2)):
        for pair in prange((slab_count + 1 - colour) // 2):
            slab = 2 * pair + colour
            cells, nodes, shares = scratch(u.dtype)
            rows, none = np.zeros(64, u.dtype), splat(out.dtype.type(0))
            for row in range(slabs[slab] * n, slabs[slab + 1] * n):
                z, y, end = row // n, row % n, row_start[row + 1]
                for p in range(row_start[row], end, WIDTH):
                    first = min(p, count - WIDTH)  # the last particles reach back
                    begin, stop = p - first, p - first + min(WIDTH, end - p)
                    spread_shifted(places, count, first, shift, cells, shares)
                    w = scale * load(weight, first) if weighted else splat(scale)
                    # the weight of a particle joins its shares along x
                    wx = w * load(shares, 0), w * load(shares, 8), w * load(shares, 16), w * load(shares, 24)
                    store_vectors(rows, 0, WIDTH, transpose((wx[0], wx[1], wx[2], wx[3], none, none, none, none)))
                    for i in range(begin, stop):
                        find_nodes(nodes, cells, i, number(column, first + i), y, z, n, n, n * n)
                        x0, x1, x2, x3 = four_of(nodes, i)
                        if x3 == x0 + 3:
                            four = load4(rows, 8 * i)
                            for k in range(64 + i, 96 + i, WIDTH):
                                to, wz = number(nodes, k) + x0, number(shares, k)
                                for j in range(32 + i, 64 + i, WIDTH):
                                    at = to + number(nodes, j)
                                    store4(flat, at, load4(flat, at) + wz * number(shares, j) * four)
                        else:
                            for k in range(64 + i, 96 + i, WIDTH):
                                for j in range(32 + i, 64 + i, WIDTH):
                                    at, w = number(nodes, k) + number(nodes, j), number(shares, k) * number(shares, j)
                                    _add(flat, at + x0, w * number(rows, 8 * i))
                                    _add(flat, at + x1, w * number(rows, 8 * i + 1))
                                    _add(flat, at + x2, w * number(rows, 8 * i + 2))
                                    _add(flat, at + x3, w * number(rows, 8 * i + 3))


@njit(**PARALLEL)
def _project(
    column, row_start, u, q, metric, present, synchronise, weight, a, scale, slabs, low, high, start, n, pitch_y,
    pitch_z, energies, kept, out,
):  # fmt: skip
    real = u.dtype.type
    a2, weight, scale, zero = real(a * a), real(weight), real(scale), real(0)
    places, momenta, count, slab_count = u.reshape(-1), q.reshape(-1), len(column), len(slabs) - 1
    for colour in range(min(slab_count, 2)):
        for pair in prange((slab_count + 1 - colour) // 2):
            slab = 2 * pair + colour
            cells, nodes, shares = scratch(u.dtype)
            rows = np.zeros(64, u.dtype)
            filled, last = planes_to_fill(slabs, slab, low, high)
            for row in range(slabs[slab] * n, slabs[slab + 1] * n):
                z, y, end = row // n, row % n, row_start[row + 1]
                # a plane is filled just before the first particle may add to it: it is in a cache then
                while filled <= last and (filled <= z + high + 1 or slab_count == 1):
                    _fill_plane(out, n, pitch_y, wrapped(filled, n) * pitch_z, start)
                    filled += 1
                for p in range(row_start[row], end, WIDTH):
                    first = min(p, count - WIDTH)  # the last particles reach back
                    begin, stop = p - first, p - first + min(WIDTH, end - p)
                    spread(places, count, first, cells, shares)
                    for i in range(begin, stop):
                        find_nodes(nodes, cells, i, number(column, first + i), y, z, n, pitch_y, pitch_z)
                    qx, qy, qz = (
                        load(momenta, first), load(momenta, count + first), load(momenta, 2 * count + first),
                    )  # fmt: skip
                    q2, e1 = qx * qx + qy * qy + qz * qz, splat(real(1))
                    if present:
                        if synchronise:
                            for i in range(begin, stop):
                                store(rows, 8 * i, gather(load, metric, PACKED, nodes, shares, i))
                        else:
                            for i in range(begin, stop):
                                store4(rows, 8 * i, gather(load4, metric, PACKED, nodes, shares, i))
                        at = load_rows(rows, 0, WIDTH)
                        e1 = exponential(at[METRIC_PHI], cells)
                        if synchronise:
                            squared = e1 * e1 * q2
                            energy = root(a2 + squared)
                            pull = weight * exponential(at[METRIC_PSI], cells)
                            slow = squared / energy
                            qx -= pull * (energy * at[D_PSI] + slow * at[D_PHI])
                            qy -= pull * (energy * at[D_PSI + 1] + slow * at[D_PHI + 1])
                            qz -= pull * (energy * at[D_PSI + 2] + slow * at[D_PHI + 2])
                            q2 = qx * qx + qy * qy + qz * qz
                    e2, s = e1 * e1, scale / root(q2 + a2)
                    sx, sy, sz = s * qx, s * qy, s * qz
                    t00 = scale * (e1 * e2) * root(a2 + e2 * q2)
                    store_rows(
                        rows, 0, WIDTH,
                        (t00, sx * qx, sy * qy, sz * qz, sx * qy, sx * qz, sy * qz,
                         splat(zero)),
                    )  # fmt: skip
                    if kept:
                        for i in range(begin, stop):
                            put(energies, first + i, number(rows, 8 * i))
                    for i in range(begin, stop):
                        deposit(load, store, out, PACKED, nodes, shares, i, load(rows, 8 * i))


@njit(**PARALLEL)
def _t0i(column, row_start, u, q, metric, present, scale, slabs, n, out):
    scale, zero = u.dtype.type(scale), u.dtype.type(0)
    places, momenta, count, slab_count = u.reshape(-1), q.reshape(-1), len(column), len(slabs) - 1
    for colour in range(min(slab_count, 2)):
        for pair in prange((slab_count + 1 - colour) // 2):
            slab = 2 * pair + colour
            cells, nodes, shares = scratch(u.dtype)
            rows = np.zeros(64, u.dtype)
            for row in range(slabs[slab] * n, slabs[slab + 1] * n):
                z, y, end = row // n, row % n, row_start[row + 1]
                for p in range(row_start[row], end, WIDTH):
                    first = min(p, count - WIDTH)  # the last particles reach back
                    begin, stop = p - first, p - first + min(WIDTH, end - p)
                    spread(places, count, first, cells, shares)
                    for i in range(begin, stop):
                        find_nodes(nodes, cells, i, number(column, first + i), y, z, n, n, n * n)
                    s, none = splat(scale), splat(zero)
                    if present:
                        for i in range(begin, stop):
                            store4(rows, 8 * i, gather(load4, metric, PACKED, nodes, shares, i))
                        at = load_rows(rows, 0, WIDTH)
                        e1 = exponential(at[METRIC_PHI], rows)
                        s = s * (e1 * e1 * e1) / exponential(at[METRIC_PSI], rows)
                    qx, qy, qz = (
                        load(momenta, first), load(momenta, count + first), load(momenta, 2 * count + first),
                    )  # fmt: skip
                    store_rows(rows, 0, WIDTH, (s * qx, s * qy, s * qz, none, none, none, none, none))
                    for i in range(begin, stop):
                        deposit(load4, store4, out, VECTOR, nodes, shares, i, load4(rows, 8 * i))


def paint_pcs(particles, weight=None, scale=1.0, out=None, start=0.0, shift=0.0):
    """See ``reference.pcs.paint_pcs``."""
    if len(particles) < WIDTH:
        return reference.paint_pcs(particles, weight, scale, out, start, shift)
    out = particles.displacement.new_empty((particles.grid,) * 3) if out is None else out
    out.fill_(start)
    weights = particles.displacement[0] if weight is None else weight
    _paint(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(), float(shift),
        weights.numpy(), weight is not None, scale, particles.slabs(MARGIN, shift)[0], out.numpy(),
    )  # fmt: skip
    return out


def project_pcs(particles, metric, weight, a, out, start=0.0, energies=None):
    """See ``reference.pcs.project_pcs``."""
    if len(particles) < WIDTH:
        return reference.project_pcs(particles, metric, weight, a, out, start, energies)
    present, (slabs, low, high) = metric is not None, particles.slabs(MARGIN)
    packed, *pitches = numbers(out)
    first = np.zeros(WIDTH, packed.dtype)
    first[0] = start
    _project(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), numbers(alike(metric, pitches))[0] if present else packed, present,
        present and weight != 0.0, float(weight), float(a), particles.mass * particles.grid**3 / a, slabs, low, high,
        first, particles.grid, *pitches, packed if energies is None else energies.numpy(), energies is not None, packed,
    )  # fmt: skip
    return out


def project_t0i_pcs(particles, metric, out):
    """See ``reference.pcs.project_t0i_pcs``."""
    if len(particles) < WIDTH:
        return reference.project_t0i_pcs(particles, metric, out)
    n, present = particles.grid, metric is not None
    summed = out.new_zeros((n, n, n, VECTOR))
    packed = summed.numpy().reshape(-1)
    _t0i(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), metric.contiguous().numpy().reshape(-1) if present else packed, present,
        particles.mass * n**3, particles.slabs(MARGIN)[0], n, packed,
    )  # fmt: skip
    return out.copy_(summed[..., :3].movedim(-1, 0))
