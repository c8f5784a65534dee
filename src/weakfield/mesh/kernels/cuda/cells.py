"""Where a particle is, and what it meets there. Inlined into every particle kernel.

Offsets into memory are 64-bit: eight fields on a mesh of 1024 cells a side are 2^33 numbers. A Python integer below
2^31 has 32 bits in a kernel: twice the number of particles may overflow where adding it twice to a pointer does not.
"""

import triton
import triton.language as tl


@triton.jit
def particle(count, BLOCK: tl.constexpr):
    """Index of each particle of this program, and whether there is one."""
    p = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    return p, p < count


@triton.jit
def wrapped(cell, n):
    """A cell index brought into [0, n), whichever way the remainder of a negative number is signed."""
    cell = cell % n
    return tl.where(cell < 0, cell + n, cell)


@triton.jit
def along(rest, displacement, n):
    """Base cell, next cell (periodic) and fraction along one axis."""
    whole = tl.floor(displacement)
    cell = wrapped(rest + whole.to(tl.int32), n)
    return cell, tl.where(cell + 1 < n, cell + 1, 0), displacement - whole


@triton.jit
def locate(column, row, displacement, p, live, count, n):
    """``along`` for x, y and z."""
    rest = tl.load(row + p, mask=live, other=0)
    x0, x1, fx = along(tl.load(column + p, mask=live, other=0), tl.load(displacement + p, mask=live, other=0.0), n)
    y0, y1, fy = along(rest % n, tl.load(displacement + count + p, mask=live, other=0.0), n)
    z0, z1, fz = along(rest // n, tl.load(displacement + count + count + p, mask=live, other=0.0), n)
    return x0, x1, fx, y0, y1, fy, z0, z1, fz


@triton.jit
def site(z, y, x, n):
    """Flat index of a node [z, y, x]."""
    return (z * n + y).to(tl.int64) * n + x


@triton.jit
def eight(field, x0, x1, y0, y1, z0, z1, n, live):
    """A field at the corners of the cell, named zyx: f000 to f111."""
    f000 = tl.load(field + site(z0, y0, x0, n), mask=live, other=0.0)
    f001 = tl.load(field + site(z0, y0, x1, n), mask=live, other=0.0)
    f010 = tl.load(field + site(z0, y1, x0, n), mask=live, other=0.0)
    f011 = tl.load(field + site(z0, y1, x1, n), mask=live, other=0.0)
    f100 = tl.load(field + site(z1, y0, x0, n), mask=live, other=0.0)
    f101 = tl.load(field + site(z1, y0, x1, n), mask=live, other=0.0)
    f110 = tl.load(field + site(z1, y1, x0, n), mask=live, other=0.0)
    f111 = tl.load(field + site(z1, y1, x1, n), mask=live, other=0.0)
    return f000, f001, f010, f011, f100, f101, f110, f111


@triton.jit
def slope(f000, f001, f010, f011, f100, f101, f110, f111, fx, fy, fz):
    """Differences across the cell, bilinear in the other axes (EQUATIONS 6.1)."""
    gx, gy, gz = 1 - fx, 1 - fy, 1 - fz
    dx = gz * (gy * (f001 - f000) + fy * (f011 - f010)) + fz * (gy * (f101 - f100) + fy * (f111 - f110))
    dy = gz * (gx * (f010 - f000) + fx * (f011 - f001)) + fz * (gx * (f110 - f100) + fx * (f111 - f101))
    dz = gy * (gx * (f100 - f000) + fx * (f101 - f001)) + fy * (gx * (f110 - f010) + fx * (f111 - f011))
    return dx, dy, dz


@triton.jit
def root(value):
    """Square root, correctly rounded; ``tl.sqrt`` of 32-bit numbers is a fast approximation."""
    if value.dtype == tl.float32:
        result = tl.sqrt_rn(value)
    else:
        result = tl.sqrt(value)
    return result
