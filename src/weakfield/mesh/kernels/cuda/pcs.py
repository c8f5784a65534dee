"""Particles on the spectral mesh: cubic splines for every deposit and every gather (EQUATIONS 16.1, 16.2).

The 64 nodes of a particle are a loop over its four planes z, with the 16 nodes of a plane unrolled. With all of them
unrolled the largest kernels take ten times as long to compile, most of a minute each. Deposits are atomic additions, in
an order that changes from run to run (``kernels.deterministic`` keeps one).

Weights are 6 W along each axis, polynomials of whole numbers: 1/6 and 2/3 are no literals that 32 bits hold. The factor
1/216 that remains comes with the scalars.
"""

from __future__ import annotations

import triton
import triton.language as tl

from weakfield.mesh.kernels.cuda.cells import particle, root, site, wrapped
from weakfield.mesh.kernels.cuda.launch import OPTIONS, blocks, contiguous, scalars
from weakfield.mesh.packed import (
    D_PHI,
    D_PSI,
    METRIC_PHI,
    METRIC_PSI,
    PACKED,
    T00,
    VECTOR,
    XX,
    XY,
    XZ,
    YY,
    YZ,
    ZZ,
)

# what a kernel reads of a module has to be a constant of Triton
_PACKED, _VECTOR = tl.constexpr(PACKED), tl.constexpr(VECTOR)
_T00, _XX, _YY, _ZZ = tl.constexpr(T00), tl.constexpr(XX), tl.constexpr(YY), tl.constexpr(ZZ)
_XY, _XZ, _YZ = tl.constexpr(XY), tl.constexpr(XZ), tl.constexpr(YZ)
_PHI, _PSI, _D_PHI, _D_PSI = (
    tl.constexpr(METRIC_PHI), tl.constexpr(METRIC_PSI), tl.constexpr(D_PHI), tl.constexpr(D_PSI),
)  # fmt: skip
#: the fields of the metric that a projection without momenta reads
_POTENTIALS = tl.constexpr(2)
assert {METRIC_PHI, METRIC_PSI} == {0, 1}

#: particles of a program that holds all fields of each
_WIDE = 64
#: particles of a program that deposits single numbers: one for each of its threads. Triton loads neighbouring particles
#: of a larger program into one thread, and would exchange them between threads before each of the 64 deposits
_NARROW = 128
#: (1/6)^3: what turns products of three weights into those of the spline
_CUBE = 1 / 216


@triton.jit
def _spline(r, node):
    """6 W at the lowest node (0) to the highest (3) of a particle that is r beyond the second of them."""
    t = tl.abs(r + (1 - node))
    far = 2 - t
    return tl.where(t < 1, 4 + t * t * (3 * t - 6), far * far * far)


@triton.jit
def _spline_slope(r, node):
    """Derivative of ``_spline`` by r."""
    t = r + (1 - node)
    far = 2 - tl.abs(t)
    return tl.where(tl.abs(t) < 1, t * (9 * tl.abs(t) - 12), tl.where(t < 0, 3, -3) * (far * far))


@triton.jit
def _four(r):
    return _spline(r, 0), _spline(r, 1), _spline(r, 2), _spline(r, 3)


@triton.jit
def _four_slopes(r):
    return _spline_slope(r, 0), _spline_slope(r, 1), _spline_slope(r, 2), _spline_slope(r, 3)


@triton.jit
def _next(cell, n):
    return tl.where(cell + 1 < n, cell + 1, 0)


@triton.jit
def _nodes(first, n):
    """The four nodes of an axis, on any mesh: one of two cells meets its nodes twice."""
    second = _next(first, n)
    third = _next(second, n)
    return first, second, third, _next(third, n)


@triton.jit
def _along(rest, displacement, n):
    """Lowest of the four nodes along one axis, and how far beyond the second of them a particle is."""
    whole = tl.floor(displacement)
    return wrapped(rest + (whole.to(tl.int32) - 1), n), displacement - whole


@triton.jit
def _around(column, row, displacement, p, live, count, n):
    """``_along`` for x, y and z."""
    rest = tl.load(row + p, mask=live, other=0)
    x, fx = _along(tl.load(column + p, mask=live, other=0), tl.load(displacement + p, mask=live, other=0.0), n)
    y, fy = _along(rest % n, tl.load(displacement + count + p, mask=live, other=0.0), n)
    z, fz = _along(rest // n, tl.load(displacement + count + count + p, mask=live, other=0.0), n)
    return x, fx, y, fy, z, fz


@triton.jit
def _mask(live, field, LAST: tl.constexpr, WIDE: tl.constexpr):
    """(BLOCK, WIDE): fields that exist of particles that exist."""
    if LAST == WIDE:
        mask = tl.broadcast_to(live[:, None], [live.shape[0], WIDE])
    else:
        mask = live[:, None] & (field < LAST)
    return mask


@triton.jit
def _gather(fields, x, fx, y, fy, z, fz, live, n, STRIDE: tl.constexpr, LAST: tl.constexpr, WIDE: tl.constexpr):
    """(BLOCK, WIDE): 216 times the splines through the first LAST of STRIDE fields; those of a node in one load."""
    field = tl.arange(0, WIDE)[None, :]
    mask = _mask(live, field, LAST, WIDE)
    xs, wxs, ys, wys = _nodes(x, n), _four(fx), _nodes(y, n), _four(fy)
    total = tl.zeros([fx.shape[0], WIDE], fx.dtype)
    for k in range(4):
        wz = _spline(fz, k)
        for j in tl.static_range(4):
            w = wys[j] * wz
            row = site(z, ys[j], 0, n)
            for i in tl.static_range(4):
                f = tl.load(fields + (row + xs[i])[:, None] * STRIDE + field, mask=mask, other=0.0)
                total += (wxs[i] * w)[:, None] * f
        z = _next(z, n)
    return total


@triton.jit
def _gather_slopes(fields, x, fx, y, fy, z, fz, live, n, WIDE: tl.constexpr):
    """As ``_gather`` and its derivatives along x, y and z, per cell."""
    field = tl.arange(0, WIDE)[None, :]
    mask = _mask(live, field, WIDE, WIDE)
    xs, wxs, ys, wys = _nodes(x, n), _four(fx), _nodes(y, n), _four(fy)
    sxs, sys = _four_slopes(fx), _four_slopes(fy)
    total = tl.zeros([fx.shape[0], WIDE], fx.dtype)
    dx, dy, dz = total, total, total
    for k in range(4):
        wz, sz = _spline(fz, k), _spline_slope(fz, k)
        for j in tl.static_range(4):
            w, wy, wz_y = wys[j] * wz, sys[j] * wz, wys[j] * sz
            row = site(z, ys[j], 0, n)
            for i in tl.static_range(4):
                f = tl.load(fields + (row + xs[i])[:, None] * WIDE + field, mask=mask, other=0.0)
                total += (wxs[i] * w)[:, None] * f
                dx += (sxs[i] * w)[:, None] * f
                dy += (wxs[i] * wy)[:, None] * f
                dz += (wxs[i] * wz_y)[:, None] * f
        z = _next(z, n)
    return total, dx, dy, dz


@triton.jit
def _field(packed, field, wanted):
    """One field at each particle, (BLOCK,): the others may hold anything."""
    return tl.sum(tl.where(field == wanted, packed, 0.0), axis=1)


@triton.jit
def _exp(x):
    """e^x of a small number: within 1e-15 for |x| < 1 in double; within 1e-7 for |x| < 1/4 in single, 3e-7 for |x| < 1.

    ``tl.exp`` of 32-bit numbers is a fast approximation, whose last digits could be off alike for all particles, as
    potentials are themselves no larger than some units of these digits. The interpreter would not show it: it takes
    NumPy's exponential. Products and one quotient are the same everywhere. e^y - 1 of y = x / 4 is a Pade approximant,
    whose coefficients are whole numbers (relative error 1e-10 y^10); e^2y - 1 = (e^y - 1) (2 + (e^y - 1)), twice.
    """
    y = 0.25 * x
    y2 = y * y
    even = 30240 + y2 * (3360 + 30 * y2)
    odd = y * (15120 + y2 * (420 + y2))
    e = 2 * odd / (even - odd)
    e = e * (2 + e)
    e = e * (2 + e)
    return 1 + e


@triton.jit
def _momenta(q, p, live, count):
    qx = tl.load(q + p, mask=live, other=0.0)
    qy = tl.load(q + count + p, mask=live, other=0.0)
    qz = tl.load(q + count + count + p, mask=live, other=0.0)
    return qx, qy, qz


@triton.jit
def _fall(at, field, q2, a2):
    """-dq/dtau without frame dragging, of the metric at the particles and their q^2 (``reference.pcs.fall``)."""
    squared = _exp(2 * _field(at, field, _PHI)) * q2
    energy = root(a2 + squared)
    lapse = _exp(_field(at, field, _PSI))
    space, time = lapse * (squared / energy), lapse * energy
    x = time * _field(at, field, _D_PSI) + space * _field(at, field, _D_PHI)
    y = time * _field(at, field, _D_PSI + 1) + space * _field(at, field, _D_PHI + 1)
    z = time * _field(at, field, _D_PSI + 2) + space * _field(at, field, _D_PHI + 2)
    return x, y, z


@triton.jit
def _paint_pcs(column, row, u, weight, numbers, out, n, count, WEIGHTED: tl.constexpr, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x, fx, y, fy, z, fz = _around(column, row, u, p, live, count, n)
    value = tl.load(numbers).to(fx.dtype) + tl.zeros_like(fx)
    if WEIGHTED:
        value *= tl.load(weight + p, mask=live, other=0.0)
    xs, wxs, ys, wys = _nodes(x, n), _four(fx), _nodes(y, n), _four(fy)
    for k in range(4):
        wz = value * _spline(fz, k)
        for j in tl.static_range(4):
            w = wys[j] * wz
            line = site(z, ys[j], 0, n)
            for i in tl.static_range(4):
                tl.atomic_add(out + line + xs[i], wxs[i] * w, mask=live, sem="relaxed")
        z = _next(z, n)


@triton.jit
def _read_pcs(
    column, row, u, fields, numbers, out, n, count, LAST: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr
):
    p, live = particle(count, BLOCK)
    x, fx, y, fy, z, fz = _around(column, row, u, p, live, count, n)
    total = tl.load(numbers).to(fx.dtype) * _gather(fields, x, fx, y, fy, z, fz, live, n, LAST, LAST, WIDE)
    field = tl.arange(0, WIDE)[None, :]
    tl.store(out + field.to(tl.int64) * count + p[:, None], total, mask=_mask(live, field, LAST, WIDE))


@triton.jit
def _project_pcs(
    column, row, u, q, metric, numbers, energies, out, n, count, METRIC: tl.constexpr, SHIFTED: tl.constexpr,
    ENERGIES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    p, live = particle(count, BLOCK)
    x, fx, y, fy, z, fz = _around(column, row, u, p, live, count, n)
    qx, qy, qz = _momenta(q, p, live, count)
    q2 = qx * qx + qy * qy + qz * qz
    cube, a2 = tl.load(numbers).to(fx.dtype), tl.load(numbers + 1).to(fx.dtype)
    scale = tl.load(numbers + 2).to(fx.dtype)
    field = tl.arange(0, _PACKED)[None, :]
    if METRIC:
        if SHIFTED:
            at = cube * _gather(metric, x, fx, y, fy, z, fz, live, n, _PACKED, _PACKED, _PACKED)
            shift = tl.load(numbers + 3).to(fx.dtype)
            dx, dy, dz = _fall(at, field, q2, a2)
            qx, qy, qz = qx - shift * dx, qy - shift * dy, qz - shift * dz
            q2 = qx * qx + qy * qy + qz * qz
            phi = _field(at, field, _PHI)
        else:
            at = cube * _gather(metric, x, fx, y, fy, z, fz, live, n, _PACKED, _POTENTIALS, _POTENTIALS)
            phi = _field(at, tl.arange(0, _POTENTIALS)[None, :], _PHI)
        t00 = scale * _exp(3 * phi) * root(a2 + _exp(2 * phi) * q2)
    else:
        t00 = scale * root(a2 + q2)
    if ENERGIES:
        tl.store(energies + p, t00, mask=live)
    s = scale / root(q2 + a2)
    values = tl.where(field == _T00, t00[:, None], 0.0)
    values = tl.where(field == _XX, (s * qx * qx)[:, None], values)
    values = tl.where(field == _YY, (s * qy * qy)[:, None], values)
    values = tl.where(field == _ZZ, (s * qz * qz)[:, None], values)
    values = tl.where(field == _XY, (s * qx * qy)[:, None], values)
    values = tl.where(field == _XZ, (s * qx * qz)[:, None], values)
    values = cube * tl.where(field == _YZ, (s * qy * qz)[:, None], values)
    mask = _mask(live, field, _PACKED, _PACKED)
    xs, wxs, ys, wys = _nodes(x, n), _four(fx), _nodes(y, n), _four(fy)
    for k in range(4):
        wz = _spline(fz, k)
        for j in tl.static_range(4):
            w = wys[j] * wz
            line = site(z, ys[j], 0, n)
            for i in tl.static_range(4):
                where = out + (line + xs[i])[:, None] * _PACKED + field
                tl.atomic_add(where, (wxs[i] * w)[:, None] * values, mask=mask, sem="relaxed")
        z = _next(z, n)


@triton.jit
def _t0i_pcs(column, row, u, q, metric, numbers, out, n, count, METRIC: tl.constexpr, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x, fx, y, fy, z, fz = _around(column, row, u, p, live, count, n)
    qx, qy, qz = _momenta(q, p, live, count)
    cube, scale = tl.load(numbers).to(fx.dtype), tl.load(numbers + 1).to(fx.dtype) + tl.zeros_like(fx)
    if METRIC:
        at = cube * _gather(metric, x, fx, y, fy, z, fz, live, n, _PACKED, _POTENTIALS, _POTENTIALS)
        field = tl.arange(0, _POTENTIALS)[None, :]
        scale *= _exp(3 * _field(at, field, _PHI) - _field(at, field, _PSI))
    scale *= cube
    qx, qy, qz = scale * qx, scale * qy, scale * qz
    volume = n.to(tl.int64) * n * n
    xs, wxs, ys, wys = _nodes(x, n), _four(fx), _nodes(y, n), _four(fy)
    for k in range(4):
        wz = _spline(fz, k)
        for j in tl.static_range(4):
            w = wys[j] * wz
            line = site(z, ys[j], 0, n)
            for i in tl.static_range(4):
                where, share = out + line + xs[i], wxs[i] * w
                tl.atomic_add(where, share * qx, mask=live, sem="relaxed")
                tl.atomic_add(where + volume, share * qy, mask=live, sem="relaxed")
                tl.atomic_add(where + 2 * volume, share * qz, mask=live, sem="relaxed")
        z = _next(z, n)


@triton.jit
def _push(u, q, at, live, drift, momentum, velocity):
    """Store a component of the momentum, and drift with one of the velocity."""
    tl.store(q + at, momentum, mask=live)
    tl.store(u + at, tl.load(u + at, mask=live, other=0.0) + drift * velocity, mask=live)


@triton.jit
def _newton_pcs(column, row, u, q, slopes, numbers, n, count, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x, fx, y, fy, z, fz = _around(column, row, u, p, live, count, n)
    kick, drift = tl.load(numbers).to(fx.dtype), tl.load(numbers + 1).to(fx.dtype)
    change = kick * _gather(slopes, x, fx, y, fy, z, fz, live, n, _VECTOR, _VECTOR, _VECTOR)
    field = tl.arange(0, _VECTOR)[None, :]
    qx, qy, qz = _momenta(q, p, live, count)
    keep = tl.load(numbers + 2).to(fx.dtype)
    qx, qy = keep * qx - _field(change, field, 0), keep * qy - _field(change, field, 1)
    qz = keep * qz - _field(change, field, 2)
    _push(u, q, p, live, drift, qx, qx)
    _push(u, q, p + count, live, drift, qy, qy)
    _push(u, q, p + count + count, live, drift, qz, qz)


@triton.jit
def _kick_drift_pcs(column, row, u, q, metric, dragging, numbers, n, count, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x, fx, y, fy, z, fz = _around(column, row, u, p, live, count, n)
    cube, a2, kick = tl.load(numbers).to(fx.dtype), tl.load(numbers + 1).to(fx.dtype), tl.load(numbers + 2).to(fx.dtype)
    at = cube * _gather(metric, x, fx, y, fy, z, fz, live, n, _PACKED, _PACKED, _PACKED)
    field = tl.arange(0, _PACKED)[None, :]
    qx, qy, qz = _momenta(q, p, live, count)
    ax, ay, az = _fall(at, field, qx * qx + qy * qy + qz * qz, a2)
    # B has few enough fields to hold its derivatives beside it
    b, dx, dy, dz = _gather_slopes(dragging, x, fx, y, fy, z, fz, live, n, _VECTOR)
    component = tl.arange(0, _VECTOR)[None, :]
    along = tl.where(component == 0, qx[:, None], tl.where(component == 1, qy[:, None], qz[:, None]))
    drag = tl.load(numbers + 3).to(fx.dtype)
    ax += drag * tl.sum(tl.where(component < 3, along * dx, 0.0), axis=1)
    ay += drag * tl.sum(tl.where(component < 3, along * dy, 0.0), axis=1)
    az += drag * tl.sum(tl.where(component < 3, along * dz, 0.0), axis=1)
    keep = tl.load(numbers + 7).to(fx.dtype)
    qx, qy, qz = keep * qx - kick * ax, keep * qy - kick * ay, keep * qz - kick * az

    half2, drift = tl.load(numbers + 4).to(fx.dtype), tl.load(numbers + 5).to(fx.dtype)
    stretch = _exp(2 * _field(at, field, _PHI))
    energy = root(half2 + stretch * (qx * qx + qy * qy + qz * qz))
    speed = _exp(_field(at, field, _PSI)) * stretch / energy
    b *= tl.load(numbers + 6).to(fx.dtype)
    _push(u, q, p, live, drift, qx, speed * qx + _field(b, component, 0))
    _push(u, q, p + count, live, drift, qy, speed * qy + _field(b, component, 1))
    _push(u, q, p + count + count, live, drift, qz, speed * qz + _field(b, component, 2))


def paint_pcs(particles, weight=None, scale=1.0, out=None, start=0.0, shift=0.0):
    """See ``reference.pcs.paint_pcs``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    if shift:
        u = u + shift
    out = u.new_empty((n, n, n)) if out is None else out
    contiguous(out).fill_(start)
    grid, block = blocks(count, _NARROW)
    _paint_pcs[grid](
        particles.column, particles.rows(), u, u if weight is None else contiguous(weight), scalars(u, scale * _CUBE),
        out, n, count, WEIGHTED=weight is not None, BLOCK=block, **OPTIONS,
    )  # fmt: skip
    return out


def read_pcs(particles, fields):
    """See ``reference.pcs.read_pcs``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    packed = fields.shape[-1]
    out = u.new_empty((packed, count))
    grid, block = blocks(count, _WIDE)
    _read_pcs[grid](
        particles.column, particles.rows(), u, contiguous(fields), scalars(u, _CUBE), out, n, count, LAST=packed,
        WIDE=triton.next_power_of_2(packed), BLOCK=block, **OPTIONS,
    )  # fmt: skip
    return out


def project_pcs(particles, metric, weight, a, out, start=0.0, energies=None):
    """See ``reference.pcs.project_pcs``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    numbers = scalars(u, _CUBE, a**2, particles.mass * n**3 / a, weight)
    contiguous(out).zero_()
    out[..., T00] = start
    grid, block = blocks(count, _WIDE)
    _project_pcs[grid](
        particles.column, particles.rows(), u, contiguous(particles.momentum), u if metric is None else
        contiguous(metric), numbers, u if energies is None else contiguous(energies), out, n, count,
        METRIC=metric is not None, SHIFTED=weight != 0.0, ENERGIES=energies is not None, BLOCK=block, **OPTIONS,
    )  # fmt: skip
    return out


def project_t0i_pcs(particles, metric, out):
    """See ``reference.pcs.project_t0i_pcs``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    contiguous(out).zero_()
    grid, block = blocks(count, _NARROW)
    _t0i_pcs[grid](
        particles.column, particles.rows(), u, contiguous(particles.momentum), u if metric is None else
        contiguous(metric), scalars(u, _CUBE, particles.mass * n**3), out, n, count, METRIC=metric is not None,
        BLOCK=block, **OPTIONS,
    )  # fmt: skip
    return out


def kick_drift_newton_pcs(particles, slopes, step):
    """See ``reference.pcs.kick_drift_newton_pcs``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    grid, block = blocks(count, _WIDE)
    _newton_pcs[grid](
        particles.column, particles.rows(), u, contiguous(particles.momentum), contiguous(slopes),
        scalars(u, step.kick * _CUBE, step.drift * n, step.keep), n, count, BLOCK=block, **OPTIONS,
    )  # fmt: skip


def kick_drift_pcs(particles, metric, dragging, step):
    """See ``reference.pcs.kick_drift_pcs``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    numbers = scalars(
        u, _CUBE, step.a**2, step.kick, n / step.a**2 * _CUBE, step.a_half**2, step.drift * n, _CUBE / step.a_half**2,
        step.keep,
    )  # fmt: skip
    grid, block = blocks(count, _WIDE)
    _kick_drift_pcs[grid](
        particles.column, particles.rows(), u, contiguous(particles.momentum), contiguous(metric),
        contiguous(dragging), numbers, n, count, BLOCK=block, **OPTIONS,
    )  # fmt: skip
