"""Transforms of the spectral mesh along x and y, plane by plane, between half-transformed modes and what is read there.

Half-transformed modes are work space: fields of pairs without their Nyquist column, which is zero, ``Layout`` says how
far apart. Several fields of a plane are transformed side by side: a derivative along x or y costs no transform along
the axes after it, and lanes of a site are put together, or taken apart, where sixteen rows are in a cache.
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
    load_rows,
    number,
    put,
    splat,
    store,
    store_complex,
    store_rows,
    store_vectors,
    stream_vectors,
    transpose,
)
from weakfield.mesh.kernels.cpu.transform import (
    BACKWARDS,
    FORWARDS,
    INSIDE,
    ROWS,
    STRIDE,
    ZERO,
    columns,
    join_rows,
    load_sheet,
    part_rows,
    rows_forward,
    store_sheet,
)

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
def _value_and_slope(plane, y, n, pitch, k, value, slope, radices, twiddles, place):
    """Sixteen rows of a field and of its derivative along x."""
    join_rows(plane, y, n, pitch, value, INSIDE, place)
    _slope_rows(value, n, k, slope)
    _turn_back(value, n, radices, twiddles)
    _turn_back(slope, n, radices, twiddles)


@njit(**SERIAL)
def _rows_of(plane, y, n, pitch, line, radices, twiddles, place):
    """Sixteen rows of a field."""
    join_rows(plane, y, n, pitch, line, INSIDE, place)
    _turn_back(line, n, radices, twiddles)


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
def _put_eight(line, n, out, at, streaming, place):
    """Sixteen rows of sites of eight lanes, from the rows of each lane."""
    for part in range(2):
        for x in range(n):
            p = part * n * WIDTH + place[x] * WIDTH
            sites = transpose(
                (load(line[0], p), load(line[1], p), load(line[2], p), load(line[3], p), load(line[4], p),
                 load(line[5], p), load(line[6], p), load(line[7], p))
            )  # fmt: skip
            to = at + (part * WIDTH * n + x) * 8
            if streaming:
                stream_vectors(out, to, 8 * n, sites)
            else:
                store_vectors(out, to, 8 * n, sites)


@njit(**SERIAL)
def _put_three(line, n, out, at, streaming, place):
    """Sixteen rows of sites of three lanes and a spare, from the rows of each lane."""
    none = splat(line.dtype.type(0))
    for part in range(2):
        for x in range(0, n, 2):
            p, q = part * n * WIDTH + place[x] * WIDTH, part * n * WIDTH + place[x + 1] * WIDTH
            sites = transpose(
                (load(line[0], p), load(line[1], p), load(line[2], p), none, load(line[0], q), load(line[1], q),
                 load(line[2], q), none)
            )  # fmt: skip
            to = at + (part * WIDTH * n + x) * 4
            if streaming:
                stream_vectors(out, to, 4 * n, sites)
            else:
                store_vectors(out, to, 4 * n, sites)


@njit(**PARALLEL)
def fields_of(half, n, k, field, gradient, line, plane, radices, twiddles, place):
    """A field and its gradient from its modes and those of its derivative along z."""
    threads, pitch = line.shape[0], plane.shape[2] // (2 * n)
    for thread in prange(threads):
        w, p = line[thread], plane[thread]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            _open_with_slope(half, ZERO, z, n, pitch, k, p[0], p[1], radices, twiddles)
            _open(half, ZERO + 1, z, n, pitch, p[2], radices, twiddles)
            for y in range(0, n, ROWS):
                at = (z * n + y) * n
                _value_and_slope(p[0], y, n, pitch, k, w[0], w[1], radices, twiddles, place)
                _rows_of(p[1], y, n, pitch, w[2], radices, twiddles, place)
                _rows_of(p[2], y, n, pitch, w[3], radices, twiddles, place)
                _put_rows(w[0], n, field, at, place)
                _put_rows(w[1], n, gradient, at, place)
                _put_rows(w[2], n, gradient, n * n * n + at, place)
                _put_rows(w[3], n, gradient, 2 * n * n * n + at, place)


@njit(**PARALLEL)
def field_of(half, field, n, line, plane, radices, twiddles, place):
    """A field from the first of half-transformed modes."""
    threads, pitch = line.shape[0], plane.shape[2] // (2 * n)
    for thread in prange(threads):
        w, p = line[thread, 0], plane[thread, 0]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            _open(half, ZERO, z, n, pitch, p, radices, twiddles)
            for y in range(0, n, ROWS):
                _rows_of(p, y, n, pitch, w, radices, twiddles, place)
                _put_rows(w, n, field, (z * n + y) * n, place)


@njit(**PARALLEL)
def metric_of(half, n, k, streaming, out, line, plane, radices, twiddles, place):
    """phi, psi and their gradients, eight lanes a site, from modes of both and of their derivatives along z."""
    threads, pitch = line.shape[0], plane.shape[2] // (2 * n)
    for thread in prange(threads):
        w, p = line[thread], plane[thread]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            for i in range(2):
                _open_with_slope(half, 2 * i, z, n, pitch, k, p[3 * i], p[3 * i + 1], radices, twiddles)
                _open(half, 2 * i + 1, z, n, pitch, p[3 * i + 2], radices, twiddles)
            for y in range(0, n, ROWS):
                for i in range(2):  # lanes METRIC_PHI, METRIC_PSI, D_PHI, D_PSI
                    _value_and_slope(p[3 * i], y, n, pitch, k, w[i], w[2 + 3 * i], radices, twiddles, place)
                    _rows_of(p[3 * i + 1], y, n, pitch, w[3 + 3 * i], radices, twiddles, place)
                    _rows_of(p[3 * i + 2], y, n, pitch, w[4 + 3 * i], radices, twiddles, place)
                _put_eight(w, n, out, (z * n + y) * n * 8, streaming, place)


@njit(**PARALLEL)
def gradient_of(half, n, k, streaming, out, line, plane, radices, twiddles, place):
    """The gradient of a field, three lanes a site and a spare, from its modes and those of its derivative along z."""
    threads, pitch = line.shape[0], plane.shape[2] // (2 * n)
    for thread in prange(threads):
        w, p = line[thread], plane[thread]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            _open_with_slope(half, ZERO, z, n, pitch, k, p[0], p[1], radices, twiddles)
            _open(half, ZERO + 1, z, n, pitch, p[2], radices, twiddles)
            for y in range(0, n, ROWS):
                join_rows(p[0], y, n, pitch, w[3], INSIDE, place)
                _slope_rows(w[3], n, k, w[0])
                _turn_back(w[0], n, radices, twiddles)
                _rows_of(p[1], y, n, pitch, w[1], radices, twiddles, place)
                _rows_of(p[2], y, n, pitch, w[2], radices, twiddles, place)
                _put_three(w, n, out, (z * n + y) * n * 4, streaming, place)


@njit(**PARALLEL)
def vector_of(half, n, streaming, out, line, plane, radices, twiddles, place):
    """A vector field, three lanes a site and a spare."""
    threads, pitch = line.shape[0], plane.shape[2] // (2 * n)
    for thread in prange(threads):
        w, p = line[thread], plane[thread]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            for i in range(3):
                _open(half, i, z, n, pitch, p[i], radices, twiddles)
            for y in range(0, n, ROWS):
                for i in range(3):
                    _rows_of(p[i], y, n, pitch, w[i], radices, twiddles, place)
                _put_three(w, n, out, (z * n + y) * n * 4, streaming, place)


# ---------------------------------------------------------------------------------------------------------------
# From fields to half-transformed modes


@njit(**PARALLEL)
def modes_of(field, gap, n, out, step, row, sums, line, plane, radices, twiddles, place):
    """x and y transforms of a field whose numbers lie ``gap`` apart, and the sums of its planes.

    Planes of ``out`` are ``step`` numbers apart, rows ``row``.
    """
    threads, pitch = line.shape[0], plane.shape[2] // (2 * n)
    for thread in prange(threads):
        w, p, near = line[thread, 0], plane[thread, 0], plane[thread, 1]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            at, total = z * n * n * gap, 0.0
            if gap == 1:
                rows_forward(field, at, n, pitch, w, p, INSIDE, radices, twiddles, place)
            else:
                for i in range(n * n):
                    value = number(field, at + i * gap)
                    put(near, i, value)
                    total += value
                rows_forward(near, ZERO, n, pitch, w, p, INSIDE, radices, twiddles, place)
            sums[z] = total
            columns(p, n, n // 2, pitch, FORWARDS, radices, twiddles)
            store_sheet(p, n, n // 2, pitch, out, z * step, row, place)


@njit(**INLINE)
def _put_products(line, p, x, y, z):
    """The products of a vector with itself in the order of ``lanes.STRESS``."""
    store(line[0], p, x * x)
    store(line[1], p, y * y)
    store(line[2], p, z * z)
    store(line[3], p, x * y)
    store(line[4], p, x * z)
    store(line[5], p, y * z)


@njit(**SERIAL)
def _products(gradient, at, n, line):
    """d_i phi d_j phi in sixteen rows."""
    cube = n * n * n
    for part in range(2):
        for x in range(0, n, WIDTH):
            here, p = at + part * WIDTH * n + x, (part * n + x) * WIDTH
            a = load_rows(gradient, here, n)
            b, c = load_rows(gradient, cube + here, n), load_rows(gradient, 2 * cube + here, n)
            _put_products(line, p, a[0], b[0], c[0])
            _put_products(line, p + WIDTH, a[1], b[1], c[1])
            _put_products(line, p + 2 * WIDTH, a[2], b[2], c[2])
            _put_products(line, p + 3 * WIDTH, a[3], b[3], c[3])
            _put_products(line, p + 4 * WIDTH, a[4], b[4], c[4])
            _put_products(line, p + 5 * WIDTH, a[5], b[5], c[5])
            _put_products(line, p + 6 * WIDTH, a[6], b[6], c[6])
            _put_products(line, p + 7 * WIDTH, a[7], b[7], c[7])


@njit(**SERIAL)
def _lanes(lanes, at, n, line):
    """The lanes of T_ij in sixteen rows."""
    for part in range(2):
        for x in range(n):
            p, v = (part * n + x) * WIDTH, load_rows(lanes, at + (part * WIDTH * n + x) * 8, 8 * n)
            store(line[0], p, v[1])
            store(line[1], p, v[2])
            store(line[2], p, v[3])
            store(line[3], p, v[4])
            store(line[4], p, v[5])
            store(line[5], p, v[6])


@njit(**INLINE)
def _scaled(plane, p, imaginary, scale):
    return load(plane, p) * scale, load(plane, imaginary + p) * scale


@njit(**SERIAL)
def _contract(plane, z, n, pitch, k, scale, factor, first, vector, half, place):
    """What chi and B need of the tensor in six planes, into fields of ``half`` from ``first`` on.

    With kappa^2 = k_x^2 + k_y^2, A = k_x^2 S_xx + k_y^2 S_yy + 2 k_x k_y S_xy and C = k_x S_xz + k_y S_yz, (PHYSICS
    16.2) k^2 S_ii - 3 k_i k_j S_ij = U_0 + k_z U_1 + k_z^2 U_2 with U_0 = kappa^2 S_ii - 3 A, U_1 = -6 C and
    U_2 = S_xx + S_yy - 2 S_zz; and k_x v_y - k_y v_x = V_0 + k_z V_1 for v_i = k_j S_ij. Where kappa is 0 the two V are
    S_xz and S_yz.
    """
    real = plane.dtype.type
    imaginary, two, three, six = n * pitch, real(2), real(3), real(6)
    for y in range(n):
        row, ky, to = place[y] * pitch, k[y], place_of(first, z, y, n)
        wy, step = scale[y] * factor, n * plane_step(n)
        for x in range(0, n // 2, WIDTH):
            p, w, kx = row + x, load(scale, x) * wy, load(k, x)
            xx, yy = _scaled(plane[0], p, imaginary, w), _scaled(plane[1], p, imaginary, w)
            zz, xy = _scaled(plane[2], p, imaginary, w), _scaled(plane[3], p, imaginary, w)
            xz, yz = _scaled(plane[4], p, imaginary, w), _scaled(plane[5], p, imaginary, w)
            kxx, kyy, kxy = kx * kx, ky * ky, kx * ky
            flat, cross = kxx + kyy, two * kxy
            at = to + 2 * x
            store_complex(
                half, at,
                flat * (xx[0] + yy[0] + zz[0]) - three * (kxx * xx[0] + kyy * yy[0] + cross * xy[0]),
                flat * (xx[1] + yy[1] + zz[1]) - three * (kxx * xx[1] + kyy * yy[1] + cross * xy[1]),
            )  # fmt: skip
            store_complex(half, at + step, (kx * xz[0] + ky * yz[0]) * -six, (kx * xz[1] + ky * yz[1]) * -six)
            store_complex(half, at + 2 * step, xx[0] + yy[0] - two * zz[0], xx[1] + yy[1] - two * zz[1])
            if vector:
                differ = kxx - kyy
                store_complex(
                    half, at + 3 * step, differ * xy[0] + kxy * (yy[0] - xx[0]), differ * xy[1] + kxy * (yy[1] - xx[1])
                )
                store_complex(half, at + 4 * step, kx * yz[0] - ky * xz[0], kx * yz[1] - ky * xz[1])
                if x == 0 and y == 0:
                    put(half, at + 3 * step, number(plane[4], p) * wy * scale[0])
                    put(half, at + 3 * step + 1, number(plane[4], imaginary + p) * wy * scale[0])
                    put(half, at + 4 * step, number(plane[5], p) * wy * scale[0])
                    put(half, at + 4 * step + 1, number(plane[5], imaginary + p) * wy * scale[0])


@njit(**PARALLEL)
def stress_of(
    lanes, gradient, n, k, inside, per_window, deposited, products, vector, half, line, plane, radices, twiddles, place
):  # fmt: skip
    """T_ij times ``deposited`` / (W_x W_y) and d_i phi d_j phi times ``products``, each as ``_contract`` leaves it."""
    threads, pitch, count = line.shape[0], plane.shape[2] // (2 * n), 5 if vector else 3
    real = half.dtype.type
    for thread in prange(threads):
        w, p = line[thread], plane[thread]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            for kind in range(2):
                for y in range(0, n, ROWS):
                    if kind == 0:
                        _lanes(lanes, (z * n + y) * n * 8, n, w)
                    else:
                        _products(gradient, (z * n + y) * n, n, w)
                    for i in range(6):
                        lines(w[i], ZERO, n * WIDTH, STRIDE, n, radices, twiddles)
                        part_rows(w[i], n, pitch, p[i], y, INSIDE, place)
                for i in range(6):
                    columns(p[i], n, n // 2, pitch, FORWARDS, radices, twiddles)
                if kind == 0:
                    _contract(p, z, n, pitch, k, per_window, real(deposited), ZERO, vector, half, place)
                else:
                    _contract(p, z, n, pitch, k, inside, real(products), ZERO + count, vector, half, place)
