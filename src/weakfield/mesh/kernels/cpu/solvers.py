"""Field equations solved column by column: transform along z, solve, transform back, in one pass over memory.

The transforms along x and y before and after are ``transform``'s. A block of columns at one y stays in cache with all
its fields; fully transformed modes never reach memory, except those of B, which are carried between cycles.
"""

from __future__ import annotations

from functools import lru_cache
from threading import get_ident

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels.cpu.simd import INLINE, PARALLEL, SERIAL, WIDTH, aligned_zeros, load, store
from weakfield.mesh.kernels.cpu.spectral import (
    chi_mode,
    contraction,
    get_modes,
    pairs_of,
    put_modes,
    transverse,
    waves_of,
)
from weakfield.mesh.kernels.cpu.transform import (
    BACKWARDS,
    FORWARDS,
    columns,
    fits,
    load_sheet,
    plan,
    planes_backward,
    planes_forward,
    store_sheet,
)
from weakfield.mesh.threads import current_threads

#: columns of a block, and how far its rows are apart: an odd number of cache lines in double precision
_BLOCK, _PITCH = 3 * WIDTH, np.int64(3 * WIDTH)


@njit(**INLINE)
def get_part(block, at, imaginary):
    return load(block, at), load(block, imaginary + at)


@njit(**INLINE)
def put_part(block, at, imaginary, value):
    store(block, at, value[0])
    store(block, imaginary + at, value[1])


@njit(**SERIAL)
def add_seeded(block, p, imaginary, x, count, y, z, n, unit, at, strength, window, windowed, factor):
    """Add factor x strength(n^2) x window x unit mode to ``count`` modes from n_x = x on, a whole row of a block.

    One loop or the other, with nothing to decide inside: the compiler does several modes at once then.
    """
    my, mz = min(y, n - y), min(z, n - z)
    square = my * my + mz * mz
    if windowed:  # the reference program's single-precision product
        wy, wz = window[my], window[mz]
        for i in range(count):
            m = x + i
            scale = factor * strength[m * m + square] * np.float64(window[m] * wy * wz)
            block[p + i] += scale * unit[at + i].real
            block[imaginary + p + i] += scale * unit[at + i].imag
    else:
        for i in range(count):
            m = x + i
            scale = factor * strength[m * m + square]
            block[p + i] += scale * unit[at + i].real
            block[imaginary + p + i] += scale * unit[at + i].imag


@njit(**PARALLEL)
def _potential(
    modes, n, waves, factor, shift, zero_mode, added, unit, strength, window, windowed, weight, blocks, radices,
    twiddles, place, means,
):  # fmt: skip
    """modes -> transform along z of (modes + added) factor / (K + shift), back along z."""
    half, imaginary = n // 2 + 1, n * _PITCH
    factor, shift, flat = waves.dtype.type(factor), waves.dtype.type(shift), waves.reshape(-1)
    threads, parts = blocks.shape[0], (half + _BLOCK - 1) // _BLOCK
    for thread in prange(threads):
        work, solved = blocks[thread, 0], blocks[thread, 1]
        for job in range(thread * n * parts // threads, (thread + 1) * n * parts // threads):
            y, first = job // parts, (job % parts) * _BLOCK
            count = min(_BLOCK, half - first)
            at, step = 2 * (y * half + first), 2 * n * half
            load_sheet(modes, at, step, n, count, _PITCH, work)
            columns(work, n, count, _PITCH, FORWARDS, radices, twiddles)
            for z in range(n):
                k_row = waves[0, z] + waves[0, y] + shift
                if added:
                    add_seeded(
                        work, place[z] * _PITCH, imaginary, first, count, y, z, n, unit, (z * n + y) * half + first,
                        strength, window, windowed, weight,
                    )  # fmt: skip
                for x in range(0, count, WIDTH):
                    p = place[z] * _PITCH + x
                    re, im = get_part(work, p, imaginary)
                    scale = factor / (load(flat, first + x) + k_row)
                    put_part(solved, z * _PITCH + x, imaginary, (re * scale, im * scale))
                if y == 0 and z == 0 and first == 0:
                    if zero_mode:
                        solved[0] = solved[imaginary] = 0
                    means[0] = solved[0]
            columns(solved, n, count, _PITCH, BACKWARDS, radices, twiddles)
            store_sheet(solved, n, count, _PITCH, modes, at, step, place)


@njit(**PARALLEL)
def _chi_and_b(
    modes, n, waves, vector, now, ahead, b, added, unit, strength, window, windowed, weight, blocks, radices, twiddles,
    place,
):  # fmt: skip
    """Trace and divergence of S_ij -> chi, and with ``vector`` B after an increment ``now``, back along z.

    b is left with the increment ``now`` + ``ahead``.
    """
    half, size, imaginary = n // 2 + 1, n + WIDTH, n * _PITCH
    field, flat, real = 2 * n * n * half, waves.reshape(-1), waves.dtype.type
    per, three, one, now, ahead = real(0.5 / n), real(3 * n), real(1), real(now), real(ahead)
    threads, parts = blocks.shape[0], (half + _BLOCK - 1) // _BLOCK
    for thread in prange(threads):
        spare = np.zeros(2 * WIDTH, modes.dtype)
        mine = blocks[thread]
        for job in range(thread * n * parts // threads, (thread + 1) * n * parts // threads):
            y, first = job // parts, (job % parts) * _BLOCK
            count = min(_BLOCK, half - first)
            at, step = 2 * (y * half + first), 2 * n * half
            for i in range(4):
                load_sheet(modes, i * field + at, step, n, count, _PITCH, mine[i])
                columns(mine[i], n, count, _PITCH, FORWARDS, radices, twiddles)
            ky = waves[1, y], waves[2, y]
            for z in range(n):
                kz, k_row = (waves[1, z], waves[2, z]), waves[0, z] + waves[0, y]
                for x in range(0, count, WIDTH):
                    p, to, many = place[z] * _PITCH + x, z * _PITCH + x, min(WIDTH, count - x)
                    k = load(flat, first + x) + k_row
                    kx = load(flat, size + first + x), load(flat, 2 * size + first + x)
                    inverse = one / k
                    wx, wy = get_part(mine[1], p, imaginary), get_part(mine[2], p, imaginary)
                    wz = get_part(mine[3], p, imaginary)
                    d = contraction(wx, wy, wz, kx, ky, kz)
                    chi = chi_mode(get_part(mine[0], p, imaginary), d, k, three, per * inverse * inverse)
                    put_part(mine[4], to, imaginary, chi)
                    if vector:
                        mode = (z * n + y) * half + first + x
                        rates = transverse(wx, wy, wz, kx, ky, kz, inverse, one)
                        if y == 0 and z == 0 and first + x == 0:
                            rates = _without_mean(rates, spare)
                        for i in range(3):
                            old = get_modes(b, i * (field // 2) + mode, many, spare)
                            rate = rates[i]
                            new = old[0] + now * rate[0], old[1] + now * rate[1]
                            put_part(mine[5 + i], to, imaginary, new)
                            new = new[0] + ahead * rate[0], new[1] + ahead * rate[1]
                            put_modes(b, i * (field // 2) + mode, many, spare, new)
                if added:
                    add_seeded(
                        mine[4], z * _PITCH, imaginary, first, count, y, z, n, unit, (z * n + y) * half + first,
                        strength, window, windowed, weight,
                    )  # fmt: skip
                if y == 0 and z == 0 and first == 0:
                    mine[4, 0] = mine[4, imaginary] = 0
            columns(mine[4], n, count, _PITCH, BACKWARDS, radices, twiddles)
            store_sheet(mine[4], n, count, _PITCH, modes, at, step, place)
            if vector:
                for i in range(3):
                    columns(mine[5 + i], n, count, _PITCH, BACKWARDS, radices, twiddles)
                    store_sheet(mine[5 + i], n, count, _PITCH, modes, (1 + i) * field + at, step, place)


@njit(**INLINE)
def _first_zero(value, spare):
    """A complex vector without its first number."""
    store(spare, 0, value[0])
    store(spare, WIDTH, value[1])
    spare[0] = spare[WIDTH] = 0
    return load(spare, 0), load(spare, WIDTH)


@njit(**INLINE)
def _without_mean(rates, spare):
    return _first_zero(rates[0], spare), _first_zero(rates[1], spare), _first_zero(rates[2], spare)


@lru_cache(maxsize=2)
def _blocks(n, dtype, threads, fields, caller):
    return aligned_zeros((threads, fields, 2 * n * _PITCH), dtype)


def seeded(addition):
    """Arguments of an addition of seeded modes: whether there is one, unit modes, strength, window, weight."""
    if addition is None:
        return False, np.zeros(1, np.complex128), np.zeros(1), np.ones(1, np.float32), False, 0.0
    unit, strength, window, weight = addition
    windowed = window is not None
    return True, unit.numpy().reshape(-1), strength, window if windowed else np.ones(1, np.float32), windowed, weight


def takes(n):
    """Whether cubes of side ``n`` are solved here."""
    return fits(n)


def solve_potential(source, modes, lattice, equation, out):
    """See ``mesh.solvers.solve_potential``."""
    n, threads, kind = lattice.n, current_threads(), source.numpy().dtype
    p, pairs, means = plan(n, kind), pairs_of(modes), np.zeros(1)
    planes_forward(source.numpy(), modes.numpy(), threads)
    _potential(
        pairs, n, waves_of(n, kind), equation.factor, equation.shift, equation.clear_zero_mode,
        *seeded(equation.addition),
        _blocks(n, kind, threads, 2, get_ident()), p.radices, p.twiddles, p.place, means,
    )  # fmt: skip
    planes_backward(modes.numpy(), out.numpy(), 1.0, threads)
    return float(means[0])


def solve_chi_and_b(divergence, modes, lattice, addition, chi, b):
    """See ``mesh.solvers.solve_chi_and_b``."""
    n, threads, kind = lattice.n, current_threads(), divergence.numpy().dtype
    p, vector = plan(n, kind), b is not None
    b_modes, now, ahead = (b.modes, b.now, b.ahead) if vector else (modes[1:], 0.0, 0.0)
    planes_forward(divergence.numpy(), modes.numpy(), threads)
    _chi_and_b(
        pairs_of(modes), n, waves_of(n, kind), vector, now, ahead, pairs_of(b_modes), *seeded(addition),
        _blocks(n, kind, threads, 8, get_ident()), p.radices, p.twiddles, p.place,
    )  # fmt: skip
    planes_backward(modes[0].numpy(), chi.numpy(), 1.0, threads)
    if vector:
        planes_backward(modes[1:].numpy(), b.out.numpy(), 1.0, threads)
