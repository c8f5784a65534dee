"""Stress-energy of particles on the mesh (EQUATIONS 4): T00, T_ij and T0_i with the metric at the receiving site."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.cpu.cells import above, at_corners, locate, slopes, split_places, wrapped
from weakfield.mesh.kernels.cpu.simd import (
    INLINE,
    PARALLEL,
    SERIAL,
    WIDTH,
    load,
    number,
    root,
    splat,
    store,
    store_rows,
)

#: by field T00 XX YY ZZ XY XZ YZ (and none): along which axes it is shared linearly, and which metric it sees
_KINDS = np.array(
    [
        [1, 1, 1, 1, 0, 0, 1, 0],  # linear along x; XY and XZ go to the nearest x
        [1, 1, 1, 1, 0, 1, 0, 0],  # along y
        [1, 1, 1, 1, 1, 0, 0, 0],  # along z
        [1, 1, 1, 1, 0, 0, 0, 0],  # sees phi of the node
        [0, 0, 0, 0, 0.25, 0, 0, 0],  # the mean of phi over the plaquette xy
        [0, 0, 0, 0, 0, 0.25, 0, 0],  # xz
        [0, 0, 0, 0, 0, 0, 0.25, 0],  # yz
        [1, 0, 0, 0, 0, 0, 0, 0],  # has a term in phi^2
    ],
    dtype=np.float64,
).ravel()


@njit(**SERIAL)
def _fill_plane(out, n, z, start):
    """Plane z (periodic) of ``out`` to the fields ``start``."""
    begin, packed = wrapped(z, n) * n * n, load(start, 0)
    for site in range(begin, begin + n * n):
        store(out, site * WIDTH, packed)


@njit(**SERIAL)
def planes_to_fill(slabs, slab, low, high):
    """First and last plane that the deposit of a slab has to fill: slabs of the first colour fill all they touch."""
    if len(slabs) == 2:
        return 0, slabs[1] - 1
    if slab % 2 == 0:
        return slabs[slab] + low, slabs[slab + 1] + high
    return slabs[slab] + high + 1, slabs[slab + 1] + low - 1


@njit(**INLINE)
def _add(out, at, value):
    """Add the fields of one site."""
    store(out, at, load(out, at) + value)


@njit(**INLINE)
def _share(out, phi, n, x, y, z, fx, fy, fz, kinds, flat, linear, square):
    """Add flat + phi linear + phi^2 square of a particle in cell x, y, z to the eight sites around it.

    phi is that of the site, on plaquettes the mean of their four corners.
    """
    x0, y0, z0 = wrapped(x, n), wrapped(y, n), wrapped(z, n)
    x1, y1, z1 = above(x0, n), above(y0, n), above(z0, n)
    r00, r01, r10, r11 = (z0 * n + y0) * n, (z0 * n + y1) * n, (z1 * n + y0) * n, (z1 * n + y1) * n
    p000, p001, p010, p011, p100, p101, p110, p111 = at_corners(phi, r00, r01, r10, r11, x0, x1)
    a00, a01, a10, a11 = p000 + p001, p010 + p011, p100 + p101, p110 + p111
    xy, xz, yz = load(kinds, 32), load(kinds, 40), load(kinds, 48)
    xy0, xy1 = xy * (a00 + a01), xy * (a10 + a11)
    xz0, xz1 = xz * (a00 + a10), xz * (a01 + a11)
    yz0, yz1 = yz * (p000 + p010 + (p100 + p110)), yz * (p001 + p011 + (p101 + p111))
    nodes, one = load(kinds, 24), phi.dtype.type(1)
    vx, vy, vz = load(kinds, 0) * fx, load(kinds, 8) * fy, load(kinds, 16) * fz
    wx, wy, wz = one - vx, one - vy, one - vz
    x0, x1 = 8 * x0, 8 * x1
    m, w = xy0 + xz0, wz * wy
    row, m0, m1 = r00 * 8, m + yz0 + nodes * p000, m + yz1 + nodes * p001
    _add(out, row + x0, w * wx * (flat + m0 * (linear + m0 * square)))
    _add(out, row + x1, w * vx * (flat + m1 * (linear + m1 * square)))
    m, w = xy0 + xz1, wz * vy
    row, m0, m1 = r01 * 8, m + yz0 + nodes * p010, m + yz1 + nodes * p011
    _add(out, row + x0, w * wx * (flat + m0 * (linear + m0 * square)))
    _add(out, row + x1, w * vx * (flat + m1 * (linear + m1 * square)))
    m, w = xy1 + xz0, vz * wy
    row, m0, m1 = r10 * 8, m + yz0 + nodes * p100, m + yz1 + nodes * p101
    _add(out, row + x0, w * wx * (flat + m0 * (linear + m0 * square)))
    _add(out, row + x1, w * vx * (flat + m1 * (linear + m1 * square)))
    m, w = xy1 + xz1, vz * vy
    row, m0, m1 = r11 * 8, m + yz0 + nodes * p110, m + yz1 + nodes * p111
    _add(out, row + x0, w * wx * (flat + m0 * (linear + m0 * square)))
    _add(out, row + x1, w * vx * (flat + m1 * (linear + m1 * square)))


@njit(**PARALLEL)
def _stress_energy(
    column, row_start, u, q, phi, potential, synchronise, weight, a, scale, second, slabs, low, high, start, kinds, out
):  # fmt: skip
    n = phi.shape[0]
    real = u.dtype.type
    half, three, four, zero = real(0.5), real(3), real(4), real(0)
    scale, a2, weight = real(scale), real(a * a), real(weight)
    places, momenta, count, slab_count = u.reshape(-1), q.reshape(-1), len(column), len(slabs) - 1
    for colour in range(min(slab_count, 2)):
        for pair in prange((slab_count + 1 - colour) // 2):
            slab = 2 * pair + colour
            cells, pull, rows = np.empty(48, u.dtype), np.zeros(24, u.dtype), np.zeros(192, u.dtype)
            t00 = load(kinds, 56)
            filled, last = planes_to_fill(slabs, slab, low, high)
            for row in range(slabs[slab] * n, slabs[slab + 1] * n):
                z, y, end = row // n, row % n, row_start[row + 1]
                # a plane is filled just before the first particle may add to it: it is in a cache then
                while filled <= last and (filled <= z + high + 1 or slab_count == 1):
                    _fill_plane(out, n, filled, start)
                    filled += 1
                for p in range(row_start[row], end, WIDTH):
                    first = min(p, count - WIDTH)  # the last particles reach back
                    begin, stop = p - first, p - first + min(WIDTH, end - p)
                    split_places(places, count, first, cells)
                    qx, qy, qz = (
                        load(momenta, first), load(momenta, count + first), load(momenta, 2 * count + first),
                    )  # fmt: skip
                    if synchronise:
                        for i in range(begin, stop):
                            x0 = wrapped(column[first + i] + np.int64(cells[i]), n)
                            y0, z0 = wrapped(y + np.int64(cells[8 + i]), n), wrapped(z + np.int64(cells[16 + i]), n)
                            pull[i], pull[8 + i], pull[16 + i] = slopes(
                                potential, x0, y0, z0, above(x0, n), above(y0, n), above(z0, n), cells[24 + i],
                                cells[32 + i], cells[40 + i],
                            )  # fmt: skip
                        qx, qy, qz = (
                            qx - weight * load(pull, 0), qy - weight * load(pull, 8), qz - weight * load(pull, 16),
                        )  # fmt: skip
                    q2 = qx * qx + qy * qy + qz * qz
                    e2 = q2 + a2
                    energy, still = root(e2), a2 / e2
                    f1, f = three * energy + q2 / energy, four + still
                    s = scale / energy
                    sx, sy, sz, none = s * qx, s * qy, s * qz, splat(zero)
                    xx, yy, zz, xy, xz, yz = sx * qx, sy * qy, sz * qz, sx * qy, sx * qz, sy * qz
                    store_rows(rows, 0, WIDTH, (scale * energy, xx, yy, zz, xy, xz, yz, none))
                    store_rows(rows, 64, WIDTH, (scale * f1, f * xx, f * yy, f * zz, f * xy, f * xz, f * yz, none))
                    store(rows, 128, s * (half * f1 * f1 + q2 * still) if second else none)
                    for i in range(begin, stop):
                        _share(
                            out, phi, n, number(column, first + i) + np.int64(number(cells, i)),
                            y + np.int64(number(cells, 8 + i)), z + np.int64(number(cells, 16 + i)),
                            number(cells, 24 + i), number(cells, 32 + i), number(cells, 40 + i), kinds,
                            load(rows, 8 * i), load(rows, 64 + 8 * i), t00 * number(rows, 128 + i),
                        )  # fmt: skip


@njit(**PARALLEL)
def _t0i(column, row_start, u, q, phi, scale, slabs, out):
    n = phi.shape[0]
    count = len(slabs) - 1
    one, scale = out.dtype.type(1), out.dtype.type(scale)
    for colour in range(min(count, 2)):
        for pair in prange((count + 1 - colour) // 2):
            slab = 2 * pair + colour
            for z in range(slabs[slab], slabs[slab + 1]):
                for y in range(n):
                    row = z * n + y
                    for p in range(row_start[row], row_start[row + 1]):
                        x0, x1, fx = locate(column[p], u[0, p], n)
                        y0, y1, fy = locate(y, u[1, p], n)
                        z0, z1, fz = locate(z, u[2, p], n)
                        gx, gy, gz = one - fx, one - fy, one - fz
                        p000, p001 = phi[z0, y0, x0], phi[z0, y0, x1]
                        p010, p011 = phi[z0, y1, x0], phi[z0, y1, x1]
                        p100, p101 = phi[z1, y0, x0], phi[z1, y0, x1]
                        p110, p111 = phi[z1, y1, x0], phi[z1, y1, x1]
                        s = scale * q[0, p]
                        out[0, z0, y0, x0] += s * gy * gz * (one + p000 + p001)
                        out[0, z0, y1, x0] += s * fy * gz * (one + p010 + p011)
                        out[0, z1, y0, x0] += s * gy * fz * (one + p100 + p101)
                        out[0, z1, y1, x0] += s * fy * fz * (one + p110 + p111)
                        s = scale * q[1, p]
                        out[1, z0, y0, x0] += s * gx * gz * (one + p000 + p010)
                        out[1, z0, y0, x1] += s * fx * gz * (one + p001 + p011)
                        out[1, z1, y0, x0] += s * gx * fz * (one + p100 + p110)
                        out[1, z1, y0, x1] += s * fx * fz * (one + p101 + p111)
                        s = scale * q[2, p]
                        out[2, z0, y0, x0] += s * gx * gy * (one + p000 + p100)
                        out[2, z0, y0, x1] += s * fx * gy * (one + p001 + p101)
                        out[2, z0, y1, x0] += s * gx * fy * (one + p010 + p110)
                        out[2, z0, y1, x1] += s * fx * fy * (one + p011 + p111)


def project_stress_energy(particles, phi, potential, weight, a, second_order, out, start=0.0):
    """See ``reference.projection.project_stress_energy``."""
    if len(particles) < WIDTH:
        return reference.project_stress_energy(particles, phi, potential, weight, a, second_order, out, start)
    synchronise = potential is not None
    slabs, low, high = particles.slabs()
    first = np.zeros(WIDTH, phi.numpy().dtype)
    first[0] = start
    _stress_energy(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), phi.numpy(), (potential if synchronise else phi).numpy(), synchronise,
        weight * particles.grid, a, particles.mass * particles.grid**3 / a, second_order, slabs, low, high, first,
        _KINDS.astype(phi.numpy().dtype), out.numpy().reshape(-1),
    )  # fmt: skip
    return out


def project_t0i(particles, phi, out):
    """See ``reference.projection.project_t0i``."""
    _t0i(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), phi.numpy(), particles.mass * particles.grid**3,
        particles.slabs()[0], out.zero_().numpy(),
    )  # fmt: skip
    return out
