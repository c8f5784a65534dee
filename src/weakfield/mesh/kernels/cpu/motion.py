"""Kick and drift of particles under both theories (PHYSICS 6, 8)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels.cpu.cells import below, locate


@njit(inline="always")
def _bilinear(f00, f01, f10, f11, s, t):
    """Linear in s (second index) and in t (first index)."""
    return (1 - t) * ((1 - s) * f00 + s * f01) + t * ((1 - s) * f10 + s * f11)


@njit(parallel=True, cache=True, error_model="numpy")
def _newton(column, row_start, u, q, potential, kick, drift):
    n = potential.shape[0]
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


@njit(parallel=True, cache=True, error_model="numpy")
def _gr(
    column, row_start, u, q, phi, chi, b, a, a_half, kick, drift, second, kick_dragging, drift_metric
):  # fmt: skip
    n = phi.shape[0]
    a2, half2 = a * a, a_half * a_half
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            row = z * n + y
            for p in range(row_start[row], row_start[row + 1]):
                x0, x1, fx = locate(column[p], u[0, p], n)
                y0, y1, fy = locate(y, u[1, p], n)
                z0, z1, fz = locate(z, u[2, p], n)
                xm, ym, zm = below(x0, n), below(y0, n), below(z0, n)
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
                phi_p = (1 - fz) * _bilinear(f000, f001, f010, f011, fx, fy) + fz * _bilinear(
                    f100, f101, f110, f111, fx, fy
                )
                weight = 1 + q2 / e2
                if second:  # PHYSICS 13.1 (iv)
                    weight = 4 * phi_p * q2 / e2 + (1 + a2 * phi_p / e2) * weight
                fall_x = weight * _bilinear(f001 - f000, f011 - f010, f101 - f100, f111 - f110, fy, fz) - _bilinear(
                    c001 - c000, c011 - c010, c101 - c100, c111 - c110, fy, fz
                )
                fall_y = weight * _bilinear(f010 - f000, f011 - f001, f110 - f100, f111 - f101, fx, fz) - _bilinear(
                    c010 - c000, c011 - c001, c110 - c100, c111 - c101, fx, fz
                )
                fall_z = weight * _bilinear(f100 - f000, f101 - f001, f110 - f010, f111 - f011, fx, fy) - _bilinear(
                    c100 - c000, c101 - c001, c110 - c010, c111 - c011, fx, fy
                )
                bx = by = bz = 0.0
                if drift_metric:
                    # each component: the four links around the particle, and those one step along its own axis
                    x00, x01, x10, x11 = b[0, z0, y0, x0], b[0, z0, y1, x0], b[0, z1, y0, x0], b[0, z1, y1, x0]
                    y00, y01, y10, y11 = b[1, z0, y0, x0], b[1, z0, y0, x1], b[1, z1, y0, x0], b[1, z1, y0, x1]
                    z00, z01, z10, z11 = b[2, z0, y0, x0], b[2, z0, y0, x1], b[2, z0, y1, x0], b[2, z0, y1, x1]
                    bx = _bilinear(x00, x01, x10, x11, fy, fz)
                    by = _bilinear(y00, y01, y10, y11, fx, fz)
                    bz = _bilinear(z00, z01, z10, z11, fx, fy)
                    if kick_dragging:
                        bx_down = _bilinear(
                            b[0, z0, y0, xm], b[0, z0, y1, xm], b[0, z1, y0, xm], b[0, z1, y1, xm], fy, fz
                        )
                        bx_up = _bilinear(
                            b[0, z0, y0, x1], b[0, z0, y1, x1], b[0, z1, y0, x1], b[0, z1, y1, x1], fy, fz
                        )
                        by_down = _bilinear(
                            b[1, z0, ym, x0], b[1, z0, ym, x1], b[1, z1, ym, x0], b[1, z1, ym, x1], fx, fz
                        )
                        by_up = _bilinear(
                            b[1, z0, y1, x0], b[1, z0, y1, x1], b[1, z1, y1, x0], b[1, z1, y1, x1], fx, fz
                        )
                        bz_down = _bilinear(
                            b[2, zm, y0, x0], b[2, zm, y0, x1], b[2, zm, y1, x0], b[2, zm, y1, x1], fx, fy
                        )
                        bz_up = _bilinear(
                            b[2, z1, y0, x0], b[2, z1, y0, x1], b[2, z1, y1, x0], b[2, z1, y1, x1], fx, fy
                        )
                        # q_j d_i B_j: along i = j one-sided differences weighted by the fraction, else across the edge
                        dx = (
                            qx * ((1 - fx) * (bx - bx_down) + fx * (bx_up - bx))
                            + qy * ((1 - fz) * (y01 - y00) + fz * (y11 - y10))
                            + qz * ((1 - fy) * (z01 - z00) + fy * (z11 - z10))
                        )
                        dy = (
                            qx * ((1 - fz) * (x01 - x00) + fz * (x11 - x10))
                            + qy * ((1 - fy) * (by - by_down) + fy * (by_up - by))
                            + qz * ((1 - fx) * (z10 - z00) + fx * (z11 - z01))
                        )
                        dz = (
                            qx * ((1 - fy) * (x10 - x00) + fy * (x11 - x01))
                            + qy * ((1 - fx) * (y10 - y00) + fx * (y11 - y01))
                            + qz * ((1 - fz) * (bz - bz_down) + fz * (bz_up - bz))
                        )
                        dragging = 1.0 / (n * a2 * energy)
                        fall_x += dragging * dx
                        fall_y += dragging * dy
                        fall_z += dragging * dz
                qx -= kick * energy * fall_x
                qy -= kick * energy * fall_y
                qz -= kick * energy * fall_z
                q[0, p], q[1, p], q[2, p] = qx, qy, qz
                q2 = qx * qx + qy * qy + qz * qz
                e2 = q2 + half2
                speed = 1.0 / math.sqrt(e2)
                if drift_metric:
                    chi_p = (1 - fz) * _bilinear(c000, c001, c010, c011, fx, fy) + fz * _bilinear(
                        c100, c101, c110, c111, fx, fy
                    )
                    speed *= 1 + (3 - q2 / e2) * phi_p - chi_p
                shift = 1.0 / (n * half2)
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
