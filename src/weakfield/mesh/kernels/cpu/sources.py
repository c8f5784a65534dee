"""Right-hand sides of the field equations on the mesh, in real space (PHYSICS 5)."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels.cpu.cells import OPTIONS, above, below


@njit(**OPTIONS)
def _phi_source(t00, phi, chi, past, mean, density, expansion, memory, implicit, second, out):
    n = phi.shape[0]
    real = phi.dtype.type
    one, two, eighth, zero = real(1), real(2), real(0.125), real(0)
    mean, density, expansion, memory = real(mean), real(density), real(expansion), real(memory)
    for plane in prange(n):
        z = np.int64(plane)
        zp, zm = above(z, n), below(z, n)
        for y in range(n):
            yp, ym = above(y, n), below(y, n)
            for x in range(n):
                xp, xm = above(x, n), below(x, n)
                f = phi[z, y, x]
                dx = phi[z, y, xp] - phi[z, y, xm]
                dy = phi[z, yp, x] - phi[z, ym, x]
                dz = phi[zp, y, x] - phi[zm, y, x]
                metric = one - two * f
                hubble = zero if implicit else f
                if second:
                    hubble -= two * f * f
                    metric += two * f * f
                out[z, y, x] = (
                    density * (t00[z, y, x] - mean) * metric
                    + eighth * (dx * dx + dy * dy + dz * dz)
                    + expansion * (hubble - chi[z, y, x])
                    - memory * past[z, y, x]
                )


@njit(**OPTIONS)
def _stress_source(t, phi, factor):
    n = phi.shape[0]
    half, factor = t.dtype.type(0.5), t.dtype.type(factor)
    for plane in prange(n):
        z = np.int64(plane)
        zp, zm = above(z, n), below(z, n)
        for y in range(n):
            yp, ym = above(y, n), below(y, n)
            for x in range(n):
                xp, xm = above(x, n), below(x, n)
                f = phi[z, y, x]
                fx, fy, fz = phi[z, y, xp], phi[z, yp, x], phi[zp, y, x]
                fxy, fxz, fyz = phi[z, yp, xp], phi[zp, y, xp], phi[zp, yp, x]
                d = fx - phi[z, y, xm]
                t[0, z, y, x] = factor * t[0, z, y, x] + half * d * d
                d = fy - phi[z, ym, x]
                t[3, z, y, x] = factor * t[3, z, y, x] + half * d * d
                d = fz - phi[zm, y, x]
                t[5, z, y, x] = factor * t[5, z, y, x] + half * d * d
                # dx^2 2 d_i phi d_j phi on the plaquette: f_i f_j - f f_ij + (f^2 - f_i^2 - f_j^2 + f_ij^2) / 2
                t[1, z, y, x] = (
                    factor * t[1, z, y, x] + fx * fy - f * fxy + half * (f * f - fx * fx - fy * fy + fxy * fxy)
                )
                t[2, z, y, x] = (
                    factor * t[2, z, y, x] + fx * fz - f * fxz + half * (f * f - fx * fx - fz * fz + fxz * fxz)
                )
                t[4, z, y, x] = (
                    factor * t[4, z, y, x] + fy * fz - f * fyz + half * (f * f - fy * fy - fz * fz + fyz * fyz)
                )


@njit(**OPTIONS)
def _stress_divergence(s, out):
    n = s.shape[1]
    for plane in prange(n):
        z = np.int64(plane)
        zp, zm = above(z, n), below(z, n)
        for y in range(n):
            yp, ym = above(y, n), below(y, n)
            for x in range(n):
                xp, xm = above(x, n), below(x, n)
                xx, xy, xz = s[0, z, y, x], s[1, z, y, x], s[2, z, y, x]
                yy, yz, zz = s[3, z, y, x], s[4, z, y, x], s[5, z, y, x]
                out[0, z, y, x] = xx + yy + zz
                out[1, z, y, x] = (s[0, z, y, xp] - xx) + (xy - s[1, z, ym, x]) + (xz - s[2, zm, y, x])
                out[2, z, y, x] = (xy - s[1, z, y, xm]) + (s[3, z, yp, x] - yy) + (yz - s[4, zm, y, x])
                out[3, z, y, x] = (xz - s[2, z, y, xm]) + (yz - s[4, z, ym, x]) + (s[5, zp, y, x] - zz)


def phi_source(t00, phi, chi, past, mean, density, expansion, memory, implicit, second_order, out):
    """See ``reference.sources.phi_source``."""
    _phi_source(
        t00.numpy(), phi.numpy(), chi.numpy(), past.numpy(), mean, density, expansion, memory, implicit, second_order,
        out.numpy(),
    )  # fmt: skip
    return out


def stress_source(tij, phi, factor):
    """See ``reference.sources.stress_source``."""
    _stress_source(tij.numpy(), phi.numpy(), factor)
    return tij


def stress_divergence(stress, out):
    """See ``reference.sources.stress_divergence``."""
    _stress_divergence(stress.numpy(), out.numpy())
    return out
