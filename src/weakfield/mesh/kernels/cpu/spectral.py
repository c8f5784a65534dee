"""Solutions of the field equations mode by mode (EQUATIONS 5)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numba import njit, prange

from weakfield.mesh.kernels.cpu.simd import INLINE, PARALLEL, WIDTH, load, load_complex, store_complex
from weakfield.mesh.lattice import Lattice

# khat = 2 n sin(pi i / n); kappa = khat exp(-i pi / n) moves a link quantity back to the node.
# Modes are pairs of numbers, eight of them side by side along x. Wavenumbers come as ``waves`` (3, n + 8): K_i, and
# real and imaginary part of kappa_i.


@njit(**INLINE)
def get_modes(modes, at, count, spare):
    """Real and imaginary parts of ``count`` (up to eight) modes from mode ``at`` on."""
    if count == WIDTH:
        return load_complex(modes, 2 * at)
    for i in range(2 * count):
        spare[i] = modes[2 * at + i]
    return load_complex(spare, 0)


@njit(**INLINE)
def put_modes(modes, at, count, spare, value):
    """The inverse of ``get_modes``."""
    if count == WIDTH:
        store_complex(modes, 2 * at, value[0], value[1])
    else:
        store_complex(spare, 0, value[0], value[1])
        for i in range(2 * count):
            modes[2 * at + i] = spare[i]


@njit(**INLINE)
def times(a, b):
    """Complex product; a holds vectors, b vectors or numbers."""
    return a[0] * b[0] - a[1] * b[1], a[1] * b[0] + a[0] * b[1]


@njit(**INLINE)
def times_conjugate(a, b):
    """a b*."""
    return a[0] * b[0] + a[1] * b[1], a[1] * b[0] - a[0] * b[1]


@njit(**INLINE)
def contraction(vx, vy, vz, kx, ky, kz):
    """kappa_m V_m."""
    a, b, c = times(vx, kx), times(vy, ky), times(vz, kz)
    return a[0] + b[0] + c[0], a[1] + b[1] + c[1]


@njit(**INLINE)
def transverse(vx, vy, vz, kx, ky, kz, inverse, factor):
    """factor (V_i - kappa_i* (kappa V) / K) / K."""
    d = contraction(vx, vy, vz, kx, ky, kz)
    d, f = (d[0] * inverse, d[1] * inverse), factor * inverse
    a, b, c = times_conjugate(d, kx), times_conjugate(d, ky), times_conjugate(d, kz)
    return (
        (f * (vx[0] - a[0]), f * (vx[1] - a[1])),
        (f * (vy[0] - b[0]), f * (vy[1] - b[1])),
        (f * (vz[0] - c[0]), f * (vz[1] - c[1])),
    )


@njit(**INLINE)
def chi_mode(trace, d, k, three_n, inverse):
    """(K tr S - 3 D) inverse, with D = sum kappa_m V_m = -i n d and inverse = 1 / (2 K^2 N) (EQUATIONS 5.2)."""
    return (k * trace[0] - three_n * d[1]) * inverse, (k * trace[1] + three_n * d[0]) * inverse


@njit(**PARALLEL)
def _divide(modes, waves, n, factor, shift, zero_mode):
    half = n // 2 + 1
    flat, factor, shift = waves.reshape(-1), waves.dtype.type(factor), waves.dtype.type(shift)
    mean_re, mean_im = modes[0], modes[1]
    for plane in prange(n):
        z = np.int64(plane)
        spare = np.zeros(2 * WIDTH, modes.dtype)
        for y in range(n):
            k_row, at = waves[0, z] + waves[0, y] + shift, (z * n + y) * half
            for x in range(0, half, WIDTH):
                count = min(WIDTH, half - x)
                scale = factor / (load(flat, x) + k_row)
                re, im = get_modes(modes, at + x, count, spare)
                put_modes(modes, at + x, count, spare, (re * scale, im * scale))
    if zero_mode:
        modes[0] = modes[1] = 0
    elif shift == 0:
        modes[0], modes[1] = mean_re, mean_im


@njit(**PARALLEL)
def _chi(modes, waves, n, out):
    half, size = n // 2 + 1, n + WIDTH
    field = n * n * half
    flat, real = waves.reshape(-1), waves.dtype.type
    per, three = real(0.5 / n), real(3 * n)
    for plane in prange(n):
        z = np.int64(plane)
        spare = np.zeros(2 * WIDTH, modes.dtype)
        kz = waves[1, z], waves[2, z]
        for y in range(n):
            ky = waves[1, y], waves[2, y]
            k_row, at = waves[0, z] + waves[0, y], (z * n + y) * half
            for x in range(0, half, WIDTH):
                count, m = min(WIDTH, half - x), at + x
                kx, k = (load(flat, size + x), load(flat, 2 * size + x)), load(flat, x) + k_row
                trace = get_modes(modes, m, count, spare)
                wx, wy, wz = (
                    get_modes(modes, field + m, count, spare), get_modes(modes, 2 * field + m, count, spare),
                    get_modes(modes, 3 * field + m, count, spare),
                )  # fmt: skip
                put_modes(
                    out, m, count, spare, chi_mode(trace, contraction(wx, wy, wz, kx, ky, kz), k, three, per / (k * k))
                )
    out[0] = out[1] = 0


@njit(**PARALLEL)
def _solve_vector(modes, first, waves, n, factor, add, out):
    """Transverse part of the vector that starts at field ``first`` of ``modes``, into or added to ``out``."""
    half, size = n // 2 + 1, n + WIDTH
    field = n * n * half
    flat, one, factor = waves.reshape(-1), waves.dtype.type(1), waves.dtype.type(factor)
    means = out[0], out[1], out[2 * field], out[2 * field + 1], out[4 * field], out[4 * field + 1]
    for plane in prange(n):
        z = np.int64(plane)
        spare = np.zeros(2 * WIDTH, modes.dtype)
        kz = waves[1, z], waves[2, z]
        for y in range(n):
            ky = waves[1, y], waves[2, y]
            k_row, at = waves[0, z] + waves[0, y], (z * n + y) * half
            for x in range(0, half, WIDTH):
                count, m = min(WIDTH, half - x), at + x
                kx, k = (load(flat, size + x), load(flat, 2 * size + x)), load(flat, x) + k_row
                vx = get_modes(modes, first * field + m, count, spare)
                vy = get_modes(modes, (first + 1) * field + m, count, spare)
                vz = get_modes(modes, (first + 2) * field + m, count, spare)
                bx, by, bz = transverse(vx, vy, vz, kx, ky, kz, one / k, factor)
                if add:
                    old = get_modes(out, m, count, spare)
                    bx = bx[0] + old[0], bx[1] + old[1]
                    old = get_modes(out, field + m, count, spare)
                    by = by[0] + old[0], by[1] + old[1]
                    old = get_modes(out, 2 * field + m, count, spare)
                    bz = bz[0] + old[0], bz[1] + old[1]
                put_modes(out, m, count, spare, bx)
                put_modes(out, field + m, count, spare, by)
                put_modes(out, 2 * field + m, count, spare, bz)
    for i in range(3):
        if add:
            out[2 * i * field], out[2 * i * field + 1] = means[2 * i], means[2 * i + 1]
        else:
            out[2 * i * field] = out[2 * i * field + 1] = 0


@njit(**PARALLEL)
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


@lru_cache(maxsize=8)
def waves_of(n, dtype):
    """K_i and kappa_i of a lattice of ``n`` sites, with room for eight more."""
    lattice = Lattice(n)
    waves = np.ones((3, n + WIDTH), dtype)
    waves[:, :n] = lattice.k2_numpy, lattice.kappa_numpy.real, lattice.kappa_numpy.imag
    return waves


def pairs_of(modes):
    """Complex numbers as flat pairs."""
    return torch.view_as_real(modes).numpy().reshape(-1)


def divide_by_laplacian(modes, lattice, factor, shift=0.0, clear_zero_mode=False):
    """See ``reference.spectral.divide_by_laplacian``."""
    pairs = pairs_of(modes)
    _divide(pairs, waves_of(lattice.n, pairs.dtype), lattice.n, factor, shift, clear_zero_mode)
    return modes


def solve_chi(divergence, lattice, out):
    """See ``reference.spectral.solve_chi``."""
    pairs = pairs_of(divergence)
    _chi(pairs, waves_of(lattice.n, pairs.dtype), lattice.n, pairs_of(out))
    return out


def advance_b(divergence, lattice, factor, b):
    """See ``reference.spectral.advance_b``."""
    pairs = pairs_of(divergence)
    _solve_vector(pairs, 1, waves_of(lattice.n, pairs.dtype), lattice.n, factor, True, pairs_of(b))
    return b


def transverse_part(vector, lattice, factor):
    """See ``reference.spectral.transverse_part``."""
    pairs = pairs_of(vector)
    _solve_vector(pairs, 0, waves_of(lattice.n, pairs.dtype), lattice.n, factor, False, pairs)
    return vector


def add_realisation(unit, strength, window, factor, out):
    """See ``reference.spectral.add_realisation``."""
    windowed = window is not None
    _add_realisation(
        unit.numpy(), strength, window if windowed else np.ones(1, np.float32), windowed, factor, out.numpy()
    )
    return out
