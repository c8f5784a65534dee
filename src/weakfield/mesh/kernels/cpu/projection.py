"""Stress-energy of particles on the mesh (PHYSICS 4): T00, T_ij and T0_i with the metric at the receiving site."""

from __future__ import annotations

import math

from numba import njit, prange

from weakfield.mesh.kernels.cpu.cells import OPTIONS, locate


@njit(**OPTIONS)
def _t00(column, row_start, u, q, phi, a, scale, second, slabs, out):
    n = out.shape[0]
    count = len(slabs) - 1
    one, half, three = out.dtype.type(1), out.dtype.type(0.5), out.dtype.type(3)
    scale, a2, zero = out.dtype.type(scale), out.dtype.type(a * a), out.dtype.type(0)
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
                        q2 = q[0, p] * q[0, p] + q[1, p] * q[1, p] + q[2, p] * q[2, p]
                        energy = math.sqrt(q2 + a2)
                        f1 = three * energy + q2 / energy
                        f2 = (half * f1 * f1 + q2 / (one + q2 / a2)) / energy if second else zero
                        e, f1, f2 = scale * energy, scale * f1, scale * f2
                        gx, gy, gz = one - fx, one - fy, one - fz
                        m = phi[z0, y0, x0]
                        out[z0, y0, x0] += gx * gy * gz * (e + m * (f1 + m * f2))
                        m = phi[z0, y0, x1]
                        out[z0, y0, x1] += fx * gy * gz * (e + m * (f1 + m * f2))
                        m = phi[z0, y1, x0]
                        out[z0, y1, x0] += gx * fy * gz * (e + m * (f1 + m * f2))
                        m = phi[z0, y1, x1]
                        out[z0, y1, x1] += fx * fy * gz * (e + m * (f1 + m * f2))
                        m = phi[z1, y0, x0]
                        out[z1, y0, x0] += gx * gy * fz * (e + m * (f1 + m * f2))
                        m = phi[z1, y0, x1]
                        out[z1, y0, x1] += fx * gy * fz * (e + m * (f1 + m * f2))
                        m = phi[z1, y1, x0]
                        out[z1, y1, x0] += gx * fy * fz * (e + m * (f1 + m * f2))
                        m = phi[z1, y1, x1]
                        out[z1, y1, x1] += fx * fy * fz * (e + m * (f1 + m * f2))


@njit(inline="always")
def _add_diagonal(out, z, y, x, weight, sx, sy, sz, metric):
    """The three diagonal stresses at one node."""
    w = weight * metric
    out[0, z, y, x] += w * sx
    out[3, z, y, x] += w * sy
    out[5, z, y, x] += w * sz


@njit(**OPTIONS)
def _tij(column, row_start, u, q, phi, a, scale, slabs, out):
    n = phi.shape[0]
    count = len(slabs) - 1
    one, four, quarter = out.dtype.type(1), out.dtype.type(4), out.dtype.type(0.25)
    scale, a2 = out.dtype.type(scale), out.dtype.type(a * a)
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
                        qx, qy, qz = q[0, p], q[1, p], q[2, p]
                        e2 = qx * qx + qy * qy + qz * qz + a2
                        factor = scale / math.sqrt(e2)
                        f = four + a2 / e2
                        gx, gy, gz = one - fx, one - fy, one - fz
                        p000, p001 = phi[z0, y0, x0], phi[z0, y0, x1]
                        p010, p011 = phi[z0, y1, x0], phi[z0, y1, x1]
                        p100, p101 = phi[z1, y0, x0], phi[z1, y0, x1]
                        p110, p111 = phi[z1, y1, x0], phi[z1, y1, x1]
                        sx, sy, sz = factor * qx * qx, factor * qy * qy, factor * qz * qz
                        _add_diagonal(out, z0, y0, x0, gx * gy * gz, sx, sy, sz, one + f * p000)
                        _add_diagonal(out, z0, y0, x1, fx * gy * gz, sx, sy, sz, one + f * p001)
                        _add_diagonal(out, z0, y1, x0, gx * fy * gz, sx, sy, sz, one + f * p010)
                        _add_diagonal(out, z0, y1, x1, fx * fy * gz, sx, sy, sz, one + f * p011)
                        _add_diagonal(out, z1, y0, x0, gx * gy * fz, sx, sy, sz, one + f * p100)
                        _add_diagonal(out, z1, y0, x1, fx * gy * fz, sx, sy, sz, one + f * p101)
                        _add_diagonal(out, z1, y1, x0, gx * fy * fz, sx, sy, sz, one + f * p110)
                        _add_diagonal(out, z1, y1, x1, fx * fy * fz, sx, sy, sz, one + f * p111)
                        f = quarter * f  # plaquettes see the mean of their four corners
                        s = factor * qx * qy
                        out[1, z0, y0, x0] += s * gz * (one + f * (p000 + p001 + p010 + p011))
                        out[1, z1, y0, x0] += s * fz * (one + f * (p100 + p101 + p110 + p111))
                        s = factor * qx * qz
                        out[2, z0, y0, x0] += s * gy * (one + f * (p000 + p001 + p100 + p101))
                        out[2, z0, y1, x0] += s * fy * (one + f * (p010 + p011 + p110 + p111))
                        s = factor * qy * qz
                        out[4, z0, y0, x0] += s * gx * (one + f * (p000 + p010 + p100 + p110))
                        out[4, z0, y0, x1] += s * fx * (one + f * (p001 + p011 + p101 + p111))


@njit(**OPTIONS)
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


def project_t00(particles, phi, a, second_order, out):
    """See ``reference.projection.project_t00``."""
    _t00(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), phi.numpy(), a, particles.mass * particles.grid**3 / a, second_order,
        particles.slabs(), out.zero_().numpy(),
    )  # fmt: skip
    return out


def project_tij(particles, phi, a, out):
    """See ``reference.projection.project_tij``."""
    _tij(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), phi.numpy(), a, particles.mass * particles.grid**3 / a,
        particles.slabs(), out.zero_().numpy(),
    )  # fmt: skip
    return out


def project_t0i(particles, phi, out):
    """See ``reference.projection.project_t0i``."""
    _t0i(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), phi.numpy(), particles.mass * particles.grid**3,
        particles.slabs(), out.zero_().numpy(),
    )  # fmt: skip
    return out
