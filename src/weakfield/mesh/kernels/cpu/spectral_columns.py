"""Transforms of the spectral mesh along z, and what multiplies its modes, a block of columns at a time.

A block of columns at one y is transformed, multiplied and transformed back while it stays in a cache. Wavenumbers come
as ``waves`` (10, n + 8): k_i^2, k_i, 1 / W_i and 1, the last three zero on the Nyquist plane, and real and imaginary
part of exp(i k_i s / n) for each shift s of ``mesh.spectral.SHIFTS``.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels.cpu.simd import (
    INLINE,
    PARALLEL,
    SERIAL,
    WIDTH,
    load,
    load_complex,
    put,
    store,
    store_complex,
)
from weakfield.mesh.kernels.cpu.solvers import add_seeded, get_part, put_part
from weakfield.mesh.kernels.cpu.spectral_planes import place_of, plane_step
from weakfield.mesh.kernels.cpu.transform import BACKWARDS, FORWARDS, columns, load_sheet, store_sheet

#: rows of ``waves``
SQUARES, WAVENUMBERS, PER_WINDOW, ONES, PHASES = range(5)


@njit(**INLINE)
def _job(job, n, width):
    """Row, first column and number of columns of a block."""
    parts = (n // 2 + width - 1) // width
    first = (job % parts) * width
    return job // parts, first, min(width, n // 2 - first)


@njit(**INLINE)
def _jobs(n, width, thread, threads):
    """Blocks of a thread: the first, and the one after the last."""
    count = n * ((n // 2 + width - 1) // width)
    return thread * count // threads, (thread + 1) * count // threads


@njit(**SERIAL)
def _scale(block, n, count, pitch, along, across, factor):
    """Modes of a block in their order, times ``along`` z, ``across`` x and a factor."""
    for z in range(n):
        scale = along[z] * factor
        for x in range(0, count, WIDTH):
            p, weight = z * pitch + x, load(across, x) * scale
            store(block, p, load(block, p) * weight)
            store(block, n * pitch + p, load(block, n * pitch + p) * weight)


@njit(**SERIAL)
def _close(block, n, count, pitch, half, field, y, first, radices, twiddles, place):
    """The block transformed back along z into half-transformed modes."""
    columns(block, n, count, pitch, BACKWARDS, radices, twiddles)
    store_sheet(block, n, count, pitch, half, place_of(field, np.int64(0), y, n) + 2 * first, plane_step(n), place)


@njit(**SERIAL)
def _slope(block, slope, n, count, pitch, k):
    """The derivative along z of a block of modes in their order."""
    imaginary = n * pitch
    for z in range(n):
        kz = k[z]
        for p in range(z * pitch, z * pitch + count, WIDTH):
            re, im = load(block, p), load(block, imaginary + p)
            store(slope, p, im * -kz)
            store(slope, imaginary + p, re * kz)


@njit(**SERIAL)
def _difference(block, other, n, pitch):
    for p in range(0, 2 * n * pitch, WIDTH):
        store(other, p, load(block, p) - load(other, p))


@njit(**PARALLEL)
def solve(
    half, row, step, n, waves, compensation, scale, others, shifted, back, factor, shift, added, unit, strength,
    window, windowed, weight, blocks, radices, twiddles, place,
):  # fmt: skip
    """Half-transformed modes -> those times ``scale`` and a row of ``waves``, with seeded ones added.

    The modes of ``others`` deposits, fields 1, 2, ... of ``shifted``, are each carried back and added first.

    In place, ``back`` along z; or else factor / (k^2 + shift) times as much, whole, which has Nyquist columns.
    """
    threads, pitch, mesh, real = blocks.shape[0], blocks.shape[2] // (2 * n), n // 2 + 1, waves.dtype.type
    width, imaginary, scale, factor, shift = pitch - WIDTH, n * pitch, real(scale), real(factor), real(shift)
    for thread in prange(threads):
        work, solved = blocks[thread, 0], blocks[thread, 1]
        squares, weights = waves[0], waves[compensation]
        begin, end = _jobs(n, width, thread, threads)
        for job in range(begin, end):
            y, first, count = _job(job, n, width)
            at = y * row + 2 * first
            load_sheet(half, at, step, n, count, pitch, work)
            columns(work, n, count, pitch, FORWARDS, radices, twiddles)
            for i in range(others):
                other, cosine, sine = blocks[thread, 2], waves[PHASES + 2 * i], waves[PHASES + 2 * i + 1]
                at_other = place_of(np.int64(i + 1), np.int64(0), y, n) + 2 * first
                load_sheet(shifted, at_other, plane_step(n), n, count, pitch, other)
                columns(other, n, count, pitch, FORWARDS, radices, twiddles)
                for z in range(n):
                    cos, sin = cosine[z] * cosine[y] - sine[z] * sine[y], sine[z] * cosine[y] + cosine[z] * sine[y]
                    for x in range(0, count, WIDTH):
                        p = place[z] * pitch + x
                        re, im = get_part(work, p, imaginary)
                        a, b = get_part(other, p, imaginary)
                        c, s = load(cosine, first + x), load(sine, first + x)
                        c, s = c * cos - s * sin, s * cos + c * sin
                        put_part(work, p, imaginary, (re + (a * c - b * s), im + (a * s + b * c)))
            for z in range(n):
                across = weights[z] * weights[y] * scale
                for x in range(0, count, WIDTH):
                    re, im = get_part(work, place[z] * pitch + x, imaginary)
                    w = load(weights, first + x) * across
                    put_part(solved, z * pitch + x, imaginary, (re * w, im * w))
                if added:
                    add_seeded(
                        solved, z * pitch, imaginary, first, count, y, z, n, unit, (z * n + y) * mesh + first, strength,
                        window, windowed, weight,
                    )  # fmt: skip
            if back:
                columns(solved, n, count, pitch, BACKWARDS, radices, twiddles)
                store_sheet(solved, n, count, pitch, half, at, step, place)
            else:
                for z in range(n):
                    to, k_row = at + z * step, squares[z] + squares[y] + shift
                    for x in range(0, count, WIDTH):
                        re, im = get_part(solved, z * pitch + x, imaginary)
                        w = factor / (load(squares, first + x) + k_row)
                        store_complex(half, to + 2 * x, re * w, im * w)
                    if first + count == n // 2:
                        half[to + 2 * count] = half[to + 2 * count + 1] = 0
                if y == 0 and first == 0 and shift == 0:
                    half[0] = half[1] = 0


@njit(**PARALLEL)
def back(modes, other, groups, fields, n, waves, compensation, half, blocks, radices, twiddles, place):
    """So many ``fields`` of modes times a row of ``waves``, back along z.

    Or ``groups``: a field and its derivative along z; and in a second one those of what is left without ``other``.
    """
    threads, pitch, mesh = blocks.shape[0], blocks.shape[2] // (2 * n), n // 2 + 1
    width = pitch - WIDTH
    for thread in prange(threads):
        a, b, c = blocks[thread, 0], blocks[thread, 1], blocks[thread, 2]
        w, k = waves[compensation], waves[1]
        begin, end = _jobs(n, width, thread, threads)
        for job in range(begin, end):
            y, first, count = _job(job, n, width)
            at, step = 2 * (y * mesh + first), 2 * n * mesh
            for field in range(fields):
                load_sheet(modes, at + field * n * step, step, n, count, pitch, a)
                _scale(a, n, count, pitch, w, w[first:], w[y])
                if groups == 0:
                    _close(a, n, count, pitch, half, field, y, first, radices, twiddles, place)
            if groups == 2:
                load_sheet(other, at, step, n, count, pitch, b)
                _scale(b, n, count, pitch, w, w[first:], w[y])
                _difference(a, b, n, pitch)
            for group in range(groups):
                block = b if group == 1 else a
                _slope(block, c, n, count, pitch, k)
                _close(block, n, count, pitch, half, 2 * group, y, first, radices, twiddles, place)
                _close(c, n, count, pitch, half, 2 * group + 1, y, first, radices, twiddles, place)


@njit(**INLINE)
def _first(value, spare, number):
    """A vector with its first number replaced."""
    store(spare, 0, value)
    put(spare, 0, number)
    return load(spare, 0)


@njit(**PARALLEL)
def stress(
    half, n, waves, now, ahead, chi, vector, b, b_now, added, unit, strength, window, windowed, weight, blocks,
    radices, twiddles, place,
):  # fmt: skip
    """What ``spectral_planes.stress_of`` leaves -> chi and a^2 B; chi back along z into field 0 of ``half``.

    With kappa^2 T_z = (kappa^2 - k_z^2) C + k_z (kappa^2 S_zz - A), over k^2, and R = V_0 + k_z V_1 the transverse part
    of v_i is T_x = -(k_y R + k_x k_z T_z) / kappa^2 and T_y = (k_x R - k_y k_z T_z) / kappa^2.
    """
    threads, pitch, mesh, real = blocks.shape[0], blocks.shape[2] // (2 * n), n // 2 + 1, waves.dtype.type
    width, imaginary, cube, many = pitch - WIDTH, n * pitch, n * n * mesh, 5 if vector else 3
    one, two, third, sixth, half_one = real(1), real(2), real(1 / 3), real(-1 / 6), real(0.5)
    now, ahead = real(now), real(ahead)
    for thread in prange(threads):
        spare, mine = np.zeros(2 * WIDTH, half.dtype), blocks[thread]
        solved = mine[10]
        begin, end = _jobs(n, width, thread, threads)
        for job in range(begin, end):
            y, first, count = _job(job, n, width)
            step, ky = plane_step(n), waves[1, y]
            for field in range(2 * many):
                load_sheet(half, place_of(field, 0, y, n) + 2 * first, step, n, count, pitch, mine[field])
                columns(mine[field], n, count, pitch, FORWARDS, radices, twiddles)
            for z in range(n):
                kz, w, v = waves[1, z], waves[2, z], waves[3, z]
                mode = (z * n + y) * mesh + first
                for x in range(0, count, WIDTH):
                    p = place[z] * pitch + x
                    flat = load(waves[0], first + x) + waves[0, y]
                    mean = y == 0 and first + x == 0
                    inverse = flat + waves[0, z]
                    if mean and z == 0:
                        inverse = _first(inverse, spare, one)
                    inverse = one / inverse
                    u0r, u0i = _both(mine[0], mine[many], p, imaginary, w, v)
                    u1r, u1i = _both(mine[1], mine[many + 1], p, imaginary, w, v)
                    u2r, u2i = _both(mine[2], mine[many + 2], p, imaginary, w, v)
                    weigh = half_one * inverse * inverse
                    put_part(
                        solved, z * pitch + x, imaginary,
                        ((u0r + kz * (u1r + kz * u2r)) * weigh, (u0i + kz * (u1i + kz * u2i)) * weigh),
                    )  # fmt: skip
                    if vector:
                        v0r, v0i = _both(mine[3], mine[many + 3], p, imaginary, w, v)
                        v1r, v1i = _both(mine[4], mine[many + 4], p, imaginary, w, v)
                        kx = load(waves[1], first + x)
                        c = (flat - kz * kz) * sixth
                        tzr = (c * u1r + (u0r - flat * u2r) * (third * kz)) * inverse
                        tzi = (c * u1i + (u0i - flat * u2i) * (third * kz)) * inverse
                        rr, ri = v0r + kz * v1r, v0i + kz * v1i
                        if mean:
                            flat = _first(flat, spare, one)
                        flat = one / flat
                        mr, mi = kz * tzr, kz * tzi
                        txr, txi = (rr * -ky - kx * mr) * flat, (ri * -ky - kx * mi) * flat
                        tyr, tyi = (kx * rr - ky * mr) * flat, (kx * ri - ky * mi) * flat
                        if mean:  # there the two V are S_xz and S_yz
                            put_part(spare, 0, np.int64(WIDTH), (v0r, v0i))
                            txr0, txi0 = spare[0] * kz, spare[WIDTH] * kz
                            put_part(spare, 0, np.int64(WIDTH), (v1r, v1i))
                            tyr0, tyi0 = spare[0] * kz, spare[WIDTH] * kz
                            txr, txi = _first(txr, spare, txr0), _first(txi, spare, txi0)
                            tyr, tyi = _first(tyr, spare, tyr0), _first(tyi, spare, tyi0)
                        rate, minus = two * inverse, -two * inverse
                        _move(b, b_now, mode + x, txi * rate, txr * minus, now, ahead)
                        _move(b, b_now, cube + mode + x, tyi * rate, tyr * minus, now, ahead)
                        _move(b, b_now, 2 * cube + mode + x, tzi * rate, tzr * minus, now, ahead)
                if added:
                    add_seeded(
                        solved, z * pitch, imaginary, first, count, y, z, n, unit, mode, strength, window, windowed,
                        weight,
                    )  # fmt: skip
                for x in range(0, count, WIDTH):
                    re, im = get_part(solved, z * pitch + x, imaginary)
                    store_complex(chi, 2 * (mode + x), re, im)
                if first + count == n // 2:
                    end_of_row = mode + count
                    chi[2 * end_of_row] = chi[2 * end_of_row + 1] = 0
                    if vector:
                        for i in range(3):
                            m = 2 * (i * cube + end_of_row)
                            b[m] = b[m + 1] = b_now[m] = b_now[m + 1] = 0
            _close(solved, n, count, pitch, half, np.int64(0), y, first, radices, twiddles, place)


@njit(**INLINE)
def _both(deposited, products, p, imaginary, w, v):
    """The modes of both parts of the stress: of particles, over the window along z, and of phi."""
    return (
        load(deposited, p) * w + load(products, p) * v,
        load(deposited, imaginary + p) * w + load(products, imaginary + p) * v,
    )


@njit(**INLINE)
def _move(b, b_now, mode, re, im, now, ahead):
    old = load_complex(b, 2 * mode)
    r, i = old[0] + now * re, old[1] + now * im
    store_complex(b_now, 2 * mode, r, i)
    store_complex(b, 2 * mode, r + ahead * re, i + ahead * im)
