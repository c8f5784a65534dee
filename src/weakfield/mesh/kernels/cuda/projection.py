"""Stress-energy of particles on the mesh (EQUATIONS 4): T00, T_ij and T0_i with the metric at the receiving site.

Deposits are atomic additions: their order, and with it the last bits of the sums, changes from run to run
(``kernels.deterministic`` keeps an order). T00 and the diagonal stresses lie side by side and are added together.
"""

from __future__ import annotations

import triton
import triton.language as tl

from weakfield.mesh.kernels.cuda.cells import eight, locate, particle, root, site, slope
from weakfield.mesh.kernels.cuda.launch import OPTIONS, blocks, contiguous, scalars
from weakfield.mesh.packed import PACKED, T00, XX, XY, XZ, YY, YZ, ZZ

assert (T00, XX, YY, ZZ) == (0, 1, 2, 3)  # as _add_four puts them
_PACKED = tl.constexpr(PACKED)
_XY, _XZ, _YZ = tl.constexpr(XY), tl.constexpr(XZ), tl.constexpr(YZ)


@triton.jit
def _add_four(out, at, t00, xx, yy, zz, live):
    """Add to the first four fields of a site, 16 neighbouring bytes in single precision."""
    four = tl.join(tl.join(t00, yy), tl.join(xx, zz))  # (BLOCK, 2, 2), the last index the fastest
    four = tl.reshape(four, [t00.shape[0], 4])
    where = out + at[:, None] * _PACKED + tl.arange(0, 4)[None, :]
    tl.atomic_add(where, four, mask=tl.broadcast_to(live[:, None], where.shape), sem="relaxed")


@triton.jit
def _corner(out, at, w, m, energy, f1, f2, sx, sy, sz, f, live):
    """T00 and the diagonal stresses of a corner of weight ``w`` and metric ``m``."""
    s = w * (1 + f * m)
    _add_four(out, at, w * (energy + m * (f1 + m * f2)), s * sx, s * sy, s * sz, live)


@triton.jit
def _stress_energy(
    column, row, u, q, phi, potential, numbers, out, n, count, SHIFTED: tl.constexpr, SECOND: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    p, live = particle(count, BLOCK)
    x0, x1, fx, y0, y1, fy, z0, z1, fz = locate(column, row, u, p, live, count, n)
    qx = tl.load(q + p, mask=live, other=0.0)
    qy = tl.load(q + count + p, mask=live, other=0.0)
    qz = tl.load(q + count + count + p, mask=live, other=0.0)
    if SHIFTED:
        f000, f001, f010, f011, f100, f101, f110, f111 = eight(potential, x0, x1, y0, y1, z0, z1, n, live)
        dx, dy, dz = slope(f000, f001, f010, f011, f100, f101, f110, f111, fx, fy, fz)
        shift = tl.load(numbers + 2).to(fx.dtype)
        qx, qy, qz = qx - shift * dx, qy - shift * dy, qz - shift * dz
    a2, scale = tl.load(numbers).to(fx.dtype), tl.load(numbers + 1).to(fx.dtype)
    q2 = qx * qx + qy * qy + qz * qz
    e2 = q2 + a2
    energy = root(e2)
    f1 = 3 * energy + q2 / energy
    f2 = tl.zeros_like(f1)
    if SECOND:
        f2 = (0.5 * f1 * f1 + q2 * a2 / e2) / energy
    f = 4 + a2 / e2
    e, f1, f2, s = scale * energy, scale * f1, scale * f2, scale / energy
    sx, sy, sz = s * qx * qx, s * qy * qy, s * qz * qz
    m000, m001, m010, m011, m100, m101, m110, m111 = eight(phi, x0, x1, y0, y1, z0, z1, n, live)
    gx, gy, gz = 1 - fx, 1 - fy, 1 - fz
    _corner(out, site(z0, y0, x0, n), gx * gy * gz, m000, e, f1, f2, sx, sy, sz, f, live)
    _corner(out, site(z0, y0, x1, n), fx * gy * gz, m001, e, f1, f2, sx, sy, sz, f, live)
    _corner(out, site(z0, y1, x0, n), gx * fy * gz, m010, e, f1, f2, sx, sy, sz, f, live)
    _corner(out, site(z0, y1, x1, n), fx * fy * gz, m011, e, f1, f2, sx, sy, sz, f, live)
    _corner(out, site(z1, y0, x0, n), gx * gy * fz, m100, e, f1, f2, sx, sy, sz, f, live)
    _corner(out, site(z1, y0, x1, n), fx * gy * fz, m101, e, f1, f2, sx, sy, sz, f, live)
    _corner(out, site(z1, y1, x0, n), gx * fy * fz, m110, e, f1, f2, sx, sy, sz, f, live)
    _corner(out, site(z1, y1, x1, n), fx * fy * fz, m111, e, f1, f2, sx, sy, sz, f, live)
    # off-diagonal: linear along the third axis, the metric averaged over the plaquette
    f = 0.25 * f
    here = out + site(z0, y0, x0, n) * _PACKED
    up = out + site(z1, y0, x0, n) * _PACKED
    sxy = s * qx * qy
    tl.atomic_add(here + _XY, sxy * gz * (1 + f * (m000 + m001 + m010 + m011)), mask=live, sem="relaxed")
    tl.atomic_add(up + _XY, sxy * fz * (1 + f * (m100 + m101 + m110 + m111)), mask=live, sem="relaxed")
    up = out + site(z0, y1, x0, n) * _PACKED
    sxz = s * qx * qz
    tl.atomic_add(here + _XZ, sxz * gy * (1 + f * (m000 + m001 + m100 + m101)), mask=live, sem="relaxed")
    tl.atomic_add(up + _XZ, sxz * fy * (1 + f * (m010 + m011 + m110 + m111)), mask=live, sem="relaxed")
    up = out + site(z0, y0, x1, n) * _PACKED
    syz = s * qy * qz
    tl.atomic_add(here + _YZ, syz * gx * (1 + f * (m000 + m010 + m100 + m110)), mask=live, sem="relaxed")
    tl.atomic_add(up + _YZ, syz * fx * (1 + f * (m001 + m011 + m101 + m111)), mask=live, sem="relaxed")


@triton.jit
def _link(phi, out, near, far, value, live):
    """Add q w w' (1 + phi + phi of the far end) to the link that begins at ``near``."""
    metric = tl.load(phi + near, mask=live, other=0.0) + tl.load(phi + far, mask=live, other=0.0)
    tl.atomic_add(out + near, value * (1 + metric), mask=live, sem="relaxed")


@triton.jit
def _t0i(column, row, u, q, phi, numbers, out, n, count, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x0, x1, fx, y0, y1, fy, z0, z1, fz = locate(column, row, u, p, live, count, n)
    scale = tl.load(numbers).to(fx.dtype)
    qx = scale * tl.load(q + p, mask=live, other=0.0)
    qy = scale * tl.load(q + count + p, mask=live, other=0.0)
    qz = scale * tl.load(q + count + count + p, mask=live, other=0.0)
    volume = n.to(tl.int64) * n * n
    for corner in tl.static_range(4):
        y, wy = (y1, fy) if corner % 2 == 1 else (y0, 1 - fy)
        z, wz = (z1, fz) if corner // 2 == 1 else (z0, 1 - fz)
        _link(phi, out, site(z, y, x0, n), site(z, y, x1, n), qx * wy * wz, live)
        x, wx = (x1, fx) if corner % 2 == 1 else (x0, 1 - fx)
        _link(phi, out + volume, site(z, y0, x, n), site(z, y1, x, n), qy * wx * wz, live)
        y, wy = (y1, fy) if corner // 2 == 1 else (y0, 1 - fy)
        _link(phi, out + 2 * volume, site(z0, y, x, n), site(z1, y, x, n), qz * wx * wy, live)


def project_stress_energy(particles, phi, potential, weight, a, second_order, out, start=0.0):
    """See ``reference.projection.project_stress_energy``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    shifted = potential is not None
    numbers = scalars(u, a**2, particles.mass * n**3 / a, weight * n)
    contiguous(out).zero_()
    out[..., T00] = start
    grid, block = blocks(count)
    _stress_energy[grid](
        particles.column, particles.rows(), u, contiguous(particles.momentum), contiguous(phi),
        contiguous(potential) if shifted else phi, numbers, out, n, count, SHIFTED=shifted, SECOND=second_order,
        BLOCK=block, **OPTIONS,
    )  # fmt: skip
    return out


def project_t0i(particles, phi, out):
    """See ``reference.projection.project_t0i``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    contiguous(out).zero_()
    grid, block = blocks(count)
    _t0i[grid](
        particles.column, particles.rows(), u, contiguous(particles.momentum), contiguous(phi),
        scalars(u, particles.mass * n**3), out, n, count, BLOCK=block, **OPTIONS,
    )  # fmt: skip
    return out
