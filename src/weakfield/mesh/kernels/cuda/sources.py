"""Right-hand sides of the field equations on the mesh, in real space (EQUATIONS 5)."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from weakfield.mesh.kernels.cuda.cells import site
from weakfield.mesh.kernels.cuda.launch import OPTIONS, contiguous, scalars, tiles
from weakfield.mesh.packed import PACKED, T00, XX, XY, XZ, YY, YZ, ZZ

_PACKED, _T00 = tl.constexpr(PACKED), tl.constexpr(T00)
_XX, _YY, _ZZ = tl.constexpr(XX), tl.constexpr(YY), tl.constexpr(ZZ)
_XY, _XZ, _YZ = tl.constexpr(XY), tl.constexpr(XZ), tl.constexpr(YZ)


@triton.jit
def _sites(n, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """x, y, z of the sites of this program, (ROWS, WIDTH) each, and which of them exist."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    x = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)[None, :]
    live = (row < n * n) & (x < n)
    return x + tl.zeros_like(row), row % n + tl.zeros_like(x), row // n + tl.zeros_like(x), live


@triton.jit
def _above(i, n):
    return tl.where(i + 1 < n, i + 1, 0)


@triton.jit
def _below(i, n):
    return tl.where(i > 0, i - 1, n - 1)


@triton.jit
def _at(field, z, y, x, n, live):
    return tl.load(field + site(z, y, x, n), mask=live, other=0.0)


@triton.jit
def _field_at(packed, z, y, x, n, field, live):
    return tl.load(packed + site(z, y, x, n) * _PACKED + field, mask=live, other=0.0)


@triton.jit
def _phi_source(
    packed, extra, phi, chi, past, numbers, out, n, EXTRA: tl.constexpr, IMPLICIT: tl.constexpr, SECOND: tl.constexpr,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    x, y, z, live = _sites(n, ROWS, WIDTH)
    here = site(z, y, x, n)
    f = tl.load(phi + here, mask=live, other=0.0)
    density = tl.load(numbers).to(f.dtype)
    expansion, memory = tl.load(numbers + 1).to(f.dtype), tl.load(numbers + 2).to(f.dtype)
    dx = _at(phi, z, y, _above(x, n), n, live) - _at(phi, z, y, _below(x, n), n, live)
    dy = _at(phi, z, _above(y, n), x, n, live) - _at(phi, z, _below(y, n), x, n, live)
    dz = _at(phi, _above(z, n), y, x, n, live) - _at(phi, _below(z, n), y, x, n, live)
    t00 = tl.load(packed + here * _PACKED + _T00, mask=live, other=0.0)
    if EXTRA:
        t00 += tl.load(extra + here, mask=live, other=0.0)
    metric = 1 - 2 * f
    hubble = f
    if IMPLICIT:
        hubble = tl.zeros_like(f)
    if SECOND:
        metric += 2 * f * f
        hubble -= 2 * f * f
    source = density * t00 * metric + 0.125 * (dx * dx + dy * dy + dz * dz)
    source += expansion * (hubble - tl.load(chi + here, mask=live, other=0.0))
    source -= memory * tl.load(past + here, mask=live, other=0.0)
    tl.store(out + here, source, mask=live)


@triton.jit
def _half_square(a, b):
    return 0.5 * (a - b) * (a - b)


@triton.jit
def _plaquette(f, fi, fj, fij):
    """2 dx^2 d_i phi d_j phi on the plaquette of four values."""
    return fi * fj - f * fij + 0.5 * (f * f - fi * fi - fj * fj + fij * fij)


@triton.jit
def _stress_divergence(packed, phi, numbers, out, n, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    # S at the site and at the six neighbours it is differenced with is made here from phi and T: no buffer of S
    x, y, z, live = _sites(n, ROWS, WIDTH)
    xp, xm, yp, ym, zp, zm = _above(x, n), _below(x, n), _above(y, n), _below(y, n), _above(z, n), _below(z, n)
    f = _at(phi, z, y, x, n, live)
    factor = tl.load(numbers).to(f.dtype)
    f_xp, f_xm = _at(phi, z, y, xp, n, live), _at(phi, z, y, xm, n, live)
    f_yp, f_ym = _at(phi, z, yp, x, n, live), _at(phi, z, ym, x, n, live)
    f_zp, f_zm = _at(phi, zp, y, x, n, live), _at(phi, zm, y, x, n, live)

    xx = factor * _field_at(packed, z, y, x, n, _XX, live) + _half_square(f_xp, f_xm)
    yy = factor * _field_at(packed, z, y, x, n, _YY, live) + _half_square(f_yp, f_ym)
    zz = factor * _field_at(packed, z, y, x, n, _ZZ, live) + _half_square(f_zp, f_zm)
    xx_up = factor * _field_at(packed, z, y, xp, n, _XX, live) + _half_square(_at(phi, z, y, _above(xp, n), n, live), f)
    yy_up = factor * _field_at(packed, z, yp, x, n, _YY, live) + _half_square(_at(phi, z, _above(yp, n), x, n, live), f)
    zz_up = factor * _field_at(packed, zp, y, x, n, _ZZ, live) + _half_square(_at(phi, _above(zp, n), y, x, n, live), f)

    f_pp, f_pm, f_mp = _at(phi, z, yp, xp, n, live), _at(phi, z, ym, xp, n, live), _at(phi, z, yp, xm, n, live)
    xy = factor * _field_at(packed, z, y, x, n, _XY, live) + _plaquette(f, f_xp, f_yp, f_pp)
    xy_y = factor * _field_at(packed, z, ym, x, n, _XY, live) + _plaquette(f_ym, f_pm, f, f_xp)
    xy_x = factor * _field_at(packed, z, y, xm, n, _XY, live) + _plaquette(f_xm, f, f_mp, f_yp)
    f_pp, f_pm, f_mp = _at(phi, zp, y, xp, n, live), _at(phi, zm, y, xp, n, live), _at(phi, zp, y, xm, n, live)
    xz = factor * _field_at(packed, z, y, x, n, _XZ, live) + _plaquette(f, f_xp, f_zp, f_pp)
    xz_z = factor * _field_at(packed, zm, y, x, n, _XZ, live) + _plaquette(f_zm, f_pm, f, f_xp)
    xz_x = factor * _field_at(packed, z, y, xm, n, _XZ, live) + _plaquette(f_xm, f, f_mp, f_zp)
    f_pp, f_pm, f_mp = _at(phi, zp, yp, x, n, live), _at(phi, zm, yp, x, n, live), _at(phi, zp, ym, x, n, live)
    yz = factor * _field_at(packed, z, y, x, n, _YZ, live) + _plaquette(f, f_yp, f_zp, f_pp)
    yz_z = factor * _field_at(packed, zm, y, x, n, _YZ, live) + _plaquette(f_zm, f_pm, f, f_yp)
    yz_y = factor * _field_at(packed, z, ym, x, n, _YZ, live) + _plaquette(f_ym, f, f_mp, f_zp)

    here = site(z, y, x, n)
    volume = n.to(tl.int64) * n * n
    tl.store(out + here, xx + yy + zz, mask=live)
    tl.store(out + volume + here, (xx_up - xx) + (xy - xy_y) + (xz - xz_z), mask=live)
    tl.store(out + 2 * volume + here, (xy - xy_x) + (yy_up - yy) + (yz - yz_z), mask=live)
    tl.store(out + 3 * volume + here, (xz - xz_x) + (yz - yz_y) + (zz_up - zz), mask=live)


@triton.jit
def _pack(phi, chi, b, out, n, WIDE: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    x, y, z, live = _sites(n, ROWS, WIDTH)
    here = site(z, y, x, n)
    volume = n.to(tl.int64) * n * n
    bx, by, bz = (
        tl.load(b + here, mask=live, other=0.0), tl.load(b + volume + here, mask=live, other=0.0),
        tl.load(b + 2 * volume + here, mask=live, other=0.0),
    )  # fmt: skip
    lx = bx - _at(b, z, y, _below(x, n), n, live)
    ly = by - _at(b + volume, z, _below(y, n), x, n, live)
    lz = bz - _at(b + 2 * volume, _below(z, n), y, x, n, live)
    f, c = tl.load(phi + here, mask=live, other=0.0), tl.load(chi + here, mask=live, other=0.0)
    # fields phi chi bx by bz lx ly lz: the first join is the slowest of three binary digits
    even = tl.join(tl.join(f, bz), tl.join(bx, ly))
    odd = tl.join(tl.join(c, lx), tl.join(by, lz))
    packed = tl.reshape(tl.join(even, odd), [ROWS, WIDTH, WIDE])
    where = out + here[:, :, None] * WIDE + tl.arange(0, WIDE)[None, None, :]
    tl.store(where, packed, mask=tl.broadcast_to(live[:, :, None], where.shape))


def phi_source(stress_energy, extra, phi, chi, past, density, expansion, memory, implicit, second_order, out, sums):
    """See ``reference.sources.phi_source``."""
    n = phi.shape[0]
    grid, rows, width = tiles(n * n, n)
    _phi_source[grid](
        contiguous(stress_energy), phi if extra is None else contiguous(extra), contiguous(phi), contiguous(chi),
        contiguous(past), scalars(phi, density, expansion, memory), contiguous(out), n, EXTRA=extra is not None,
        IMPLICIT=implicit, SECOND=second_order, ROWS=rows, WIDTH=width, **OPTIONS,
    )  # fmt: skip
    torch.sum(stress_energy[..., T00], dim=(1, 2), dtype=torch.float64, out=sums)
    if extra is not None:
        sums += extra.sum(dim=(1, 2), dtype=torch.float64)
    return out


def stress_divergence(stress_energy, phi, factor, out):
    """See ``reference.sources.stress_divergence``."""
    n = phi.shape[0]
    grid, rows, width = tiles(n * n, n)
    _stress_divergence[grid](
        contiguous(stress_energy),
        contiguous(phi),
        scalars(phi, factor),
        contiguous(out),
        n,
        ROWS=rows,
        WIDTH=width,
        **OPTIONS,
    )
    return out


def pack_metric(phi, chi, b, out):
    """See ``reference.sources.pack_metric``."""
    n = phi.shape[0]
    grid, rows, width = tiles(n * n, n)
    _pack[grid](
        contiguous(phi),
        contiguous(chi),
        contiguous(b),
        contiguous(out),
        n,
        WIDE=PACKED,
        ROWS=rows,
        WIDTH=width,
        **OPTIONS,
    )
    return out
