"""From fields of the spectral mesh to half-transformed modes: x and y transforms plane by plane.

Of the six components of a stress, chi and B need five combinations, all of whose weights but powers of k_z are known
here: fewer transforms along z, and fewer numbers to keep.
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
    store,
    store_complex,
)
from weakfield.mesh.kernels.cpu.spectral_planes import place_of, plane_step
from weakfield.mesh.kernels.cpu.transform import (
    FORWARDS,
    INSIDE,
    ROWS,
    STRIDE,
    ZERO,
    columns,
    part_rows,
    rows_forward,
    store_sheet,
)


@njit(**PARALLEL)
def modes_of(field, gap, pitch_y, pitch_z, n, out, step, row, sums, line, plane, radices, twiddles, place):
    """x and y transforms of a field, one of ``gap`` packed fields, whose planes are summed too, or all there is.

    Planes of ``out`` are ``step`` numbers apart, rows ``row``.
    """
    threads, pitch = line.shape[0], plane.shape[2] // (2 * n)
    for thread in prange(threads):
        w, p, near = line[thread, 0], plane[thread, 0], plane[thread, 1]
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            total = 0.0
            if gap == 1:
                rows_forward(field, z * n * n, n, pitch, w, p, INSIDE, radices, twiddles, place)
            else:
                for y in range(n):
                    at = (z * pitch_z + y * pitch_y) * gap
                    for x in range(n):
                        value = number(field, at + x * gap)
                        put(near, y * n + x, value)
                        total += value
                rows_forward(near, ZERO, n, pitch, w, p, INSIDE, radices, twiddles, place)
            sums[z] = total
            columns(p, n, n // 2, pitch, FORWARDS, radices, twiddles)
            store_sheet(p, n, n // 2, pitch, out, z * step, row, place)


@njit(**INLINE)
def _put_products(line, p, x, y, z):
    """The products of a vector with itself in the order of ``packed.STRESS``."""
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
def _stress(packed, at, n, row, line):
    """The fields of T_ij in sixteen rows of sites, ``row`` sites apart."""
    for part in range(2):
        for x in range(n):
            p, v = (part * n + x) * WIDTH, load_rows(packed, at + (part * WIDTH * row + x) * 8, 8 * row)
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

    With kappa^2 = k_x^2 + k_y^2, A = k_x^2 S_xx + k_y^2 S_yy + 2 k_x k_y S_xy and C = k_x S_xz + k_y S_yz, (EQUATIONS
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
    packed, pitch_y, pitch_z, gradient, n, k, inside, per_window, deposited, products, vector, half, line, plane,
    radices, twiddles, place,
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
                        _stress(packed, (z * pitch_z + y * pitch_y) * 8, n, pitch_y, w)
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
