"""Kick and drift of particles under both theories (PHYSICS 6, 8)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels.cpu.cells import OPTIONS, locate, slopes
from weakfield.mesh.kernels.cpu.simd import lane, load
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


@njit(**OPTIONS)
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


@njit(**OPTIONS)
def _gr(column, row_start, u, q, metric, a, a_half, kick, drift, second, kick_dragging, drift_metric, lanes, n):
    real = u.dtype.type
    one, three, four, zero = real(1), real(3), real(4), real(0)
    a2, half2, kick, drift = real(a * a), real(a_half * a_half), real(kick), real(drift)
    per_dragging, shift = real(1 / (n * a * a)), real(1 / (n * a_half * a_half))
    along_x, along_y, along_z = load(lanes, 0), load(lanes, 8), load(lanes, 16)
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            row = z * n + y
            for p in range(row_start[row], row_start[row + 1]):
                x0, x1, fx = locate(column[p], u[0, p], n)
                y0, y1, fy = locate(y, u[1, p], n)
                z0, z1, fz = locate(z, u[2, p], n)
                vx, vy, vz = along_x * fx, along_y * fy, along_z * fz
                # all fields of the site at once: differences along x (X), along y (Y), along z (Z), and values
                low, high = (z0 * n + y0) * n, (z0 * n + y1) * n
                here, there = load(metric, (low + x0) * 8), load(metric, (high + x0) * 8)
                x_00, x_01 = load(metric, (low + x1) * 8) - here, load(metric, (high + x1) * 8) - there
                v_00, v_01 = here + vx * x_00, there + vx * x_01
                low, high = (z1 * n + y0) * n, (z1 * n + y1) * n
                here, there = load(metric, (low + x0) * 8), load(metric, (high + x0) * 8)
                x_10, x_11 = load(metric, (low + x1) * 8) - here, load(metric, (high + x1) * 8) - there
                v_10, v_11 = here + vx * x_10, there + vx * x_11
                x_0, x_1 = x_00 + vy * (x_01 - x_00), x_10 + vy * (x_11 - x_10)
                y_0, y_1 = v_01 - v_00, v_11 - v_10
                z_0 = v_00 + vy * y_0
                dx, dy, dz = x_0 + vz * (x_1 - x_0), y_0 + vz * (y_1 - y_0), v_10 + vy * y_1 - z_0
                value = z_0 + vz * dz
                qx, qy, qz = q[0, p], q[1, p], q[2, p]
                q2 = qx * qx + qy * qy + qz * qz
                e2 = q2 + a2
                energy = math.sqrt(e2)
                phi_p = lane(value, PHI)
                weight = one + q2 / e2
                if second:  # PHYSICS 13.1 (iv)
                    weight = four * phi_p * q2 / e2 + (one + a2 * phi_p / e2) * weight
                fall_x = weight * lane(dx, PHI) - lane(dx, CHI)
                fall_y = weight * lane(dy, PHI) - lane(dy, CHI)
                fall_z = weight * lane(dz, PHI) - lane(dz, CHI)
                if kick_dragging:
                    dragging = per_dragging / energy
                    fall_x += dragging * (qx * lane(value, LX) + qy * lane(dx, BY) + qz * lane(dx, BZ))
                    fall_y += dragging * (qx * lane(dy, BX) + qy * lane(value, LY) + qz * lane(dy, BZ))
                    fall_z += dragging * (qx * lane(dz, BX) + qy * lane(dz, BY) + qz * lane(value, LZ))
                qx -= kick * energy * fall_x
                qy -= kick * energy * fall_y
                qz -= kick * energy * fall_z
                q[0, p], q[1, p], q[2, p] = qx, qy, qz
                q2 = qx * qx + qy * qy + qz * qz
                e2 = q2 + half2
                speed = one / math.sqrt(e2)
                bx = by = bz = zero
                if drift_metric:
                    speed *= one + (three - q2 / e2) * phi_p - lane(value, CHI)
                    bx, by, bz = lane(value, BX), lane(value, BY), lane(value, BZ)
                u[0, p] += drift * (qx * speed + bx * shift)
                u[1, p] += drift * (qy * speed + by * shift)
                u[2, p] += drift * (qz * speed + bz * shift)


def kick_drift_newton(particles, potential, kick, drift):
    """See ``reference.motion.kick_drift_newton``."""
    n = particles.grid
    _newton(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), potential.numpy(), kick * n, drift * n,
    )  # fmt: skip


def kick_drift_gr(particles, metric, a, a_half, kick, drift, second_order, kick_dragging, drift_metric):
    """See ``reference.motion.kick_drift_gr``."""
    n = particles.grid
    _gr(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), metric.numpy().reshape(-1), a, a_half, kick * n, drift * n, second_order,
        kick_dragging, drift_metric, _LANES.astype(metric.numpy().dtype), n,
    )  # fmt: skip
