"""The functions of ``mesh.spectral`` in few passes over memory, for sides that ``transform`` takes.

Along z a block of columns at one y is transformed, multiplied by the symbols and transformed back while it stays in a
cache; along x and y see ``spectral_planes``. Nyquist planes are taken for zero: their columns are not transformed.
Every number is computed the same way whatever the number of threads.
"""

from __future__ import annotations

from functools import lru_cache
from threading import get_ident

import numpy as np
import torch
from numba import njit, prange

from weakfield.mesh import spectral as definition
from weakfield.mesh.kernels.cpu import spectral_planes as planes
from weakfield.mesh.kernels.cpu.simd import (
    INLINE,
    PARALLEL,
    SERIAL,
    WIDTH,
    aligned_zeros,
    load,
    load_complex,
    put,
    store,
    store_complex,
    streams,
)
from weakfield.mesh.kernels.cpu.solvers import add_seeded, get_part, put_part, seeded
from weakfield.mesh.kernels.cpu.spectral import pairs_of
from weakfield.mesh.kernels.cpu.spectral_planes import place_of, plane_step
from weakfield.mesh.kernels.cpu.transform import BACKWARDS, FORWARDS, columns, fits, load_sheet, plan, store_sheet
from weakfield.mesh.threads import current_threads

#: half-transformed fields of work space: what ``solve_stress`` needs
_FIELDS = 10
#: bytes of a block's row beside each other, real or imaginary parts
_BLOCK = 128

# What a kernel knows of wavenumbers is ``waves`` (4, n + 8): k_i^2, k_i, 1 / W_i and 1, the last three zero on the
# Nyquist plane.


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
def _close_with_slope(block, slope, n, count, pitch, k, half, field, y, first, radices, twiddles, place):
    """The same of the block and of its derivative along z."""
    imaginary = n * pitch
    for z in range(n):
        kz = k[z]
        for p in range(z * pitch, z * pitch + count, WIDTH):
            re, im = load(block, p), load(block, imaginary + p)
            store(slope, p, im * -kz)
            store(slope, imaginary + p, re * kz)
    _close(block, n, count, pitch, half, field, y, first, radices, twiddles, place)
    _close(slope, n, count, pitch, half, field + 1, y, first, radices, twiddles, place)


@njit(**SERIAL)
def _difference(block, other, n, pitch):
    for p in range(0, 2 * n * pitch, WIDTH):
        store(other, p, load(block, p) - load(other, p))


@njit(**PARALLEL)
def _contrast(half, n, waves, scale, added, unit, strength, window, windowed, weight, blocks, radices, twiddles, place):
    """Half-transformed modes -> those times ``scale`` / W, with seeded ones added."""
    threads, pitch, mesh = blocks.shape[0], blocks.shape[2] // (2 * n), n // 2 + 1
    width, imaginary, scale = pitch - WIDTH, n * pitch, waves.dtype.type(scale)
    for thread in prange(threads):
        work, solved = blocks[thread, 0], blocks[thread, 1]
        begin, end = _jobs(n, width, thread, threads)
        for job in range(begin, end):
            y, first, count = _job(job, n, width)
            at, step = place_of(np.int64(0), np.int64(0), y, n) + 2 * first, plane_step(n)
            load_sheet(half, at, step, n, count, pitch, work)
            columns(work, n, count, pitch, FORWARDS, radices, twiddles)
            for z in range(n):
                row = waves[2, z] * waves[2, y] * scale
                for x in range(0, count, WIDTH):
                    re, im = get_part(work, place[z] * pitch + x, imaginary)
                    w = load(waves[2], first + x) * row
                    put_part(solved, z * pitch + x, imaginary, (re * w, im * w))
                if added:
                    add_seeded(
                        solved, z * pitch, imaginary, first, count, y, z, n, unit, (z * n + y) * mesh + first, strength,
                        window, windowed, weight,
                    )  # fmt: skip
            columns(solved, n, count, pitch, BACKWARDS, radices, twiddles)
            store_sheet(solved, n, count, pitch, half, at, step, place)


@njit(**PARALLEL)
def _potential(
    modes, n, waves, compensation, scale, factor, shift, added, unit, strength, window, windowed, weight, blocks,
    radices, twiddles, place,
):  # fmt: skip
    """Half-transformed modes (n, n, n//2+1) -> factor (modes + added) / (k^2 + shift), whole, in place.

    Modes are first multiplied by ``scale`` and row ``compensation`` of ``waves``.
    """
    threads, pitch, mesh, real = blocks.shape[0], blocks.shape[2] // (2 * n), n // 2 + 1, waves.dtype.type
    width, imaginary, scale, factor, shift = pitch - WIDTH, n * pitch, real(scale), real(factor), real(shift)
    for thread in prange(threads):
        work = blocks[thread, 0]
        begin, end = _jobs(n, width, thread, threads)
        for job in range(begin, end):
            y, first, count = _job(job, n, width)
            at, step = 2 * (y * mesh + first), 2 * n * mesh
            load_sheet(modes, at, step, n, count, pitch, work)
            columns(work, n, count, pitch, FORWARDS, radices, twiddles)
            for z in range(n):
                row, k_row = waves[compensation, z] * waves[compensation, y] * scale, waves[0, z] + waves[0, y] + shift
                p, to = place[z] * pitch, at + z * step
                for x in range(0, count, WIDTH):
                    re, im = get_part(work, p + x, imaginary)
                    w = load(waves[compensation], first + x) * row
                    put_part(work, p + x, imaginary, (re * w, im * w))
                if added:
                    add_seeded(
                        work, p, imaginary, first, count, y, z, n, unit, (z * n + y) * mesh + first, strength, window,
                        windowed, weight,
                    )  # fmt: skip
                mean_re, mean_im = work[p], work[imaginary + p]
                for x in range(0, count, WIDTH):
                    re, im = get_part(work, p + x, imaginary)
                    w = factor / (load(waves[0], first + x) + k_row)
                    store_complex(modes, to + 2 * x, re * w, im * w)
                if y == 0 and z == 0 and first == 0:
                    w = factor / shift if shift != 0 else real(0)
                    modes[0], modes[1] = mean_re * w, mean_im * w
                if first + count == n // 2:
                    modes[to + 2 * count] = modes[to + 2 * count + 1] = 0


@njit(**PARALLEL)
def _with_slopes(phi, chi, psi_too, n, waves, compensation, half, blocks, radices, twiddles, place):
    """phi and its derivative along z, back along z; and those of psi = phi - chi."""
    threads, pitch, mesh = blocks.shape[0], blocks.shape[2] // (2 * n), n // 2 + 1
    width = pitch - WIDTH
    for thread in prange(threads):
        a, b, c = blocks[thread, 0], blocks[thread, 1], blocks[thread, 2]
        begin, end = _jobs(n, width, thread, threads)
        for job in range(begin, end):
            y, first, count = _job(job, n, width)
            at, step, w, k = 2 * (y * mesh + first), 2 * n * mesh, waves[compensation], waves[1]
            load_sheet(phi, at, step, n, count, pitch, a)
            _scale(a, n, count, pitch, w, w[first:], w[y])
            if psi_too:
                load_sheet(chi, at, step, n, count, pitch, b)
                _scale(b, n, count, pitch, w, w[first:], w[y])
                _difference(a, b, n, pitch)
                _close_with_slope(b, c, n, count, pitch, k, half, np.int64(2), y, first, radices, twiddles, place)
            _close_with_slope(a, c, n, count, pitch, k, half, np.int64(0), y, first, radices, twiddles, place)


@njit(**PARALLEL)
def _back(modes, fields, n, waves, compensation, half, blocks, radices, twiddles, place):
    """So many fields back along z."""
    threads, pitch, mesh = blocks.shape[0], blocks.shape[2] // (2 * n), n // 2 + 1
    width = pitch - WIDTH
    for thread in prange(threads):
        a = blocks[thread, 0]
        begin, end = _jobs(n, width, thread, threads)
        for job in range(begin, end):
            y, first, count = _job(job, n, width)
            at, step, w = 2 * (y * mesh + first), 2 * n * mesh, waves[compensation]
            for field in range(fields):
                load_sheet(modes, at + field * n * step, step, n, count, pitch, a)
                _scale(a, n, count, pitch, w, w[first:], w[y])
                _close(a, n, count, pitch, half, field, y, first, radices, twiddles, place)


@njit(**INLINE)
def _first(value, spare, number):
    """A vector with its first number replaced."""
    store(spare, 0, value)
    put(spare, 0, number)
    return load(spare, 0)


@njit(**PARALLEL)
def _stress(
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


@lru_cache(maxsize=16)
def waves_of(n, dtype):
    """k_i^2, k_i, 1 / W_i and 1, the last three zero on the Nyquist plane, with room for eight more."""
    mesh = definition.continuum(n, torch.device("cpu"))
    waves = np.zeros((4, n + WIDTH), dtype)
    k = 2 * np.pi * mesh.numbers
    waves[:, :n] = k**2, k * mesh.inside_numpy, mesh.inside_numpy / mesh.window_numpy, mesh.inside_numpy
    return waves


@lru_cache(maxsize=2)
def _memory(n, dtype, caller):
    """Half-transformed fields; pages that are never written take no memory."""
    return torch.empty(planes.half_size(n, _FIELDS), dtype=torch.from_numpy(np.zeros(0, dtype)).dtype).numpy()


@lru_cache(maxsize=2)
def _scratch(n, dtype, threads, caller):
    """Lines, planes and blocks of every thread; Python threads that call at once each have their own."""
    pitch, columns_of_block = n // 2 + WIDTH, _BLOCK // np.dtype(dtype).itemsize
    return (
        aligned_zeros((threads, 8, 2 * n * WIDTH), dtype), aligned_zeros((threads, 6, 2 * n * pitch), dtype),
        aligned_zeros((threads, 11, 2 * n * (columns_of_block + WIDTH)), dtype),
    )  # fmt: skip


class _Work:
    """What every function needs for a side and precision: work space, wavenumbers and the plan of transforms."""

    def __init__(self, n, dtype):
        caller = get_ident()
        self.half, self.waves = _memory(n, dtype, caller), waves_of(n, dtype)
        self.line, self.plane, self.blocks = _scratch(n, dtype, current_threads(), caller)
        p = plan(n, dtype)
        self.plan = p.radices, p.twiddles, p.place


def takes(n):
    """Whether meshes of side ``n`` are done here."""
    return fits(n)


def _flat(tensor):
    return tensor.numpy().reshape(-1)


def _spaced(field):
    """A field as flat numbers so far apart: one lane of sites, or all there is."""
    if field.is_contiguous():
        return _flat(field), 1
    gap, n = field.stride(-1), field.shape[-1]
    if field.stride() != (gap * n * n, gap * n, gap):
        return _flat(field.contiguous()), 1
    return field.as_strided(((n**3 - 1) * gap + 1,), (1,)).numpy(), gap


def contrast(deposit, addition, out, sums):
    """See ``mesh.spectral.contrast``."""
    n, (field, gap) = out.shape[0], _spaced(deposit)
    w = _Work(n, field.dtype)
    planes.modes_of(field, gap, n, w.half, n * n + planes.GAP, n, sums.numpy(), w.line, w.plane, *w.plan)
    _contrast(w.half, n, w.waves, 1.0 / n**3, *seeded(addition), w.blocks, *w.plan)
    planes.field_of(w.half, _flat(out), n, w.line, w.plane, *w.plan)
    return out


def potential(source, factor, shift, windowed, addition, out):
    """See ``mesh.spectral.solve_potential``."""
    n, modes = source.shape[0], pairs_of(out)
    w = _Work(n, modes.dtype)
    row = n + 2
    planes.modes_of(_flat(source), 1, n, modes, n * row, row, np.zeros(n), w.line, w.plane, *w.plan)
    _potential(
        modes, n, w.waves, 2 if windowed else 3, 1.0 / n**3, float(factor), float(shift), *seeded(addition), w.blocks,
        *w.plan,
    )  # fmt: skip
    return out


def potential_fields(modes, field, gradient):
    """See ``mesh.spectral.potential_fields``."""
    n, pairs = field.shape[0], pairs_of(modes)
    w = _Work(n, pairs.dtype)
    _with_slopes(pairs, pairs, False, n, w.waves, 3, w.half, w.blocks, *w.plan)
    planes.fields_of(w.half, n, w.waves[1], _flat(field), _flat(gradient), w.line, w.plane, *w.plan)


def pack_metric(phi, chi, out):
    """See ``mesh.spectral.pack_metric``."""
    n, pairs, lanes = out.shape[0], pairs_of(phi), _flat(out)
    w = _Work(n, pairs.dtype)
    _with_slopes(pairs, pairs_of(chi), True, n, w.waves, 2, w.half, w.blocks, *w.plan)
    planes.metric_of(w.half, n, w.waves[1], streams(lanes), lanes, w.line, w.plane, *w.plan)
    return out


def pack_gradient(modes, out):
    """See ``mesh.spectral.pack_gradient``."""
    n, pairs, lanes = out.shape[0], pairs_of(modes), _flat(out)
    w = _Work(n, pairs.dtype)
    _with_slopes(pairs, pairs, False, n, w.waves, 2, w.half, w.blocks, *w.plan)
    planes.gradient_of(w.half, n, w.waves[1], streams(lanes), lanes, w.line, w.plane, *w.plan)
    return out


def pack_vector(modes, out):
    """See ``mesh.spectral.pack_vector``."""
    n, pairs, lanes = out.shape[0], pairs_of(modes), _flat(out)
    w = _Work(n, pairs.dtype)
    _back(pairs, 3, n, w.waves, 2, w.half, w.blocks, *w.plan)
    planes.vector_of(w.half, n, streams(lanes), lanes, w.line, w.plane, *w.plan)
    return out


def solve_stress(lanes, gradient, factor, addition, now, ahead, chi, field, b, b_now):
    """See ``mesh.spectral.solve_stress``."""
    n, vector = gradient.shape[-1], b is not None and b_now is not None
    modes = pairs_of(chi)
    w = _Work(n, modes.dtype)
    planes.stress_of(
        _flat(lanes), _flat(gradient), n, w.waves[1], w.waves[3], w.waves[2], factor / n**3, 2.0 / n**3, vector, w.half,
        w.line, w.plane, *w.plan,
    )  # fmt: skip
    _stress(
        w.half, n, w.waves, float(now), float(ahead), modes, vector, pairs_of(b) if vector else modes,
        pairs_of(b_now) if vector else modes, *seeded(addition), w.blocks, *w.plan,
    )  # fmt: skip
    planes.field_of(w.half, _flat(field), n, w.line, w.plane, *w.plan)
