"""Fourier transforms of cubes whose side is a multiple of 16 with factors 2, 3 and 5, eight lines side by side.

Along x two blocks of eight real rows travel as the real and imaginary part of one complex transform; along y and z
eight neighbouring columns. A plane stays in cache for x and y. Passes are in place, decimating in frequency; their
output lies in digit-reversed places, which ``Plan.place`` resolves where it is read. Every line is computed on its own,
so the bits do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import get_ident

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from weakfield.mesh.kernels.cpu.butterflies import lines
from weakfield.mesh.kernels.cpu.simd import (
    INLINE,
    PARALLEL,
    SERIAL,
    WIDTH,
    aligned_zeros,
    load,
    load_complex,
    load_rows,
    store,
    store_complex,
    store_rows,
    store_vectors,
    transpose,
)

#: rows that are transformed along x together
ROWS = 2 * WIDTH
# what is handed on to a kernel that others call too: of NumPy's types, since for every value of a Python number Numba
# compiles the called once more, with all that it calls
ZERO, STRIDE = np.int64(0), np.int64(WIDTH)
FORWARDS, BACKWARDS = np.bool_(False), np.bool_(True)
#: whether rows have their Nyquist mode, or it is taken for zero
WHOLE, INSIDE = np.bool_(True), np.bool_(False)
_off = False


@dataclass(frozen=True)
class Plan:
    """How lines of ``n`` are transformed: radices in order, twiddles (pairs) of all passes, and where k ends up."""

    radices: NDArray[np.int64]
    twiddles: NDArray[np.floating]
    place: NDArray[np.int64]


@contextmanager
def switched_off() -> Iterator[None]:
    """Inside the block, cubes are transformed by DUCC instead, in order to compare the two."""
    global _off
    before, _off = _off, True
    try:
        yield
    finally:
        _off = before


def fits(n: int) -> bool:
    """Whether cubes of side ``n`` can be transformed here."""
    if _off or n % ROWS or n < ROWS:
        return False
    for factor in (2, 3, 5):
        while n % factor == 0:
            n //= factor
    return n == 1


@lru_cache(maxsize=32)
def plan(n: int, dtype: np.dtype) -> Plan:
    """The plan of lines of ``n`` in the precision of ``dtype``."""
    radices, rest = [], n
    for radix in (8, 4, 2, 3, 5):
        while rest % radix == 0:
            if radix == 8 and rest in (16, 32):  # 4 x 4 and 8 x 4 rather than 8 x 2 and 8 x 4
                radices += [4, 4] if rest == 16 else [8, 4]
                rest = 1
                break
            radices.append(radix)
            rest //= radix
    twiddles: list[complex] = []
    length = n
    for radix in radices:
        step = length // radix
        twiddles += [np.exp(-2j * np.pi * j * q / length) for j in range(step) for q in range(1, radix)]
        length = step
    place = np.zeros(n, dtype=np.int64)
    for k in range(n):
        rest, block, position = k, n, 0
        for radix in radices:
            block //= radix
            position += (rest % radix) * block
            rest //= radix
        place[k] = position
    pairs = np.array(twiddles).view(np.float64).astype(dtype)
    return Plan(np.array(radices, dtype=np.int64), pairs, place)


@njit(**INLINE)
def load_places(plane, at, pitch, place, y):
    """Eight rows of a plane from their places, as the vectors of their columns."""
    return transpose(
        (
            load(plane, at + place[y] * pitch), load(plane, at + place[y + 1] * pitch),
            load(plane, at + place[y + 2] * pitch), load(plane, at + place[y + 3] * pitch),
            load(plane, at + place[y + 4] * pitch), load(plane, at + place[y + 5] * pitch),
            load(plane, at + place[y + 6] * pitch), load(plane, at + place[y + 7] * pitch),
        )
    )  # fmt: skip


@njit(**INLINE)
def _parted(line, n, place, k):
    """The two real rows of a complex one at wavenumber k: real and imaginary part of each, doubled."""
    p, q = place[k] * WIDTH, place[(n - k) % n] * WIDTH
    a, b = load(line, p), load(line, n * WIDTH + p)
    c, d = load(line, q), load(line, n * WIDTH + q)
    return a + c, b - d, b + d, c - a


@njit(**SERIAL)
def part_rows(line, n, pitch, plane, y, whole, place):
    """Sixteen transformed rows from ``line`` into rows ``y`` on of ``plane``: real parts, then imaginary."""
    half, imaginary = plane.dtype.type(0.5), n * pitch
    for k in range(0, n // 2 + 1 if whole else n // 2, WIDTH):
        s0 = _parted(line, n, place, k)
        s1 = _parted(line, n, place, min(k + 1, n // 2))
        s2 = _parted(line, n, place, min(k + 2, n // 2))
        s3 = _parted(line, n, place, min(k + 3, n // 2))
        s4 = _parted(line, n, place, min(k + 4, n // 2))
        s5 = _parted(line, n, place, min(k + 5, n // 2))
        s6 = _parted(line, n, place, min(k + 6, n // 2))
        s7 = _parted(line, n, place, min(k + 7, n // 2))
        first, second = y * pitch + k, (y + WIDTH) * pitch + k
        store_rows(
            plane, first, pitch,
            (s0[0] * half, s1[0] * half, s2[0] * half, s3[0] * half, s4[0] * half, s5[0] * half, s6[0] * half,
             s7[0] * half),
        )  # fmt: skip
        store_rows(
            plane, imaginary + first, pitch,
            (s0[1] * half, s1[1] * half, s2[1] * half, s3[1] * half, s4[1] * half, s5[1] * half, s6[1] * half,
             s7[1] * half),
        )  # fmt: skip
        store_rows(
            plane, second, pitch,
            (s0[2] * half, s1[2] * half, s2[2] * half, s3[2] * half, s4[2] * half, s5[2] * half, s6[2] * half,
             s7[2] * half),
        )  # fmt: skip
        store_rows(
            plane, imaginary + second, pitch,
            (s0[3] * half, s1[3] * half, s2[3] * half, s3[3] * half, s4[3] * half, s5[3] * half, s6[3] * half,
             s7[3] * half),
        )  # fmt: skip


@njit(**SERIAL)
def rows_forward(field, at, n, pitch, line, plane, whole, radices, twiddles, place):
    """x transforms of one plane from ``field[at:]`` into ``plane``: real parts, then imaginary, rows of ``pitch``."""
    for y in range(0, n, ROWS):
        for x in range(0, n, WIDTH):
            store_vectors(line, x * WIDTH, WIDTH, load_rows(field, at + y * n + x, n))
            store_vectors(line, (n + x) * WIDTH, WIDTH, load_rows(field, at + (y + WIDTH) * n + x, n))
        lines(line, ZERO, n * WIDTH, STRIDE, n, radices, twiddles)
        part_rows(line, n, pitch, plane, y, whole, place)


@njit(**SERIAL)
def columns(plane, n, count, pitch, backwards, radices, twiddles):
    """Transforms along ``count`` columns of ``plane``, exp(-i k x) or ``backwards`` exp(+i k x); output in places."""
    real, imaginary = (n * pitch, 0) if backwards else (0, n * pitch)
    for k in range(0, count, WIDTH):
        lines(plane, real + k, imaginary + k, pitch, n, radices, twiddles)


@njit(**SERIAL)
def store_sheet(plane, n, count, pitch, out, at, step, place):
    """``count`` columns of ``plane``, rows from their places, as complex pairs ``out[at:]``, ``step`` numbers apart."""
    imaginary, whole = n * pitch, count // WIDTH * WIDTH
    for y in range(n):
        p, to = place[y] * pitch, at + y * step
        for k in range(0, whole, WIDTH):
            store_complex(out, to + 2 * k, load(plane, p + k), load(plane, imaginary + p + k))
        for k in range(whole, count):
            out[to + 2 * k] = plane[p + k]
            out[to + 2 * k + 1] = plane[imaginary + p + k]


@njit(**SERIAL)
def load_sheet(modes, at, step, n, count, pitch, plane):
    """Rows of complex pairs ``modes[at:]``, ``step`` numbers apart, into ``plane``: real parts, then imaginary."""
    imaginary, whole = n * pitch, count // WIDTH * WIDTH
    for y in range(n):
        p, start = y * pitch, at + y * step
        for k in range(0, whole, WIDTH):
            re, im = load_complex(modes, start + 2 * k)
            store(plane, p + k, re)
            store(plane, imaginary + p + k, im)
        for k in range(whole, count):
            plane[p + k] = modes[start + 2 * k]
            plane[imaginary + p + k] = modes[start + 2 * k + 1]


@njit(**PARALLEL)
def _planes_forward(field, out, n, planes, line, plane, radices, twiddles, place):
    """x and y transforms of ``planes`` planes one after the other, shared among as many threads as scratch is for."""
    threads, pitch, row = line.shape[0], plane.shape[1] // (2 * n), 2 * (n // 2 + 1)
    for thread in prange(threads):
        for z in range(thread * planes // threads, (thread + 1) * planes // threads):
            rows_forward(field, z * n * n, n, pitch, line[thread], plane[thread], WHOLE, radices, twiddles, place)
            columns(plane[thread], n, n // 2 + 1, pitch, FORWARDS, radices, twiddles)
            store_sheet(plane[thread], n, n // 2 + 1, pitch, out, z * n * row, row, place)


@njit(**PARALLEL)
def _depths(modes, to, n, fields, backwards, plane, radices, twiddles, place):
    """z transforms of ``fields`` cubes of complex pairs, from ``modes`` to ``to``."""
    threads, pitch, row = plane.shape[0], plane.shape[1] // (2 * n), 2 * (n // 2 + 1)
    for thread in prange(threads):
        for sheet in range(thread * fields * n // threads, (thread + 1) * fields * n // threads):
            at = (sheet // n * n * n + sheet % n) * row
            load_sheet(modes, at, n * row, n, n // 2 + 1, pitch, plane[thread])
            columns(plane[thread], n, n // 2 + 1, pitch, backwards, radices, twiddles)
            store_sheet(plane[thread], n, n // 2 + 1, pitch, to, at, n * row, place)


@njit(**INLINE)
def join(line, n, k, a, b, c, d):
    """Z(k) = A + i B and Z(-k) = A* + i B* with A = a + i b, B = c + i d, for two real rows."""
    store(line, k * WIDTH, a - d)
    store(line, (n + k) * WIDTH, b + c)
    store(line, (n - k) * WIDTH, a + d)
    store(line, (2 * n - k) * WIDTH, c - b)


@njit(**SERIAL)
def join_rows(plane, y, n, pitch, line, whole, place):
    """Sixteen Hermitian rows of ``plane`` from their places, rows ``y`` on, into ``line``."""
    imaginary, im, middle = n * pitch, n * WIDTH, n // 2
    for k in range(0, middle, WIDTH):
        a = load_places(plane, k, pitch, place, y)
        b = load_places(plane, imaginary + k, pitch, place, y)
        c = load_places(plane, k, pitch, place, y + WIDTH)
        d = load_places(plane, imaginary + k, pitch, place, y + WIDTH)
        if k == 0:  # imaginary parts of the mean do not count
            store(line, 0, a[0])
            store(line, im, c[0])
        else:
            join(line, n, k, a[0], b[0], c[0], d[0])
        join(line, n, k + 1, a[1], b[1], c[1], d[1])
        join(line, n, k + 2, a[2], b[2], c[2], d[2])
        join(line, n, k + 3, a[3], b[3], c[3], d[3])
        join(line, n, k + 4, a[4], b[4], c[4], d[4])
        join(line, n, k + 5, a[5], b[5], c[5], d[5])
        join(line, n, k + 6, a[6], b[6], c[6], d[6])
        join(line, n, k + 7, a[7], b[7], c[7], d[7])
    for i in range(WIDTH):  # the Nyquist column, real as well
        line[middle * WIDTH + i] = plane[place[y + i] * pitch + middle] if whole else 0
        line[im + middle * WIDTH + i] = plane[place[y + WIDTH + i] * pitch + middle] if whole else 0


@njit(**SERIAL)
def _rows_backward(plane, n, pitch, line, field, at, scale, radices, twiddles, place):
    """x transforms of the Hermitian rows of ``plane``, from their places, into ``field[at:]``, times ``scale``."""
    im = n * WIDTH
    for y in range(0, n, ROWS):
        join_rows(plane, y, n, pitch, line, WHOLE, place)
        lines(line, im, ZERO, STRIDE, n, radices, twiddles)
        for x in range(0, n, WIDTH):
            for part in range(2):
                p = part * im
                store_rows(
                    field, at + (y + part * WIDTH) * n + x, n,
                    (load(line, p + place[x] * WIDTH) * scale, load(line, p + place[x + 1] * WIDTH) * scale,
                     load(line, p + place[x + 2] * WIDTH) * scale, load(line, p + place[x + 3] * WIDTH) * scale,
                     load(line, p + place[x + 4] * WIDTH) * scale, load(line, p + place[x + 5] * WIDTH) * scale,
                     load(line, p + place[x + 6] * WIDTH) * scale, load(line, p + place[x + 7] * WIDTH) * scale),
                )  # fmt: skip


@njit(**PARALLEL)
def _planes_backward(modes, field, n, planes, scale, line, plane, radices, twiddles, place):
    """y and x transforms of ``planes`` planes one after the other."""
    threads, pitch, row = line.shape[0], plane.shape[1] // (2 * n), 2 * (n // 2 + 1)
    scale = field.dtype.type(scale)
    for thread in prange(threads):
        for z in range(thread * planes // threads, (thread + 1) * planes // threads):
            load_sheet(modes, z * n * row, row, n, n // 2 + 1, pitch, plane[thread])
            columns(plane[thread], n, n // 2 + 1, pitch, BACKWARDS, radices, twiddles)
            _rows_backward(plane[thread], n, pitch, line[thread], field, z * n * n, scale, radices, twiddles, place)


@lru_cache(maxsize=4)
def _scratch(n: int, dtype: np.dtype, threads: int, caller: int) -> tuple[np.ndarray, np.ndarray]:
    """A bundle of lines and a plane for every thread; Python threads that call at once each have their own."""
    pitch = n // 2 + WIDTH
    return aligned_zeros((threads, 2 * n * WIDTH), dtype), aligned_zeros((threads, 2 * n * pitch), dtype)


def planes_forward(field: np.ndarray, out: np.ndarray, threads: int) -> None:
    """The transforms along x and y of real (..., N, N, N), every plane of constant z by itself."""
    n = field.shape[-1]
    p, (line, plane) = plan(n, field.dtype), _scratch(n, field.dtype, threads, get_ident())
    pairs, planes = out.reshape(-1).view(field.dtype), field.size // n**2
    _planes_forward(field.reshape(-1), pairs, n, planes, line, plane, p.radices, p.twiddles, p.place)


def planes_backward(modes: np.ndarray, out: np.ndarray, scale: float, threads: int) -> None:
    """The inverse of ``planes_forward`` times ``scale`` N^2."""
    n = out.shape[-1]
    p, (line, plane) = plan(n, out.dtype), _scratch(n, out.dtype, threads, get_ident())
    pairs, planes = modes.reshape(-1).view(out.dtype), out.size // n**2
    _planes_backward(pairs, out.reshape(-1), n, planes, scale, line, plane, p.radices, p.twiddles, p.place)


def _through_depth(modes: np.ndarray, to: np.ndarray, n: int, backwards: bool, threads: int) -> None:
    """The transforms along z of complex (..., N, N, N//2+1)."""
    kind = modes.real.dtype
    p, (_, plane) = plan(n, kind), _scratch(n, kind, threads, get_ident())
    pairs, out = modes.reshape(-1).view(kind), to.reshape(-1).view(kind)
    _depths(pairs, out, n, modes.size // (n * n * (n // 2 + 1)), backwards, plane, p.radices, p.twiddles, p.place)


def forward(field: np.ndarray, out: np.ndarray, threads: int) -> np.ndarray:
    """sum_x f exp(-i k x) of real (..., N, N, N) into complex ``out`` (..., N, N, N//2+1), both contiguous."""
    planes_forward(field, out, threads)
    _through_depth(out, out, field.shape[-1], False, threads)
    return out


def backward(modes: np.ndarray, out: np.ndarray, scale: float, overwrite: bool, threads: int) -> np.ndarray:
    """scale x sum_k F exp(+i k x) of complex (..., N, N, N//2+1) into real ``out`` (..., N, N, N), both contiguous.

    Without ``overwrite`` the modes stay as they are.
    """
    to = modes if overwrite else np.empty_like(modes)
    _through_depth(modes, to, out.shape[-1], True, threads)
    planes_backward(to, out, scale, threads)
    return out
