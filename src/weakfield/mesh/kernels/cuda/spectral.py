"""Solutions of the field equations mode by mode (EQUATIONS 5).

Complex numbers are pairs of reals. The arithmetic is in double precision whatever the modes are stored in: memory
decides the time, and the symbols of the lattice cancel at small k.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from weakfield.mesh.kernels.cuda.launch import OPTIONS, contiguous, reals, scalars, symbols, tiles


@triton.jit
def _modes(n, half, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """x, y, z of the modes of this program, their flat index and which of them exist."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    x = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)[None, :]
    live = (row < n * n) & (x < half)
    return x, row % n, row // n, row.to(tl.int64) * half + x, live


@triton.jit
def _symbol(table, i, n):
    """The symbol of one axis at an index; indices of modes that do not exist are kept inside the table."""
    return tl.load(table + tl.where(i < n, i, 0))


@triton.jit
def _pair(modes, at, live):
    """Real and imaginary part of a mode in double precision."""
    return (
        tl.load(modes + 2 * at, mask=live, other=0.0).to(tl.float64),
        tl.load(modes + 2 * at + 1, mask=live, other=0.0).to(tl.float64),
    )


@triton.jit
def _put(modes, at, re, im, live):
    tl.store(modes + 2 * at, re.to(modes.dtype.element_ty), mask=live)
    tl.store(modes + 2 * at + 1, im.to(modes.dtype.element_ty), mask=live)


@triton.jit
def _divide(modes, table, numbers, n, half, CLEAR: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    x, y, z, at, live = _modes(n, half, ROWS, WIDTH)
    factor, shift = tl.load(numbers), tl.load(numbers + 1)
    k = _symbol(table, z, n) + _symbol(table, y, n) + _symbol(table, x, n) + shift
    scale = tl.where(k > 0, factor / tl.where(k > 0, k, 1.0), 1.0)
    if CLEAR:
        scale = tl.where(at == 0, 0.0, scale)
    re, im = _pair(modes, at, live)
    _put(modes, at, scale * re, scale * im, live)


@triton.jit
def _kappa_dot(kx_re, kx_im, ky_re, ky_im, kz_re, kz_im, x_re, x_im, y_re, y_im, z_re, z_im):
    """kappa_x x + kappa_y y + kappa_z z."""
    re = kx_re * x_re - kx_im * x_im + ky_re * y_re - ky_im * y_im + kz_re * z_re - kz_im * z_im
    im = kx_re * x_im + kx_im * x_re + ky_re * y_im + ky_im * y_re + kz_re * z_im + kz_im * z_re
    return re, im


@triton.jit
def _chi(divergence, table, out, n, half, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    x, y, z, at, live = _modes(n, half, ROWS, WIDTH)
    size = n.to(tl.int64) * n * half
    k = _symbol(table, z, n) + _symbol(table, y, n) + _symbol(table, x, n)
    t_re, t_im = _pair(divergence, at, live)
    x_re, x_im = _pair(divergence, at + size, live)
    y_re, y_im = _pair(divergence, at + 2 * size, live)
    z_re, z_im = _pair(divergence, at + 3 * size, live)
    d_re, d_im = _kappa_dot(
        _symbol(table + n, x, n), _symbol(table + 2 * n, x, n), _symbol(table + n, y, n), _symbol(table + 2 * n, y, n),
        _symbol(table + n, z, n), _symbol(table + 2 * n, z, n), x_re, x_im, y_re, y_im, z_re, z_im,
    )  # fmt: skip
    # (k tr S - 3 D) / (2 k^2 n) with D = -i n d
    safe = tl.where(k > 0, k, 1.0)
    norm = tl.where(k > 0, 0.5 / (safe * safe * n), 0.0)
    _put(out, at, norm * (k * t_re - 3 * n * d_im), norm * (k * t_im + 3 * n * d_re), live)


@triton.jit
def _transverse(vector, table, numbers, out, n, half, ADD: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    x, y, z, at, live = _modes(n, half, ROWS, WIDTH)
    size = n.to(tl.int64) * n * half
    k = _symbol(table, z, n) + _symbol(table, y, n) + _symbol(table, x, n)
    inverse = tl.where(k > 0, 1.0 / tl.where(k > 0, k, 1.0), 0.0)
    factor = tl.load(numbers) * inverse
    kx_re, kx_im = _symbol(table + n, x, n), _symbol(table + 2 * n, x, n)
    ky_re, ky_im = _symbol(table + n, y, n), _symbol(table + 2 * n, y, n)
    kz_re, kz_im = _symbol(table + n, z, n), _symbol(table + 2 * n, z, n)
    x_re, x_im = _pair(vector, at, live)
    y_re, y_im = _pair(vector, at + size, live)
    z_re, z_im = _pair(vector, at + 2 * size, live)
    d_re, d_im = _kappa_dot(kx_re, kx_im, ky_re, ky_im, kz_re, kz_im, x_re, x_im, y_re, y_im, z_re, z_im)
    d_re, d_im = d_re * inverse, d_im * inverse
    # conj(kappa) d = (kr dr + ki di) + i (kr di - ki dr)
    x_re, x_im = factor * (x_re - kx_re * d_re - kx_im * d_im), factor * (x_im - kx_re * d_im + kx_im * d_re)
    y_re, y_im = factor * (y_re - ky_re * d_re - ky_im * d_im), factor * (y_im - ky_re * d_im + ky_im * d_re)
    z_re, z_im = factor * (z_re - kz_re * d_re - kz_im * d_im), factor * (z_im - kz_re * d_im + kz_im * d_re)
    if ADD:
        old_re, old_im = _pair(out, at, live)
        x_re, x_im = x_re + old_re, x_im + old_im
        old_re, old_im = _pair(out, at + size, live)
        y_re, y_im = y_re + old_re, y_im + old_im
        old_re, old_im = _pair(out, at + 2 * size, live)
        z_re, z_im = z_re + old_re, z_im + old_im
    _put(out, at, x_re, x_im, live)
    _put(out, at + size, y_re, y_im, live)
    _put(out, at + 2 * size, z_re, z_im, live)


@triton.jit
def _realise(
    unit, strength, window, numbers, out, n, half, WINDOWED: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr
):
    x, y, z, at, live = _modes(n, half, ROWS, WIDTH)
    x, y, z = tl.where(x < half, x, 0), tl.minimum(y, n - y), tl.where(z < n, tl.minimum(z, n - z), 0)
    scale = tl.load(numbers) * tl.load(strength + (x * x + y * y + z * z))
    if WINDOWED:  # the reference program's single-precision product
        scale *= (tl.load(window + x) * tl.load(window + y) * tl.load(window + z)).to(tl.float64)
    re, im = _pair(unit, at, live)
    old_re, old_im = _pair(out, at, live)
    _put(out, at, old_re + scale * re, old_im + scale * im, live)


def divide_by_laplacian(modes, lattice, factor, shift=0.0, clear_zero_mode=False):
    """See ``reference.spectral.divide_by_laplacian``."""
    n, half = lattice.n, modes.shape[-1]
    grid, rows, width = tiles(n * n, half)
    _divide[grid](
        reals(modes), symbols(n, modes.device), scalars(modes, factor, shift), n, half, CLEAR=clear_zero_mode,
        ROWS=rows, WIDTH=width, **OPTIONS,
    )  # fmt: skip
    return modes


def solve_chi(divergence, lattice, out):
    """See ``reference.spectral.solve_chi``."""
    n, half = lattice.n, divergence.shape[-1]
    grid, rows, width = tiles(n * n, half)
    _chi[grid](reals(divergence), symbols(n, out.device), reals(out), n, half, ROWS=rows, WIDTH=width, **OPTIONS)
    return out


def advance_b(divergence, lattice, factor, b):
    """See ``reference.spectral.advance_b``."""
    return _launch_transverse(divergence[1:], lattice, factor, b, True)


def transverse_part(vector, lattice, factor):
    """See ``reference.spectral.transverse_part``."""
    return _launch_transverse(vector, lattice, factor, vector, False)


def _launch_transverse(vector, lattice, factor, out, add):
    n, half = lattice.n, vector.shape[-1]
    grid, rows, width = tiles(n * n, half)
    _transverse[grid](
        reals(vector), symbols(n, out.device), scalars(out, factor), reals(out), n, half, ADD=add, ROWS=rows,
        WIDTH=width, **OPTIONS,
    )  # fmt: skip
    return out


def add_realisation(unit, strength, window, factor, out):
    """See ``reference.spectral.add_realisation``."""
    n, half = unit.shape[0], unit.shape[-1]
    grid, rows, width = tiles(n * n, half)
    strength = torch.as_tensor(strength, dtype=torch.float64, device=out.device)
    table = strength if window is None else torch.as_tensor(window, dtype=torch.float32, device=out.device)
    _realise[grid](
        reals(unit), contiguous(strength), table, scalars(out, factor), reals(out), n, half,
        WINDOWED=window is not None, ROWS=rows, WIDTH=width, **OPTIONS,
    )  # fmt: skip
    return out
