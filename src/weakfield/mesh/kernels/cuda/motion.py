"""Kick and drift of particles under both theories (EQUATIONS 6, 8)."""

from __future__ import annotations

import triton
import triton.language as tl

from weakfield.mesh.kernels.cuda.cells import eight, locate, particle, root, site, slope
from weakfield.mesh.kernels.cuda.launch import OPTIONS, blocks, contiguous, scalars
from weakfield.mesh.packed import BX, BY, BZ, CHI, LX, LY, LZ, PACKED, PHI

# what a kernel reads of a module has to be a constant of Triton
_PACKED, _PHI, _CHI = tl.constexpr(PACKED), tl.constexpr(PHI), tl.constexpr(CHI)
_BX, _BY, _BZ = tl.constexpr(BX), tl.constexpr(BY), tl.constexpr(BZ)
_LX, _LY, _LZ = tl.constexpr(LX), tl.constexpr(LY), tl.constexpr(LZ)

#: particles of a program that holds all fields of each
_WIDE = 64


@triton.jit
def _newton(column, row, u, q, potential, numbers, n, count, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x0, x1, fx, y0, y1, fy, z0, z1, fz = locate(column, row, u, p, live, count, n)
    f000, f001, f010, f011, f100, f101, f110, f111 = eight(potential, x0, x1, y0, y1, z0, z1, n, live)
    dx, dy, dz = slope(f000, f001, f010, f011, f100, f101, f110, f111, fx, fy, fz)
    kick, drift = tl.load(numbers).to(fx.dtype), tl.load(numbers + 1).to(fx.dtype)
    _push(u, q, p, live, kick, drift, dx)
    _push(u, q, p + count, live, kick, drift, dy)
    _push(u, q, p + count + count, live, kick, drift, dz)


@triton.jit
def _push(u, q, at, live, kick, drift, fall):
    momentum = tl.load(q + at, mask=live, other=0.0) - kick * fall
    tl.store(q + at, momentum, mask=live)
    tl.store(u + at, tl.load(u + at, mask=live, other=0.0) + drift * momentum, mask=live)


@triton.jit
def _weight(fraction, corner: tl.constexpr, nearest):
    """Linear weight of a corner along one axis; along its own axis a link value is that of the lower site."""
    linear = fraction[:, None] if corner == 1 else 1 - fraction[:, None]
    return tl.where(nearest, 1.0 - corner, linear)


@triton.jit
def _field(packed, field, wanted):
    """One field at each particle, (BLOCK,): the others are multiplied by zero, never compared."""
    return tl.sum(tl.where(field == wanted, packed, 0.0), axis=1)


@triton.jit
def _gr(
    column, row, u, q, metric, numbers, n, count, SECOND: tl.constexpr, DRAGGING: tl.constexpr, METRIC: tl.constexpr,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    p, live = particle(count, BLOCK)
    x0, x1, fx, y0, y1, fy, z0, z1, fz = locate(column, row, u, p, live, count, n)
    # All fields of a corner come in one load of (BLOCK, 8). Of each: its value at the particle, and its differences
    # along x, y, z. A component of B is taken at the nearest lower site along its own axis.
    field = tl.arange(0, WIDTH)[None, :]
    value = tl.zeros([BLOCK, WIDTH], fx.dtype)
    dx, dy, dz = value, value, value
    for corner in tl.static_range(8):
        x, y, z = (
            x1 if corner % 2 == 1 else x0, y1 if (corner // 2) % 2 == 1 else y0, z1 if corner // 4 == 1 else z0,
        )  # fmt: skip
        at = site(z, y, x, n)
        f = tl.load(metric + at[:, None] * WIDTH + field, mask=live[:, None], other=0.0)
        wx = _weight(fx, corner % 2, field == _BX)
        wy = _weight(fy, (corner // 2) % 2, field == _BY)
        wz = _weight(fz, corner // 4, field == _BZ)
        value += wx * wy * wz * f
        dx += (2 * (corner % 2) - 1) * (wy * wz * f)
        dy += (2 * ((corner // 2) % 2) - 1) * (wx * wz * f)
        dz += (2 * (corner // 4) - 1) * (wx * wy * f)
    phi, chi = _field(value, field, _PHI), _field(value, field, _CHI)

    qx = tl.load(q + p, mask=live, other=0.0)
    qy = tl.load(q + count + p, mask=live, other=0.0)
    qz = tl.load(q + count + count + p, mask=live, other=0.0)
    a2, kick = tl.load(numbers).to(fx.dtype), tl.load(numbers + 1).to(fx.dtype)
    q2 = qx * qx + qy * qy + qz * qz
    e2 = q2 + a2  # masked particles have q = 0 and e = a
    energy = root(e2)
    weight = 1 + q2 / e2
    if SECOND:
        weight = 4 * phi * q2 / e2 + (1 + a2 * phi / e2) * weight
    ax = weight * _field(dx, field, _PHI) - _field(dx, field, _CHI)
    ay = weight * _field(dy, field, _PHI) - _field(dy, field, _CHI)
    az = weight * _field(dz, field, _PHI) - _field(dz, field, _CHI)
    if DRAGGING:
        pull = tl.load(numbers + 2).to(fx.dtype) / energy
        ax += pull * (qx * _field(value, field, _LX) + qy * _field(dx, field, _BY) + qz * _field(dx, field, _BZ))
        ay += pull * (qx * _field(dy, field, _BX) + qy * _field(value, field, _LY) + qz * _field(dy, field, _BZ))
        az += pull * (qx * _field(dz, field, _BX) + qy * _field(dz, field, _BY) + qz * _field(value, field, _LZ))
    qx, qy, qz = qx - kick * energy * ax, qy - kick * energy * ay, qz - kick * energy * az
    tl.store(q + p, qx, mask=live)
    tl.store(q + count + p, qy, mask=live)
    tl.store(q + count + count + p, qz, mask=live)

    half2, drift = tl.load(numbers + 3).to(fx.dtype), tl.load(numbers + 4).to(fx.dtype)
    q2 = qx * qx + qy * qy + qz * qz
    e2 = q2 + half2
    speed = 1 / root(e2)
    vx, vy, vz = qx, qy, qz
    if METRIC:
        speed *= 1 + (3 - q2 / e2) * phi - chi
        link = tl.load(numbers + 5).to(fx.dtype)
        vx = speed * qx + link * _field(value, field, _BX)
        vy = speed * qy + link * _field(value, field, _BY)
        vz = speed * qz + link * _field(value, field, _BZ)
    else:
        vx, vy, vz = speed * qx, speed * qy, speed * qz
    tl.store(u + p, tl.load(u + p, mask=live, other=0.0) + drift * vx, mask=live)
    tl.store(u + count + p, tl.load(u + count + p, mask=live, other=0.0) + drift * vy, mask=live)
    tl.store(u + count + count + p, tl.load(u + count + count + p, mask=live, other=0.0) + drift * vz, mask=live)


def kick_drift_newton(particles, potential, kick, drift):
    """See ``reference.motion.kick_drift_newton``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    grid, block = blocks(count)
    _newton[grid](
        particles.column, particles.rows(), u, contiguous(particles.momentum), contiguous(potential),
        scalars(u, kick * n, drift * n), n, count, BLOCK=block, **OPTIONS,
    )  # fmt: skip


def kick_drift_gr(particles, metric, step):
    """See ``reference.motion.kick_drift_gr``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    a, a_half, kick, drift, second_order, kick_dragging, drift_metric = step
    numbers = scalars(u, a**2, kick * n, 1 / (n * a**2), a_half**2, drift * n, 1 / (n * a_half**2))
    grid, block = blocks(count, _WIDE)
    _gr[grid](
        particles.column, particles.rows(), u, contiguous(particles.momentum), contiguous(metric), numbers, n, count,
        SECOND=second_order, DRAGGING=kick_dragging, METRIC=drift_metric, WIDTH=PACKED, BLOCK=block, **OPTIONS,
    )  # fmt: skip
