"""Stress-energy of particles on the mesh (PHYSICS 4): T00, T_ij and T0_i with the metric at the receiving site."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels.cpu.cells import INLINE, OPTIONS, locate, slopes
from weakfield.mesh.kernels.cpu.simd import load, pack, store

#: by lane T00 XX YY ZZ XY XZ YZ (and none): along which axes it is shared linearly, and which metric it sees
_LANES = np.array(
    [
        [1, 1, 1, 1, 0, 0, 1, 0],  # along x; XY and XZ go to the nearest x
        [1, 1, 1, 1, 0, 1, 0, 0],  # along y
        [1, 1, 1, 1, 1, 0, 0, 0],  # along z
        [1, 1, 1, 1, 0, 0, 0, 0],  # phi of the node
        [0, 0, 0, 0, 1, 0, 0, 0],  # phi of the plaquette xy
        [0, 0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1, 0],
    ],
    dtype=np.float64,
).ravel()


@njit(**INLINE)
def _deposit(out, at, value):
    """Add the lanes of one site."""
    store(out, at, load(out, at) + value)


@njit(**OPTIONS)
def _stress_energy(column, row_start, u, q, phi, potential, synchronise, weight, a, scale, second, slabs, lanes, out):
    n = phi.shape[0]
    count = len(slabs) - 1
    real = u.dtype.type
    one, half, three, four, quarter, zero = real(1), real(0.5), real(3), real(4), real(0.25), real(0)
    scale, a2, weight = real(scale), real(a * a), real(weight)
    # lanes that are linear along x, y, z; of the metric at the nodes and on the plaquettes xy, xz, yz
    along_x, along_y, along_z = load(lanes, 0), load(lanes, 8), load(lanes, 16)
    nodes, plaquettes_xy, plaquettes_xz, plaquettes_yz = (
        load(lanes, 24), load(lanes, 32), load(lanes, 40), load(lanes, 48),
    )  # fmt: skip
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
                        if synchronise:
                            gx, gy, gz = slopes(potential, x0, y0, z0, x1, y1, z1, fx, fy, fz)
                            qx, qy, qz = qx - weight * gx, qy - weight * gy, qz - weight * gz
                        q2 = qx * qx + qy * qy + qz * qz
                        e2 = q2 + a2
                        energy = math.sqrt(e2)
                        inverse = one / energy
                        f1 = three * energy + q2 * inverse
                        f2 = (half * f1 * f1 + q2 * a2 / e2) * inverse if second else zero
                        f = four + a2 / e2
                        s = scale * inverse
                        sx, sy, sz = s * qx, s * qy, s * qz
                        xx, yy, zz, xy, xz, yz = sx * qx, sy * qy, sz * qz, sx * qy, sx * qz, sy * qz
                        flat = pack((scale * energy, xx, yy, zz, xy, xz, yz, zero))
                        linear = pack((scale * f1, f * xx, f * yy, f * zz, f * xy, f * xz, f * yz, zero))
                        square = pack((scale * f2, zero, zero, zero, zero, zero, zero, zero))
                        p000, p001 = phi[z0, y0, x0], phi[z0, y0, x1]
                        p010, p011 = phi[z0, y1, x0], phi[z0, y1, x1]
                        p100, p101 = phi[z1, y0, x0], phi[z1, y0, x1]
                        p110, p111 = phi[z1, y1, x0], phi[z1, y1, x1]
                        # a plaquette sees the mean of its four corners
                        xy0 = plaquettes_xy * (quarter * (p000 + p001 + p010 + p011))
                        xy1 = plaquettes_xy * (quarter * (p100 + p101 + p110 + p111))
                        xz0 = plaquettes_xz * (quarter * (p000 + p001 + p100 + p101))
                        xz1 = plaquettes_xz * (quarter * (p010 + p011 + p110 + p111))
                        yz0 = plaquettes_yz * (quarter * (p000 + p010 + p100 + p110))
                        yz1 = plaquettes_yz * (quarter * (p001 + p011 + p101 + p111))
                        vx, vy, vz = along_x * fx, along_y * fy, along_z * fz
                        wx, wy, wz = one - vx, one - vy, one - vz
                        w00, w01, w10, w11 = wz * wy, wz * vy, vz * wy, vz * vy
                        m00, m01, m10, m11 = xy0 + xz0, xy0 + xz1, xy1 + xz0, xy1 + xz1
                        low, high = (z0 * n + y0) * n, (z0 * n + y1) * n
                        m = m00 + yz0 + nodes * p000
                        _deposit(out, (low + x0) * 8, w00 * wx * (flat + m * (linear + m * square)))
                        m = m00 + yz1 + nodes * p001
                        _deposit(out, (low + x1) * 8, w00 * vx * (flat + m * (linear + m * square)))
                        m = m01 + yz0 + nodes * p010
                        _deposit(out, (high + x0) * 8, w01 * wx * (flat + m * (linear + m * square)))
                        m = m01 + yz1 + nodes * p011
                        _deposit(out, (high + x1) * 8, w01 * vx * (flat + m * (linear + m * square)))
                        low, high = (z1 * n + y0) * n, (z1 * n + y1) * n
                        m = m10 + yz0 + nodes * p100
                        _deposit(out, (low + x0) * 8, w10 * wx * (flat + m * (linear + m * square)))
                        m = m10 + yz1 + nodes * p101
                        _deposit(out, (low + x1) * 8, w10 * vx * (flat + m * (linear + m * square)))
                        m = m11 + yz0 + nodes * p110
                        _deposit(out, (high + x0) * 8, w11 * wx * (flat + m * (linear + m * square)))
                        m = m11 + yz1 + nodes * p111
                        _deposit(out, (high + x1) * 8, w11 * vx * (flat + m * (linear + m * square)))


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


def project_stress_energy(particles, phi, potential, weight, a, second_order, out):
    """See ``reference.projection.project_stress_energy``."""
    synchronise = potential is not None
    _stress_energy(
        particles.column.numpy(), particles.row_start.numpy(), particles.displacement.numpy(),
        particles.momentum.numpy(), phi.numpy(), (potential if synchronise else phi).numpy(), synchronise,
        weight * particles.grid, a, particles.mass * particles.grid**3 / a, second_order, particles.slabs(),
        _LANES.astype(phi.numpy().dtype), out.zero_().numpy().reshape(-1),
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
