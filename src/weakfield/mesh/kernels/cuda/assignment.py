"""Cloud-in-cell painting and reading, and the lattice gradient at a particle (EQUATIONS 4, 6.1)."""

from __future__ import annotations

import triton
import triton.language as tl

from weakfield.mesh.kernels.cuda.cells import eight, locate, particle, site, slope
from weakfield.mesh.kernels.cuda.launch import OPTIONS, blocks, contiguous, scalars


@triton.jit
def _paint(column, row, u, weight, numbers, out, n, count, WEIGHTED: tl.constexpr, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x0, x1, fx, y0, y1, fy, z0, z1, fz = locate(column, row, u, p, live, count, n)
    value = tl.load(numbers).to(fx.dtype) + tl.zeros_like(fx)
    if WEIGHTED:
        value *= tl.load(weight + p, mask=live, other=0.0)
    for corner in tl.static_range(8):
        x, wx = (x1, fx) if corner % 2 == 1 else (x0, 1 - fx)
        y, wy = (y1, fy) if (corner // 2) % 2 == 1 else (y0, 1 - fy)
        z, wz = (z1, fz) if corner // 4 == 1 else (z0, 1 - fz)
        tl.atomic_add(out + site(z, y, x, n), value * (wx * wy * wz), mask=live, sem="relaxed")


@triton.jit
def _read(column, row, u, field, out, n, count, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x0, x1, fx, y0, y1, fy, z0, z1, fz = locate(column, row, u, p, live, count, n)
    f000, f001, f010, f011, f100, f101, f110, f111 = eight(field, x0, x1, y0, y1, z0, z1, n, live)
    gx, gy, gz = 1 - fx, 1 - fy, 1 - fz
    lower = gy * (gx * f000 + fx * f001) + fy * (gx * f010 + fx * f011)
    upper = gy * (gx * f100 + fx * f101) + fy * (gx * f110 + fx * f111)
    tl.store(out + p, gz * lower + fz * upper, mask=live)


@triton.jit
def _gradient(column, row, u, field, out, n, count, BLOCK: tl.constexpr):
    p, live = particle(count, BLOCK)
    x0, x1, fx, y0, y1, fy, z0, z1, fz = locate(column, row, u, p, live, count, n)
    f000, f001, f010, f011, f100, f101, f110, f111 = eight(field, x0, x1, y0, y1, z0, z1, n, live)
    dx, dy, dz = slope(f000, f001, f010, f011, f100, f101, f110, f111, fx, fy, fz)
    tl.store(out + p, dx, mask=live)
    tl.store(out + count + p, dy, mask=live)
    tl.store(out + count + count + p, dz, mask=live)


def paint(particles, weight=None, scale=1.0, out=None, start=0.0):
    """See ``reference.assignment.paint``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    out = u.new_empty((n, n, n)) if out is None else out
    contiguous(out).fill_(start)
    grid, block = blocks(count)
    _paint[grid](
        particles.column, particles.rows(), u, u if weight is None else contiguous(weight), scalars(u, scale), out,
        n, count, WEIGHTED=weight is not None, BLOCK=block, **OPTIONS,
    )  # fmt: skip
    return out


def read(particles, field):
    """See ``reference.assignment.read``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    out = u.new_empty(count)
    grid, block = blocks(count)
    _read[grid](
        particles.column, particles.rows(), u, contiguous(field), out, n, count, BLOCK=block, **OPTIONS
    )  # fmt: skip
    return out


def gradient(particles, field):
    """See ``reference.assignment.gradient``."""
    n, count, u = particles.grid, len(particles), contiguous(particles.displacement)
    out = u.new_empty((3, count))
    grid, block = blocks(count)
    _gradient[grid](
        particles.column, particles.rows(), u, contiguous(field), out, n, count, BLOCK=block, **OPTIONS
    )  # fmt: skip
    return out
