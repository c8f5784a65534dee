"""Right-hand sides of the field equations on the mesh, in real space (EQUATIONS 5).

Eight sites of a row side by side. Rows are read from copies with the periodic neighbours at both ends, so that no
index wraps along x; where a row is no multiple of eight the last sites are computed twice.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.cpu.cells import above, below
from weakfield.mesh.kernels.cpu.simd import (
    INLINE,
    PARALLEL,
    SERIAL,
    WIDTH,
    load,
    load_rows,
    splat,
    store,
    store_vectors,
    stream_vectors,
    streams,
    transpose,
)
from weakfield.mesh.threads import current_threads

#: numbers before and after a row in its copy
HALO = WIDTH


@njit(**SERIAL)
def _copy_row(field, z, y, rows, i):
    """Row (z, y) of a field with its periodic neighbours into ``rows[i]``."""
    n = field.shape[2]
    for x in range(n):
        rows[i, HALO + x] = field[z, y, x]
    rows[i, HALO - 1] = field[z, y, n - 1]
    rows[i, HALO + n] = field[z, y, 0]


@njit(**PARALLEL)
def _phi_source(
    t, extra, radiating, phi, chi, past, density, expansion, memory, implicit, second, threads, out, sums
):  # fmt: skip
    n = phi.shape[0]
    real = phi.dtype.type
    one, two, eighth, zero = real(1), real(2), real(0.125), real(0)
    density, expansion, memory = real(density), real(expansion), real(memory)
    width = n + 2 * HALO
    flat_chi, flat_past, flat_extra, flat_out = chi.reshape(-1), past.reshape(-1), extra.reshape(-1), out.reshape(-1)
    for thread in prange(threads):
        rows, sites = np.zeros((5, width), phi.dtype), np.zeros(WIDTH, phi.dtype)
        flat = rows.reshape(-1)
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            zp, zm, total = above(z, n), below(z, n), 0.0
            for y in range(n):
                _copy_row(phi, z, y, rows, 0)
                _copy_row(phi, z, above(y, n), rows, 1)
                _copy_row(phi, z, below(y, n), rows, 2)
                _copy_row(phi, zp, y, rows, 3)
                _copy_row(phi, zm, y, rows, 4)
                start = (z * n + y) * n
                for chunk in range(0, n, WIDTH):
                    x = min(chunk, n - WIDTH)
                    at, c = start + x, HALO + x
                    f = load(flat, c)
                    dx = load(flat, c + 1) - load(flat, c - 1)
                    dy = load(flat, width + c) - load(flat, 2 * width + c)
                    dz = load(flat, 3 * width + c) - load(flat, 4 * width + c)
                    t00 = load_rows(t, at * 8, WIDTH)[0]
                    if radiating:
                        t00 += load(flat_extra, at)
                    store(sites, 0, t00)
                    for i in range(chunk - x, WIDTH):
                        total += sites[i]
                    metric = one - two * f
                    hubble = splat(zero) if implicit else f
                    if second:
                        hubble -= two * f * f
                        metric += two * f * f
                    store(
                        flat_out, at,
                        density * t00 * metric + eighth * (dx * dx + dy * dy + dz * dz)
                        + expansion * (hubble - load(flat_chi, at)) - memory * load(flat_past, at),
                    )  # fmt: skip
            sums[z] = total


@njit(**INLINE)
def _pressure(t, factor, half, low, high):
    """S_ii at nodes, from phi on either side (EQUATIONS 5.2)."""
    d = high - low
    return factor * t + half * d * d


@njit(**INLINE)
def _shear(t, factor, half, f, fi, fj, fij):
    """S_ij on plaquettes: dx^2 2 d_i phi d_j phi = f_i f_j - f f_ij + (f^2 - f_i^2 - f_j^2 + f_ij^2) / 2."""
    return factor * t + (fi * fj - f * fij + half * (f * f - fi * fi - fj * fj + fij * fij))


@njit(**SERIAL)
def _stress_plane(t, phi, z, factor, rows, stress):
    """S_ij of plane z into ``stress`` (6, n, width): xx, yy, zz, xy, xz, yz, rows with their periodic neighbours."""
    n, width = phi.shape[0], rows.shape[1]
    half, factor = phi.dtype.type(0.5), phi.dtype.type(factor)
    zp, zm = above(z, n), below(z, n)
    flat, s, plane = rows.reshape(-1), stress.reshape(-1), n * width
    for y in range(n):
        yp = above(y, n)
        _copy_row(phi, z, y, rows, 0)
        _copy_row(phi, z, yp, rows, 1)
        _copy_row(phi, z, below(y, n), rows, 2)
        _copy_row(phi, zp, y, rows, 3)
        _copy_row(phi, zm, y, rows, 4)
        _copy_row(phi, zp, yp, rows, 5)
        for chunk in range(0, n, WIDTH):
            x = min(chunk, n - WIDTH)
            c, at = HALO + x, y * width + HALO + x
            packed = load_rows(t, ((z * n + y) * n + x) * 8, WIDTH)
            f, fx, fy, fz = load(flat, c), load(flat, c + 1), load(flat, width + c), load(flat, 3 * width + c)
            fxy, fxz, fyz = load(flat, width + c + 1), load(flat, 3 * width + c + 1), load(flat, 5 * width + c)
            store(s, at, _pressure(packed[1], factor, half, load(flat, c - 1), fx))
            store(s, plane + at, _pressure(packed[2], factor, half, load(flat, 2 * width + c), fy))
            store(s, 2 * plane + at, _pressure(packed[3], factor, half, load(flat, 4 * width + c), fz))
            store(s, 3 * plane + at, _shear(packed[4], factor, half, f, fx, fy, fxy))
            store(s, 4 * plane + at, _shear(packed[5], factor, half, f, fx, fz, fxz))
            store(s, 5 * plane + at, _shear(packed[6], factor, half, f, fy, fz, fyz))
        for i in range(6):
            stress[i, y, HALO - 1] = stress[i, y, HALO + n - 1]
            stress[i, y, HALO + n] = stress[i, y, HALO]


@njit(**PARALLEL)
def _stress_divergence(t, phi, factor, threads, out):
    n = phi.shape[0]
    width, cube = n + 2 * HALO, n * n * n
    plane = n * width
    to = out.reshape(-1)
    for thread in prange(threads):
        first, end = thread * n // threads, (thread + 1) * n // threads
        rows = np.zeros((6, width), phi.dtype)
        ring = np.zeros((3, 6, n, width), phi.dtype)  # S_ij of the plane below, of this one and of the one above
        flat = ring.reshape(-1)
        if first < end:
            _stress_plane(t, phi, below(first, n), factor, rows, ring[(first + 2) % 3])
            _stress_plane(t, phi, first, factor, rows, ring[first % 3])
        for z in range(first, end):
            _stress_plane(t, phi, above(z, n), factor, rows, ring[(z + 1) % 3])
            down, here, up = ((z + 2) % 3) * 6 * plane, (z % 3) * 6 * plane, ((z + 1) % 3) * 6 * plane
            for y in range(n):
                row, row_up, row_down = y * width, above(y, n) * width, below(y, n) * width
                for chunk in range(0, n, WIDTH):
                    x = min(chunk, n - WIDTH)
                    c, at = HALO + x, (z * n + y) * n + x
                    s = here + row + c
                    xx, yy, zz = load(flat, s), load(flat, s + plane), load(flat, s + 2 * plane)
                    xy, xz, yz = load(flat, s + 3 * plane), load(flat, s + 4 * plane), load(flat, s + 5 * plane)
                    store(to, at, xx + yy + zz)
                    store(
                        to, cube + at,
                        (load(flat, s + 1) - xx) + (xy - load(flat, here + 3 * plane + row_down + c))
                        + (xz - load(flat, down + 4 * plane + row + c)),
                    )  # fmt: skip
                    store(
                        to, 2 * cube + at,
                        (xy - load(flat, s + 3 * plane - 1)) + (load(flat, here + plane + row_up + c) - yy)
                        + (yz - load(flat, down + 5 * plane + row + c)),
                    )  # fmt: skip
                    store(
                        to, 3 * cube + at,
                        (xz - load(flat, s + 4 * plane - 1)) + (yz - load(flat, here + 5 * plane + row_down + c))
                        + (load(flat, up + 2 * plane + row + c) - zz),
                    )  # fmt: skip


@njit(**SERIAL)
def pack_plane(phi, chi, b, z, row, streaming, out, begin):
    """The metric of plane z, eight fields a site, into ``out[begin:]``; ``row`` (1, n + 2 halos) is work space."""
    n = phi.shape[0]
    cube = n * n * n
    flat_phi, flat_chi, flat_b, flat = phi.reshape(-1), chi.reshape(-1), b.reshape(-1), row.reshape(-1)
    for y in range(n):
        _copy_row(b[0], z, y, row, 0)
        start, start_y, start_z = (z * n + y) * n, (z * n + below(y, n)) * n, (below(z, n) * n + y) * n
        for chunk in range(0, n, WIDTH):
            x = min(chunk, n - WIDTH)
            at, c = start + x, HALO + x
            bx, by, bz = load(flat, c), load(flat_b, cube + at), load(flat_b, 2 * cube + at)
            lx = bx - load(flat, c - 1)
            ly = by - load(flat_b, cube + start_y + x)
            lz = bz - load(flat_b, 2 * cube + start_z + x)
            sites = transpose((load(flat_phi, at), load(flat_chi, at), bx, by, bz, lx, ly, lz))
            to = begin + (y * n + x) * 8
            if streaming:
                stream_vectors(out, to, WIDTH, sites)
            else:
                store_vectors(out, to, WIDTH, sites)


@njit(**PARALLEL)
def _pack_metric(phi, chi, b, threads, streaming, out):
    n = phi.shape[0]
    for thread in prange(threads):
        row = np.zeros((1, n + 2 * HALO), phi.dtype)
        for z in range(thread * n // threads, (thread + 1) * n // threads):
            pack_plane(phi, chi, b, z, row, streaming, out, z * n * n * 8)


def phi_source(
    stress_energy, extra, phi, chi, past, density, expansion, memory, implicit, second_order, out, sums
):  # fmt: skip
    """See ``reference.sources.phi_source``."""
    if phi.shape[0] < WIDTH:
        return reference.phi_source(
            stress_energy, extra, phi, chi, past, density, expansion, memory, implicit, second_order, out,
            sums,
        )  # fmt: skip
    radiating = extra is not None
    _phi_source(
        stress_energy.numpy().reshape(-1), (extra if radiating else phi).numpy(), radiating, phi.numpy(), chi.numpy(),
        past.numpy(), density, expansion, memory, implicit, second_order, current_threads(), out.numpy(),
        sums.numpy(),
    )  # fmt: skip
    return out


def stress_divergence(stress_energy, phi, factor, out):
    """See ``reference.sources.stress_divergence``."""
    if phi.shape[0] < WIDTH:
        return reference.stress_divergence(stress_energy, phi, factor, out)
    _stress_divergence(stress_energy.numpy().reshape(-1), phi.numpy(), factor, current_threads(), out.numpy())
    return out


def pack_metric(phi, chi, b, out):
    """See ``reference.sources.pack_metric``."""
    if phi.shape[0] < WIDTH:
        return reference.pack_metric(phi, chi, b, out)
    flat = out.numpy().reshape(-1)
    _pack_metric(phi.numpy(), chi.numpy(), b.numpy(), current_threads(), streams(flat), flat)
    return out
