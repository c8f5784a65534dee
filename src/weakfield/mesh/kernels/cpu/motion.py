"""Kick and drift of particles under both theories (PHYSICS 6, 8)."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.cpu.cells import above, bilinear, linear, locate, slopes, split_places, wrapped, write_back
from weakfield.mesh.kernels.cpu.simd import INLINE, PARALLEL, WIDTH, load, load_rows, root, store
from weakfield.mesh.lanes import BX, BY, BZ, CHI, LX, LY, LZ, PHI

#: by lane of the metric: along which axes it is linear; B_i is of the nearest link along i
_LANES = np.array(
    [
        [1, 1, 0, 1, 1, 1, 1, 1],  # x
        [1, 1, 1, 0, 1, 1, 1, 1],  # y
        [1, 1, 1, 1, 0, 1, 1, 1],  # z
    ],
    dtype=np.float64,
).ravel()


@njit(**PARALLEL)
def _newton(column, row_start, u, q, potential, kick, drift):
    n = potential.shape[0]
    kick, drift = u.dtype.type(kick), u.dtype.type(drift)
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            row = z * n + y
            for p in range(row_start[row], row_start[row + 1]):
                x0, x1, fx = locate(column[p], u[0, p], n)
                y0, y1, fy = locate(y, u[1, p], n)
                z0, z1, fz = locate(z, u[2, p], n)
                gx, gy, gz = slopes(potential, x0, y0, z0, x1, y1, z1, fx, fy, fz)
                qx, qy, qz = q[0, p] - kick * gx, q[1, p] - kick * gy, q[2, p] - kick * gz
                q[0, p], q[1, p], q[2, p] = qx, qy, qz
                u[0, p] += drift * qx
                u[1, p] += drift * qy
                u[2, p] += drift * qz


@njit(**INLINE)
def _fields_at(metric, n, x, y, z, fx, fy, fz, along_x, along_y, along_z, out, at):
    """All fields of a site at a particle of cell x, y, z: differences along x, y and z, and values, into ``out``."""
    x0, y0, z0 = wrapped(x, n), wrapped(y, n), wrapped(z, n)
    x1, y1, z1 = above(x0, n) * 8, above(y0, n), above(z0, n)
    x0 *= 8
    vx, vy, vz = along_x * fx, along_y * fy, along_z * fz
    low, high = (z0 * n + y0) * n * 8, (z0 * n + y1) * n * 8
    f000, f001, f010, f011 = (
        load(metric, low + x0), load(metric, low + x1), load(metric, high + x0), load(metric, high + x1),
    )  # fmt: skip
    low, high = (z1 * n + y0) * n * 8, (z1 * n + y1) * n * 8
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


@njit(**PARALLEL)
def _gr(column, row_start, u, q, metric, a, a_half, kick, drift, second, kick_dragging, drift_metric, lanes, n):
    real = u.dtype.type
    one, three, four = real(1), real(3), real(4)
    # energies over a: numbers that are the same for all particles are rounded to single precision once a step
    a2, half2, pull, stride = real(a * a), real(a_half * a_half), real(kick * a), real(drift / a_half)
    per_dragging, shift = real(1 / (n * a * a * a)), real(drift / (n * a_half * a_half))
    along_x, along_y, along_z = load(lanes, 0), load(lanes, 8), load(lanes, 16)
    places, momenta = u.reshape(-1), q.reshape(-1)
    count = len(column)
    for plane in prange(n):
        z = np.int64(plane)
        cells, sites = np.empty(48, u.dtype), np.zeros(256, u.dtype)
        for row in range(z * n, (z + 1) * n):
            y, end = row - z * n, row_start[row + 1]
            for p in range(row_start[row], end, WIDTH):
                first = min(p, count - WIDTH)  # the last particles reach back
                begin, stop = p - first, p - first + min(WIDTH, end - p)
                ux, uy, uz = split_places(places, count, first, cells)
                for i in range(begin, stop):
                    _fields_at(
                        metric, n, column[first + i] + np.int64(cells[i]), y + np.int64(cells[8 + i]),
                        z + np.int64(cells[16 + i]), cells[24 + i], cells[32 + i], cells[40 + i], along_x, along_y,
                        along_z, sites, 8 * i,
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
                if second:  # PHYSICS 13.1 (iv)
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
    n = particles.grid
    _newton(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), potential.numpy(), kick * n, drift * n,
    )  # fmt: skip


def kick_drift_gr(particles, metric, a, a_half, kick, drift, second_order, kick_dragging, drift_metric):
    """See ``reference.motion.kick_drift_gr``."""
    if len(particles) < WIDTH:
        reference.kick_drift_gr(particles, metric, a, a_half, kick, drift, second_order, kick_dragging, drift_metric)
        return
    n = particles.grid
    _gr(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), metric.numpy().reshape(-1), a, a_half, kick * n, drift * n, second_order,
        kick_dragging, drift_metric, _LANES.astype(metric.numpy().dtype), n,
    )  # fmt: skip
