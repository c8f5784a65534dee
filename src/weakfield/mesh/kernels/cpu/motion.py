"""Kick and drift of particles under both theories (EQUATIONS 6, 8)."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.cpu.cells import (
    above,
    bilinear,
    corners,
    differences,
    linear,
    split_places,
    wrapped,
    write_back,
)
from weakfield.mesh.kernels.cpu.simd import INLINE, PARALLEL, SERIAL, WIDTH, load, load_rows, number, put, root, store
from weakfield.mesh.kernels.cpu.sources import HALO, pack_metric, pack_plane
from weakfield.mesh.packed import BX, BY, BZ, CHI, LX, LY, LZ, PHI
from weakfield.mesh.threads import current_threads

#: by field of the metric: along which axes it is linear; B_i is of the nearest link along i
_LINEAR = np.array(
    [
        [1, 1, 0, 1, 1, 1, 1, 1],  # x
        [1, 1, 1, 0, 1, 1, 1, 1],  # y
        [1, 1, 1, 1, 0, 1, 1, 1],  # z
    ],
    dtype=np.float64,
).ravel()


@njit(**PARALLEL)
def _newton(column, row_start, u, q, potential, kick, drift):
    n, count = potential.shape[0], len(column)
    kick, drift = u.dtype.type(kick), u.dtype.type(drift)
    places, momenta = u.reshape(-1), q.reshape(-1)
    for plane in prange(n):
        z = np.int64(plane)
        cells, f = np.empty(48, u.dtype), np.zeros(64, u.dtype)
        for row in range(z * n, (z + 1) * n):
            y, end = row - z * n, row_start[row + 1]
            for p in range(row_start[row], end, WIDTH):
                first = min(p, count - WIDTH)  # the last particles reach back
                begin, stop = p - first, p - first + min(WIDTH, end - p)
                ux, uy, uz = split_places(places, count, first, cells)
                for i in range(begin, stop):
                    r00, r01, r10, r11, x0, x1 = corners(number(column, first + i), y, z, cells, i, n)
                    put(f, i, number(potential, r00 + x0))
                    put(f, 8 + i, number(potential, r00 + x1))
                    put(f, 16 + i, number(potential, r01 + x0))
                    put(f, 24 + i, number(potential, r01 + x1))
                    put(f, 32 + i, number(potential, r10 + x0))
                    put(f, 40 + i, number(potential, r10 + x1))
                    put(f, 48 + i, number(potential, r11 + x0))
                    put(f, 56 + i, number(potential, r11 + x1))
                gx, gy, gz = differences(
                    load(f, 0), load(f, 8), load(f, 16), load(f, 24), load(f, 32), load(f, 40), load(f, 48),
                    load(f, 56), load(cells, 24), load(cells, 32), load(cells, 40),
                )  # fmt: skip
                qx, qy, qz = (
                    load(momenta, first) - kick * gx, load(momenta, count + first) - kick * gy,
                    load(momenta, 2 * count + first) - kick * gz,
                )  # fmt: skip
                write_back(momenta, count, first, begin, stop, qx, qy, qz, cells)
                write_back(places, count, first, begin, stop, ux + drift * qx, uy + drift * qy, uz + drift * qz, cells)


@njit(**INLINE)
def _fields_at(metric, base, planes, n, x, y, z, fx, fy, fz, along_x, along_y, along_z, out, at):
    """All fields of a site at a particle of cell x, y, z: differences along x, y and z, and values, into ``out``.

    z counts ``planes`` planes that lie at ``metric[base:]`` and of which the first follows the last.
    """
    x0, y0, z0 = wrapped(x, n), wrapped(y, n), wrapped(z, planes)
    x1, y1, z1 = above(x0, n) * 8, above(y0, n), above(z0, planes)
    x0 *= 8
    vx, vy, vz = along_x * fx, along_y * fy, along_z * fz
    low, high = base + (z0 * n + y0) * n * 8, base + (z0 * n + y1) * n * 8
    f000, f001, f010, f011 = (
        load(metric, low + x0), load(metric, low + x1), load(metric, high + x0), load(metric, high + x1),
    )  # fmt: skip
    low, high = base + (z1 * n + y0) * n * 8, base + (z1 * n + y1) * n * 8
    f100, f101, f110, f111 = (
        load(metric, low + x0), load(metric, low + x1), load(metric, high + x0), load(metric, high + x1),
    )  # fmt: skip
    # differences before anything is interpolated: in single precision those of interpolated values are too rough
    d00, d01, d10, d11 = f001 - f000, f011 - f010, f101 - f100, f111 - f110
    store(out, at, bilinear(d00, d01, d10, d11, vy, vz))
    low_y, high_y = linear(f010 - f000, f011 - f001, vx), linear(f110 - f100, f111 - f101, vx)
    store(out, at + 64, linear(low_y, high_y, vz))
    dz = bilinear(f100 - f000, f101 - f001, f110 - f010, f111 - f011, vx, vy)
    store(out, at + 128, dz)
    store(out, at + 192, f000 + vx * d00 + vy * low_y + vz * dz)


@njit(**SERIAL)
def _pack_ahead(phi, chi, b, ready, last, first, planes, halo, metric, base):
    """The metric of planes ``ready`` to ``last`` into the ring at ``metric[base:]`` that began with ``first``."""
    n = phi.shape[0]
    while ready <= last:
        at = base + (ready - first) % planes * n * n * 8
        pack_plane(phi, chi, b, wrapped(ready, n), halo, False, metric, at)
        ready += 1
    return ready


@njit(**PARALLEL)
def _gr(
    column, row_start, u, q, metric, planes, phi, chi, b, low, high, a, a_half, kick, drift, second, kick_dragging,
    drift_metric, linear_along, threads, n,
):  # fmt: skip
    """Every thread moves the particles of its planes of rest cells.

    With fewer ``planes`` than n the metric is put together from phi, chi and B just ahead of the particles: a thread
    has so many planes of ``metric`` for itself; planes z + low to z + high + 1 lie there when particles of z move.
    """
    real = u.dtype.type
    one, three, four = real(1), real(3), real(4)
    # energies over a: numbers that are the same for all particles are rounded to single precision once a step
    a2, half2, pull, stride = real(a * a), real(a_half * a_half), real(kick * a), real(drift / a_half)
    per_dragging, shift = real(1 / (n * a * a * a)), real(drift / (n * a_half * a_half))
    along_x, along_y, along_z = load(linear_along, 0), load(linear_along, 8), load(linear_along, 16)
    places, momenta = u.reshape(-1), q.reshape(-1)
    count = len(column)
    for thread in prange(threads):
        cells, sites, halo = np.empty(48, u.dtype), np.zeros(256, u.dtype), np.zeros((1, n + 2 * HALO), u.dtype)
        start, plane = thread * n // threads, n * n * 8
        base, ready, z = (thread * planes * plane if planes < n else 0), start + low, start
        for row in range(start * n, (thread + 1) * n // threads * n):
            if row == (z + 1) * n:
                z += 1
            origin = z
            if planes < n:
                ready = _pack_ahead(phi, chi, b, ready, z + high + 1, start + low, planes, halo, metric, base)
                origin = (z - start) % planes - low
            y, end = row - z * n, row_start[row + 1]
            for p in range(row_start[row], end, WIDTH):
                first = min(p, count - WIDTH)  # the last particles reach back
                begin, stop = p - first, p - first + min(WIDTH, end - p)
                ux, uy, uz = split_places(places, count, first, cells)
                for i in range(begin, stop):
                    _fields_at(
                        metric, base, planes, n, number(column, first + i) + np.int64(number(cells, i)),
                        y + np.int64(number(cells, 8 + i)), origin + np.int64(number(cells, 16 + i)),
                        number(cells, 24 + i), number(cells, 32 + i), number(cells, 40 + i), along_x, along_y, along_z,
                        sites, 8 * i,
                    )  # fmt: skip
                # from here on eight particles side by side
                dx, dy = load_rows(sites, 0, WIDTH), load_rows(sites, 64, WIDTH)
                dz, value = load_rows(sites, 128, WIDTH), load_rows(sites, 192, WIDTH)
                qx, qy, qz = (
                    load(momenta, first), load(momenta, count + first), load(momenta, 2 * count + first),
                )  # fmt: skip
                q2 = qx * qx + qy * qy + qz * qz
                boost = q2 / a2 + one  # (E / a)^2
                energy, slowness = root(boost), q2 / (q2 + a2)
                weight = one + slowness
                if second:  # EQUATIONS 13.1 (iv)
                    weight = four * value[PHI] * slowness + (one + value[PHI] / boost) * weight
                fall_x, fall_y, fall_z = (
                    weight * dx[PHI] - dx[CHI], weight * dy[PHI] - dy[CHI], weight * dz[PHI] - dz[CHI],
                )  # fmt: skip
                if kick_dragging:
                    dragging = per_dragging / energy
                    fall_x += dragging * (qx * value[LX] + qy * dx[BY] + qz * dx[BZ])
                    fall_y += dragging * (qx * dy[BX] + qy * value[LY] + qz * dy[BZ])
                    fall_z += dragging * (qx * dz[BX] + qy * dz[BY] + qz * value[LZ])
                energy *= pull
                qx, qy, qz = qx - energy * fall_x, qy - energy * fall_y, qz - energy * fall_z
                q2 = qx * qx + qy * qy + qz * qz
                speed = stride / root(q2 / half2 + one)
                step_x, step_y, step_z = qx * speed, qy * speed, qz * speed
                if drift_metric:
                    speed *= one + (three - q2 / (q2 + half2)) * value[PHI] - value[CHI]
                    # added up before they meet the position, beside which the shift alone would be rounded away
                    step_x, step_y, step_z = (
                        qx * speed + shift * value[BX], qy * speed + shift * value[BY], qz * speed + shift * value[BZ],
                    )  # fmt: skip
                ux, uy, uz = ux + step_x, uy + step_y, uz + step_z
                write_back(momenta, count, first, begin, stop, qx, qy, qz, cells)
                write_back(places, count, first, begin, stop, ux, uy, uz, cells)


def kick_drift_newton(particles, potential, kick, drift):
    """See ``reference.motion.kick_drift_newton``."""
    if len(particles) < WIDTH:
        reference.kick_drift_newton(particles, potential, kick, drift)
        return
    n = particles.grid
    _newton(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), potential.numpy(), kick * n, drift * n,
    )  # fmt: skip


def kick_drift_gr(particles, metric, step):
    """See ``reference.motion.kick_drift_gr``."""
    if len(particles) < WIDTH:
        reference.kick_drift_gr(particles, metric, step)
        return
    none = np.empty((0, 0, 0, 0), metric.numpy().dtype)  # of the types that phi, chi and B have elsewhere
    _move(particles, metric, particles.grid, none.reshape(0, 0, 0), none.reshape(0, 0, 0), none, 0, 0, step)


def kick_drift_fields(particles, phi, chi, b, space, step):
    """``kick_drift_gr`` in the metric that ``pack_metric`` makes of phi, chi and B; ``space`` is what it needs.

    Where particles stay near their rest cells, each thread packs a plane just before particles meet it: the metric of
    the whole mesh never goes to memory.
    """
    n, threads = particles.grid, current_threads()
    low, high = particles.reach() if len(particles) >= WIDTH else (0, n)
    planes = high - low + 2
    if n < WIDTH or planes * threads >= n:
        kick_drift_gr(particles, pack_metric(phi, chi, b, space), step)
        return
    _move(particles, space, planes, phi.numpy(), chi.numpy(), b.numpy(), low, high, step)


def _move(particles, space, planes, phi, chi, b, low, high, step):
    n, packed = particles.grid, space.numpy().reshape(-1)
    _gr(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), packed, planes, phi, chi, b, low, high, step.a, step.a_half, step.kick * n,
        step.drift * n, step.second_order, step.kick_dragging, step.drift_metric, _LINEAR.astype(packed.dtype),
        current_threads(), n,
    )  # fmt: skip
