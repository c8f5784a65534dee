"""Solutions of the field equations mode by mode (PHYSICS 5)."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels.cpu.cells import OPTIONS

# khat = 2 n sin(pi i / n); kappa = khat exp(-i pi / n) moves a link quantity back to the node


@njit(**OPTIONS)
def _divide(modes, k2, factor, shift, zero_mode):
    n = k2.shape[0]
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            for x in range(modes.shape[2]):
                k = k2[z] + k2[y] + k2[x] + shift
                if k > 0:
                    modes[z, y, x] *= factor / k
    if zero_mode:
        modes[0, 0, 0] = 0


@njit(**OPTIONS)
def _chi(divergence, kappa, k2, out):
    n = k2.shape[0]
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            for x in range(out.shape[2]):
                k = k2[z] + k2[y] + k2[x]
                if k > 0:
                    d = (
                        kappa[x] * divergence[1, z, y, x]
                        + kappa[y] * divergence[2, z, y, x]
                        + kappa[z] * divergence[3, z, y, x]
                    )
                    # D = sum kappa_m V_m with V = -i n W
                    out[z, y, x] = (k * divergence[0, z, y, x] + 3j * n * d) / (2 * k * k * n)
                else:
                    out[z, y, x] = 0


@njit(**OPTIONS)
def _b_advance(divergence, kappa, k2, factor, b):
    n = k2.shape[0]
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            for x in range(b.shape[3]):
                k = k2[z] + k2[y] + k2[x]
                if k > 0:
                    wx, wy, wz = divergence[1, z, y, x], divergence[2, z, y, x], divergence[3, z, y, x]
                    d = (kappa[x] * wx + kappa[y] * wy + kappa[z] * wz) / k
                    f = factor / k
                    b[0, z, y, x] += f * (wx - kappa[x].conjugate() * d)
                    b[1, z, y, x] += f * (wy - kappa[y].conjugate() * d)
                    b[2, z, y, x] += f * (wz - kappa[z].conjugate() * d)


@njit(**OPTIONS)
def _transverse(vector, kappa, k2, factor):
    n = k2.shape[0]
    for plane in prange(n):
        z = np.int64(plane)
        for y in range(n):
            for x in range(vector.shape[3]):
                k = k2[z] + k2[y] + k2[x]
                if k > 0:
                    vx, vy, vz = vector[0, z, y, x], vector[1, z, y, x], vector[2, z, y, x]
                    d = (kappa[x] * vx + kappa[y] * vy + kappa[z] * vz) / k
                    f = factor / k
                    vector[0, z, y, x] = f * (vx - kappa[x].conjugate() * d)
                    vector[1, z, y, x] = f * (vy - kappa[y].conjugate() * d)
                    vector[2, z, y, x] = f * (vz - kappa[z].conjugate() * d)
                else:
                    vector[0, z, y, x] = 0
                    vector[1, z, y, x] = 0
                    vector[2, z, y, x] = 0


@njit(**OPTIONS)
def _add_realisation(unit, strength, window, windowed, factor, out):
    n = unit.shape[0]
    for plane in prange(n):
        z = np.int64(plane)
        mz = min(z, n - z)
        for y in range(n):
            my = min(y, n - y)
            for x in range(unit.shape[2]):
                scale = factor * strength[x * x + my * my + mz * mz]
                if windowed:
                    # the reference program's single-precision product
                    scale *= np.float64(window[x] * window[my] * window[mz])
                out[z, y, x] += scale * unit[z, y, x]


def divide_by_laplacian(modes, lattice, factor, shift=0.0, clear_zero_mode=False):
    """See ``reference.spectral.divide_by_laplacian``."""
    _divide(modes.numpy(), lattice.k2_numpy, factor, shift, clear_zero_mode)
    return modes


def solve_chi(divergence, lattice, out):
    """See ``reference.spectral.solve_chi``."""
    _chi(divergence.numpy(), lattice.kappa_numpy, lattice.k2_numpy, out.numpy())
    return out


def advance_b(divergence, lattice, factor, b):
    """See ``reference.spectral.advance_b``."""
    _b_advance(divergence.numpy(), lattice.kappa_numpy, lattice.k2_numpy, factor, b.numpy())
    return b


def transverse_part(vector, lattice, factor):
    """See ``reference.spectral.transverse_part``."""
    _transverse(vector.numpy(), lattice.kappa_numpy, lattice.k2_numpy, factor)
    return vector


def add_realisation(unit, strength, window, factor, out):
    """See ``reference.spectral.add_realisation``."""
    windowed = window is not None
    _add_realisation(
        unit.numpy(), strength, window if windowed else np.ones(1, np.float32), windowed, factor, out.numpy()
    )
    return out
