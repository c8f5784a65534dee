"""The functions of ``mesh.spectral`` in few passes over memory, for sides that ``transform`` takes.

Along z see ``spectral_columns``, along x and y ``spectral_planes`` and ``spectral_sources``. Nyquist planes are taken
for zero: their columns are not transformed. Every number is computed the same way whatever the number of threads.
"""

from __future__ import annotations

from functools import lru_cache
from threading import get_ident

import numpy as np
import torch

from weakfield.mesh import spectral as definition
from weakfield.mesh.kernels.cpu import spectral_columns as along_z
from weakfield.mesh.kernels.cpu import spectral_planes as planes
from weakfield.mesh.kernels.cpu import spectral_sources as sources
from weakfield.mesh.kernels.cpu.pcs_cells import numbers
from weakfield.mesh.kernels.cpu.simd import WIDTH, aligned_zeros, streams
from weakfield.mesh.kernels.cpu.solvers import seeded
from weakfield.mesh.kernels.cpu.spectral import pairs_of
from weakfield.mesh.kernels.cpu.spectral_columns import ONES, PER_WINDOW, PHASES, WAVENUMBERS
from weakfield.mesh.kernels.cpu.transform import fits, plan
from weakfield.mesh.spectral import SHIFTS
from weakfield.mesh.threads import current_threads

#: half-transformed fields of work space: what ``solve_stress`` needs
_FIELDS = 10
#: of each deposit in a density
_SHARE = 1 / (1 + len(SHIFTS))
#: bytes of a block's row beside each other, real or imaginary parts
_BLOCK = 128


@lru_cache(maxsize=16)
def waves_of(n, dtype):
    """k_i^2, k_i, 1 / W_i, 1, then cos and sin of k_i s / n for each of ``SHIFTS``; and room.

    From k_i to 1 they are zero on the Nyquist plane.
    """
    mesh = definition.continuum(n, torch.device("cpu"))
    waves = np.zeros((PHASES + 2 * len(SHIFTS), n + WIDTH), dtype)
    k = 2 * np.pi * mesh.numbers
    waves[:PHASES, :n] = k**2, k * mesh.inside_numpy, mesh.inside_numpy / mesh.window_numpy, mesh.inside_numpy
    for i, shift in enumerate(SHIFTS):
        waves[PHASES + 2 * i : PHASES + 2 * i + 2, :n] = np.cos(k * shift / n), np.sin(k * shift / n)
    return waves


@lru_cache(maxsize=2)
def _memory(n, dtype, caller):
    """Half-transformed fields; pages that are never written take no memory."""
    return torch.empty(planes.half_size(n, _FIELDS), dtype=torch.from_numpy(np.zeros(0, dtype)).dtype).numpy()


@lru_cache(maxsize=2)
def _scratch(n, dtype, threads, caller):
    """Lines, planes and blocks of every thread; Python threads that call at once each have their own."""
    pitch, columns_of_block = n // 2 + WIDTH, _BLOCK // np.dtype(dtype).itemsize
    return (
        aligned_zeros((threads, 8, 2 * n * WIDTH), dtype), aligned_zeros((threads, 6, 2 * n * pitch), dtype),
        aligned_zeros((threads, 11, 2 * n * (columns_of_block + WIDTH)), dtype),
    )  # fmt: skip


class _Work:
    """What every function needs for a side and precision: work space, wavenumbers and the plan of transforms."""

    def __init__(self, n, dtype):
        caller = get_ident()
        self.half, self.waves = _memory(n, dtype, caller), waves_of(n, dtype)
        self.line, self.plane, self.blocks = _scratch(n, dtype, current_threads(), caller)
        p = plan(n, dtype)
        self.plan = p.radices, p.twiddles, p.place
        self.n = n

    def others(self, shifted):
        """Half-transform the other deposits into fields 1 to 3 of work space; returns their number and that space."""
        n, plane = self.n, self.n * self.n + planes.GAP
        count = 0 if shifted is None else len(shifted)
        for i in range(count):
            sources.modes_of(
                _flat(shifted[i]), 1, n, n * n, n, self.half[(i + 1) * n * plane :], plane, n, np.zeros(n), self.line,
                self.plane, *self.plan,
            )  # fmt: skip
        return count, self.half

    def back(self, modes, other, groups, fields, compensation):
        """Modes to half-transformed ones."""
        along_z.back(
            pairs_of(modes), pairs_of(other), groups, fields, self.n, self.waves, compensation, self.half, self.blocks,
            *self.plan,
        )  # fmt: skip

    def fields(self, groups, count, layout, out, gradient=None):
        """Half-transformed modes to fields."""
        if layout == planes.SEPARATE:
            flat, streaming, pitches = _flat(out), False, (0, 0)
        else:
            flat, *pitches = numbers(out)
            streaming = streams(flat)
        planes.fields_of(
            self.half, groups, count, self.n, self.waves[WAVENUMBERS], layout, streaming, flat,
            flat if gradient is None else _flat(gradient), *pitches, self.line, self.plane, *self.plan,
        )  # fmt: skip
        return out


def takes(n):
    """Whether meshes of side ``n`` are done here."""
    return fits(n)


def _flat(tensor):
    return tensor.numpy().reshape(-1)


def _sites(field):
    """Numbers of a field, numbers a site, and sites between rows and planes: one field of (N, N, N, L), or all."""
    plane, row, site = field.stride()
    if row % site or plane % site:
        return _sites(field.contiguous())
    n = field.shape[0]
    flat = field.as_strided(((n - 1) * (plane + row + site) + 1,), (1,))
    return flat.numpy(), site, row // site, plane // site


def contrast(deposit, shifted, addition, out, sums):
    """See ``mesh.spectral.contrast``."""
    n, sites = out.shape[0], _sites(deposit)
    w = _Work(n, sites[0].dtype)
    row, step = n, n * n + planes.GAP
    sources.modes_of(*sites, n, w.half, step, row, sums.numpy(), w.line, w.plane, *w.plan)
    if sites[1] == 1:  # summed here only where the field is taken out of packed ones
        sums.copy_(deposit.sum((1, 2), dtype=torch.float64))
    along_z.solve(
        w.half, row, step, n, w.waves, PER_WINDOW, _SHARE / n**3, *w.others(shifted), True, 0.0, 0.0, *seeded(addition),
        w.blocks, *w.plan,
    )  # fmt: skip
    w.fields(0, 1, planes.SEPARATE, out)
    return out


def potential(source, factor, shift, shifted, addition, out):
    """See ``mesh.spectral.solve_potential``."""
    n, modes = source.shape[0], pairs_of(out)
    w, row, step = _Work(n, modes.dtype), n + 2, n * (n + 2)
    sources.modes_of(_flat(source), 1, n, n * n, n, modes, step, row, np.zeros(n), w.line, w.plane, *w.plan)
    weights, scale = (ONES, 1.0) if shifted is None else (PER_WINDOW, _SHARE)
    along_z.solve(
        modes, row, step, n, w.waves, weights, scale / n**3, *w.others(shifted), False, float(factor), float(shift),
        *seeded(addition), w.blocks, *w.plan,
    )  # fmt: skip
    return out


def potential_fields(modes, field, gradient):
    """See ``mesh.spectral.potential_fields``."""
    w = _Work(field.shape[0], pairs_of(modes).dtype)
    w.back(modes, modes, 1, 1, ONES)
    w.fields(1, 0, planes.SEPARATE, field, gradient)


def pack_metric(phi, chi, out):
    """See ``mesh.spectral.pack_metric``."""
    w = _Work(out.shape[0], pairs_of(phi).dtype)
    w.back(phi, chi, 2, 1, PER_WINDOW)
    return w.fields(2, 0, planes.EIGHT, out)


def pack_gradient(modes, out):
    """See ``mesh.spectral.pack_gradient``."""
    w = _Work(out.shape[0], pairs_of(modes).dtype)
    w.back(modes, modes, 1, 1, PER_WINDOW)
    return w.fields(1, 0, planes.THREE, out)


def pack_vector(modes, out):
    """See ``mesh.spectral.pack_vector``."""
    w = _Work(out.shape[0], pairs_of(modes).dtype)
    w.back(modes, modes, 0, 3, PER_WINDOW)
    return w.fields(0, 3, planes.THREE, out)


def solve_stress(packed, gradient, factor, addition, chi, field, b):
    """See ``mesh.spectral.solve_stress``."""
    n, vector, modes = gradient.shape[-1], b is not None, pairs_of(chi)
    carried, out = (pairs_of(b.modes), pairs_of(b.out)) if vector else (modes, modes)
    w = _Work(n, modes.dtype)
    sources.stress_of(
        *numbers(packed), _flat(gradient), n, w.waves[WAVENUMBERS], w.waves[ONES], w.waves[PER_WINDOW], factor / n**3,
        2.0 / n**3, vector, w.half, w.line, w.plane, *w.plan,
    )  # fmt: skip
    along_z.stress(
        w.half, n, w.waves, float(b.now) if vector else 0.0, float(b.ahead) if vector else 0.0, modes, vector, carried,
        out, *seeded(addition), w.blocks, *w.plan,
    )  # fmt: skip
    w.fields(0, 1, planes.SEPARATE, field)
