"""From half-transformed modes to fields of the spectral mesh: y and x transforms plane by plane.

Half-transformed modes are work space: fields of pairs without their Nyquist column, which is zero. A derivative is
taken at the last moment, so that a field and its gradient share transforms: one along z, of the field, and one more of
its derivative; then three along y and four along x. The fields of a site are packed while sixteen rows of each are in a
cache.
"""

from __future__ import annotations

from numba import njit, prange

from weakfield.mesh.kernels.cpu.butterflies import lines
from weakfield.mesh.kernels.cpu.simd import (
    INLINE,
    PARALLEL,
    SERIAL,
    WIDTH,
    load,
    splat,
    store,
    store_rows,
    store_vectors,
    stream_vectors,
    transpose,
)
from weakfield.mesh.kernels.cpu.transform import (
    BACKWARDS,
    INSIDE,
    ROWS,
    STRIDE,
    ZERO,
    columns,
    join_rows,
    load_sheet,
)

#: how ``fields_of`` lays fields out
SEPARATE, EIGHT, THREE = range(3)
#: numbers between the end of a half-transformed plane and the next, so that planes are no power of two apart
GAP = 16

# ---------------------------------------------------------------------------------------------------------------
# Where half-transformed modes are: row y of plane z of field f


@njit(**INLINE)
def plane_step(n):
    """Numbers from one half-transformed plane to the next; a row has n, real and imaginary parts in turn."""
    return n * n + GAP


@njit(**INLINE)
def place_of(field, z, y, n):
    return (field * n + z) * plane_step(n) + y * n


def half_size(n: int, fields: int) -> int:
    """Numbers of so many half-transformed fields."""
    return fields * n * (n * n + GAP)


# ---------------------------------------------------------------------------------------------------------------
# From half-transformed modes to fields


@njit(**SERIAL)
def _slopes_along_y(plane, n, pitch, k, out):
    """i k_y times the modes of ``plane``, into ``out``."""
    imaginary = n * pitch
    for y in range(n):
        ky, row = k[y], y * pitch
        for x in range(row, row + n // 2, WIDTH):
            re, im = load(plane, x), load(plane, imaginary + x)
            store(out, x, im * -ky)
            store(out, imaginary + x, re * ky)


@njit(**SERIAL)
def _slope_rows(line, n, k, out):
    """i k_x times two rows of ``line`` as ``join_rows`` leaves them, into ``out``.

    A line is A + i B of two rows, from k = 0 on past the middle to k = -1; so is i k times it.
    """
    imaginary = n * WIDTH
    for x in range(n):
        kx, at = k[x], x * WIDTH
        re, im = load(line, at), load(line, imaginary + at)
        store(out, at, im * -kx)
        store(out, imaginary + at, re * kx)


@njit(**SERIAL)
def _turn_back(line, n, radices, twiddles):
    """x transforms of sixteen rows."""
    lines(line, n * WIDTH, ZERO, STRIDE, n, radices, twiddles)


@njit(**SERIAL)
def _open(half, field, z, n, pitch, plane, radices, twiddles):
    """The y transforms of plane z of half-transformed modes."""
    load_sheet(half, place_of(field, z, 0, n), n, n, n // 2, pitch, plane)
    columns(plane, n, n // 2, pitch, BACKWARDS, radices, twiddles)


@njit(**SERIAL)
def _open_with_slope(half, field, z, n, pitch, k, plane, slope, radices, twiddles):
    """The same of a field and of its derivative along y."""
    load_sheet(half, place_of(field, z, 0, n), n, n, n // 2, pitch, plane)
    _slopes_along_y(plane, n, pitch, k, slope)
    columns(plane, n, n // 2, pitch, BACKWARDS, radices, twiddles)
    columns(slope, n, n // 2, pitch, BACKWARDS, radices, twiddles)


@njit(**SERIAL)
def _put_rows(line, n, out, at, place):
    """Sixteen rows of a field into ``out[at:]``."""
    for part in range(2):
        p, to = part * n * WIDTH, at + part * WIDTH * n
        for x in range(0, n, WIDTH):
            store_rows(
                out, to + x, n,
                (load(line, p + place[x] * WIDTH), load(line, p + place[x + 1] * WIDTH),
                 load(line, p + place[x + 2] * WIDTH), load(line, p + place[x + 3] * WIDTH),
                 load(line, p + place[x + 4] * WIDTH), load(line, p + place[x + 5] * WIDTH),
                 load(line, p + place[x + 6] * WIDTH), load(line, p + place[x + 7] * WIDTH)),
            )  # fmt: skip


@njit(**SERIAL)
def _put_eight(line, n, out, at, row, streaming, place):
    """Sixteen rows of sites of eight fields, ``row`` sites apart, from the rows of each field."""
    for part in range(2):
        for x in range(n):
            p = part * n * WIDTH + place[x] * WIDTH
            sites = transpose(
                (load(line[0], p), load(line[1], p), load(line[2], p), load(line[3], p), load(line[4], p),
                 load(line[5], p), load(line[6], p), load(line[7], p))
            )  # fmt: skip
            to = at + (part * WIDTH * row + x) * 8
            if streaming:
                stream_vectors(out, to, 8 * row, sites)
            else:
                store_vectors(out, to, 8 * row, sites)


@njit(**SERIAL)
def _put_three(line, n, out, at, row, streaming, place):
    """Sixteen rows of sites of three fields and a spare, ``row`` sites apart, from the rows of each field."""
    none = splat(line.dtype.type(0))
    for part in range(2):
        for x in range(0, n, 2):
            p, q = part * n * WIDTH + place[x] * WIDTH, part * n * WIDTH + place[x + 1] * WIDTH
            sites = transpose(
                (load(line[0], p), load(line[1], p), load(line[2], p), none, load(line[0], q), load(line[1], q),
                 load(line[2], q), none)
            )  # fmt: skip
            to = at + (part * WIDTH * row + x) * 4
            if streaming:
                stream_vectors(out, to, 4 * row, sites)
            else:
                store_vectors(out, to, 4 * row, sites)


@njit(**PARALLEL)
def fields_of(
    half, groups, count, n, k, layout, streaming, field, more, pitch_y, pitch_z, line, plane, radices, twiddles, place
):  # fmt: skip
    """Fields and gradients from half-transformed modes, laid out as ``layout`` says.

    ``groups`` of a field and its derivative along z make the field and its gradient; without groups there are ``count``
    fields. ``SEPARATE``: into ``field`` and, if it is a group, the gradient into ``more`` (3, n, n, n). ``EIGHT``: two
    groups as phi, psi, grad phi, grad psi packed into ``field``. ``THREE``: three fields, or the gradient of
    a group, packed with a spare.
    """
    threads, pitch, cube = line.shape[0], plane.shape[2] // (2 * n), n * n * n
    for thread in prange(threads):
        w, p = line[thread], plane[thread]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            for i in range(groups):
                _open_with_slope(half, 2 * i, z, n, pitch, k, p[3 * i], p[3 * i + 1], radices, twiddles)
                _open(half, 2 * i + 1, z, n, pitch, p[3 * i + 2], radices, twiddles)
            if groups == 0:
                for i in range(count):
                    _open(half, i, z, n, pitch, p[i], radices, twiddles)
            for y in range(0, n, ROWS):
                for i in range(groups):
                    slopes = groups + 3 * i
                    join_rows(p[3 * i], y, n, pitch, w[i], INSIDE, place)
                    _slope_rows(w[i], n, k, w[slopes])
                    _turn_back(w[slopes], n, radices, twiddles)
                    if layout != THREE:
                        _turn_back(w[i], n, radices, twiddles)
                    for j in range(1, 3):
                        join_rows(p[3 * i + j], y, n, pitch, w[slopes + j], INSIDE, place)
                        _turn_back(w[slopes + j], n, radices, twiddles)
                if groups == 0:
                    for i in range(count):
                        join_rows(p[i], y, n, pitch, w[i], INSIDE, place)
                        _turn_back(w[i], n, radices, twiddles)
                site, at = z * pitch_z + y * pitch_y, (z * n + y) * n
                if layout == EIGHT:
                    _put_eight(w, n, field, 8 * site, pitch_y, streaming, place)
                elif layout == THREE:
                    _put_three(w[groups:], n, field, 4 * site, pitch_y, streaming, place)
                else:
                    _put_rows(w[0], n, field, at, place)
                    for i in range(3 * groups):
                        _put_rows(w[1 + i], n, more, i * cube + at, place)
