"""Kick and drift of particles under both theories (PHYSICS 6, 8)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels.cpu.cells import OPTIONS, below, locate


@njit(inline="always")
def _linear(f0, f1, s):
    """Linear in s."""
    return f0 + s * (f1 - f0)


@njit(inline="always")
def _bilinear(f00, f01, f10, f11, s, t):
    """Linear in s (second index) and in t (first index)."""
    return _linear(_linear(f00, f01, s), _linear(f10, f11, s), t)


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
                f000, f001 = potential[z0, y0, x0], potential[z0, y0, x1]
                f010, f011 = potential[z0, y1, x0], potential[z0, y1, x1]
                f100, f101 = potential[z1, y0, x0], potential[z1, y0, x1]
                f110, f111 = potential[z1, y1, x0], potential[z1, y1, x1]
                qx = q[0, p] - kick * _bilinear(f001 - f000, f011 - f010, f101 - f100, f111 - f110, fy, fz)
                qy = q[1, p] - kick * _bilinear(f010 - f000, f011 - f001, f110 - f100, f111 - f101, fx, fz)
                qz = q[2, p] - kick * _bilinear(f100 - f000, f101 - f001, f110 - f010, f111 - f011, fx, fy)
                q[0, p], q[1, p], q[2, p] = qx, qy, qz
                u[0, p] += drift * qx
                u[1, p] += drift * qy
                u[2, p] += drift * qz


@njit(inline="always")
def _links(b, x0, y0, z0, x1, y1, z1, fx, fy, fz):
    """Each component of b at a particle: bilinear across its links, nearest along them."""
    return (
        _bilinear(b[0, z0, y0, x0], b[0, z0, y1, x0], b[0, z1, y0, x0], b[0, z1, y1, x0], fy, fz),
        _bilinear(b[1, z0, y0, x0], b[1, z0, y0, x1], b[1, z1, y0, x0], b[1, z1, y0, x1], fx, fz),
        _bilinear(b[2, z0, y0, x0], b[2, z0, y0, x1], b[2, z0, y1, x0], b[2, z0, y1, x1], fx, fy),
    )


@njit(inline="always")
def _along(down, here, up, f):
    """Difference along a component's own axis: one-sided ones weighted by the fraction."""
    lower = here - down
    return lower + f * (up - here - lower)


@njit(inline="always")
def _dragging(b, x0, y0, z0, x1, y1, z1, fx, fy, fz, bx, by, bz, qx, qy, qz):
    """sum_j q_j d_i b_j per cell for i = x, y, z (PHYSICS 6.2); for i != j differences across the edge."""
    n = b.shape[1]
    xm, ym, zm = below(x0, n), below(y0, n), below(z0, n)
    x00, x01, x10, x11 = b[0, z0, y0, x0], b[0, z0, y1, x0], b[0, z1, y0, x0], b[0, z1, y1, x0]
    y00, y01, y10, y11 = b[1, z0, y0, x0], b[1, z0, y0, x1], b[1, z1, y0, x0], b[1, z1, y0, x1]
    z00, z01, z10, z11 = b[2, z0, y0, x0], b[2, z0, y0, x1], b[2, z0, y1, x0], b[2, z0, y1, x1]
    x_down = _bilinear(b[0, z0, y0, xm], b[0, z0, y1, xm], b[0, z1, y0, xm], b[0, z1, y1, xm], fy, fz)
    x_up = _bilinear(b[0, z0, y0, x1], b[0, z0, y1, x1], b[0, z1, y0, x1], b[0, z1, y1, x1], fy, fz)
    y_down = _bilinear(b[1, z0, ym, x0], b[1, z0, ym, x1], b[1, z1, ym, x0], b[1, z1, ym, x1], fx, fz)
    y_up = _bilinear(b[1, z0, y1, x0], b[1, z0, y1, x1], b[1, z1, y1, x0], b[1, z1, y1, x1], fx, fz)
    z_down = _bilinear(b[2, zm, y0, x0], b[2, zm, y0, x1], b[2, zm, y1, x0], b[2, zm, y1, x1], fx, fy)
    z_up = _bilinear(b[2, z1, y0, x0], b[2, z1, y0, x1], b[2, z1, y1, x0], b[2, z1, y1, x1], fx, fy)
    return (
        qx * _along(x_down, bx, x_up, fx)
        + qy * _linear(y01 - y00, y11 - y10, fz)
        + qz * _linear(z01 - z00, z11 - z10, fy),
        qx * _linear(x01 - x00, x11 - x10, fz)
        + qy * _along(y_down, by, y_up, fy)
        + qz * _linear(z10 - z00, z11 - z01, fx),
        qx * _linear(x10 - x00, x11 - x01, fy)
        + qy * _linear(y10 - y00, y11 - y01, fx)
        + qz * _along(z_down, bz, z_up, fz),
    )


@njit(**OPTIONS)
def _gr(
    column, row_start, u, q, phi, chi, b, a, a_half, kick, drift, second, kick_dragging, drift_metric
):  # fmt: skip
    n = phi.shape[0]
    real = u.dtype.type
    one, three, four, zero = real(1), real(3), real(4), real(0)
    a2, half2, kick, drift = real(a * a), real(a_half * a_half), real(kick), real(drift)
    per_dragging, shift = real(1 / (n * a * a)), real(1 / (n * a_half * a_half))
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            row = z * n + y
            for p in range(row_start[row], row_start[row + 1]):
                x0, x1, fx = locate(column[p], u[0, p], n)
                y0, y1, fy = locate(y, u[1, p], n)
                z0, z1, fz = locate(z, u[2, p], n)
                f000, f001 = phi[z0, y0, x0], phi[z0, y0, x1]
                f010, f011 = phi[z0, y1, x0], phi[z0, y1, x1]
                f100, f101 = phi[z1, y0, x0], phi[z1, y0, x1]
                f110, f111 = phi[z1, y1, x0], phi[z1, y1, x1]
                c000, c001 = chi[z0, y0, x0], chi[z0, y0, x1]
                c010, c011 = chi[z0, y1, x0], chi[z0, y1, x1]
                c100, c101 = chi[z1, y0, x0], chi[z1, y0, x1]
                c110, c111 = chi[z1, y1, x0], chi[z1, y1, x1]
                qx, qy, qz = q[0, p], q[1, p], q[2, p]
                q2 = qx * qx + qy * qy + qz * qz
                e2 = q2 + a2
                energy = math.sqrt(e2)
                phi_p = _linear(
                    _bilinear(f000, f001, f010, f011, fx, fy), _bilinear(f100, f101, f110, f111, fx, fy), fz
                )
                weight = one + q2 / e2
                if second:  # PHYSICS 13.1 (iv)
                    weight = four * phi_p * q2 / e2 + (one + a2 * phi_p / e2) * weight
                fall_x = weight * _bilinear(f001 - f000, f011 - f010, f101 - f100, f111 - f110, fy, fz) - _bilinear(
                    c001 - c000, c011 - c010, c101 - c100, c111 - c110, fy, fz
                )
                fall_y = weight * _bilinear(f010 - f000, f011 - f001, f110 - f100, f111 - f101, fx, fz) - _bilinear(
                    c010 - c000, c011 - c001, c110 - c100, c111 - c101, fx, fz
                )
                fall_z = weight * _bilinear(f100 - f000, f101 - f001, f110 - f010, f111 - f011, fx, fy) - _bilinear(
                    c100 - c000, c101 - c001, c110 - c010, c111 - c011, fx, fy
                )
                bx = by = bz = zero
                if drift_metric:
                    bx, by, bz = _links(b, x0, y0, z0, x1, y1, z1, fx, fy, fz)
                    if kick_dragging:
                        dx, dy, dz = _dragging(b, x0, y0, z0, x1, y1, z1, fx, fy, fz, bx, by, bz, qx, qy, qz)
                        dragging = per_dragging / energy
                        fall_x += dragging * dx
                        fall_y += dragging * dy
                        fall_z += dragging * dz
                qx -= kick * energy * fall_x
                qy -= kick * energy * fall_y
                qz -= kick * energy * fall_z
                q[0, p], q[1, p], q[2, p] = qx, qy, qz
                q2 = qx * qx + qy * qy + qz * qz
                e2 = q2 + half2
                speed = one / math.sqrt(e2)
                if drift_metric:
                    chi_p = _linear(
                        _bilinear(c000, c001, c010, c011, fx, fy), _bilinear(c100, c101, c110, c111, fx, fy), fz
                    )
                    speed *= one + (three - q2 / e2) * phi_p - chi_p
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


def kick_drift_gr(particles, phi, chi, b, a, a_half, kick, drift, second_order, kick_dragging, drift_metric):
    """See ``reference.motion.kick_drift_gr``."""
    n = particles.grid
    _gr(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), phi.numpy(), chi.numpy(), b.numpy(), a, a_half, kick * n, drift * n,
        second_order, kick_dragging, drift_metric,
    )  # fmt: skip
