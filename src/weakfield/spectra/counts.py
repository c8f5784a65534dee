"""How many triples of modes close in each triangle of shells, and their mean wavenumbers; cached.

The sums are the same as for a field whose modes are all 1 (or |n|). Such a field is real, even along every axis and
symmetric under exchange of axes, so that real even transforms of an eighth of the grid and weighted sums over a 48th of
it are enough.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import ducc0
import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import WeakfieldError
from weakfield.fourier.triangles import (
    GridGroup,
    Intervals,
    ShellModes,
    group_by_grid,
    possible_triangles,
    shell_modes,
)
from weakfield.mesh.kernels.cpu import triples as kernel
from weakfield.mesh.threads import current_threads

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

#: how far from an integer a count may come out; rounding errors are far smaller as long as counts are below 2^50
MOST_RESIDUE = 0.1
#: bytes of the shells whose even transforms are made at once
BATCH_BYTES = 2**28


@dataclass(frozen=True)
class Triangles:
    """Triangles (T, 3) of shells that hold triples, with the number of triples (T,) and sums of |n| per side (T, 3).

    ``groups`` says on which grids to sum them.
    """

    modes: ShellModes
    rows: Integers
    counts: Integers
    wavenumber_sums: Reals
    groups: list[GridGroup]


@lru_cache(maxsize=8)
def closed_triangles(n: int, intervals: Intervals, ordered: bool = False) -> Triangles:
    """All closed triangles of the shells of a cube of side ``n``: i <= j <= l, or in every order if ``ordered``."""
    if ordered:
        return _in_every_order(closed_triangles(n, intervals))
    modes = shell_modes(n, intervals)
    return counted(modes, possible_triangles(modes))


@lru_cache(maxsize=8)
def given_triangles(n: int, intervals: Intervals, rows: tuple[tuple[int, int, int], ...]) -> Triangles:
    """The given triangles, without those that hold no triple."""
    return counted(shell_modes(n, intervals), np.array(rows, dtype=np.int64).reshape(-1, 3))


def counted(modes: ShellModes, rows: Integers) -> Triangles:
    """The triangles with their counts, without those that hold no triple."""
    groups = group_by_grid(modes, rows)
    counts, sums = count_triples(modes, rows, groups)
    kept = counts > 0
    if not kept.all():
        rows, counts, sums = rows[kept], counts[kept], sums[kept]
        groups = group_by_grid(modes, rows)
    return Triangles(modes, rows, counts, sums, groups)


def _in_every_order(triangles: Triangles) -> Triangles:
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    rows = np.concatenate([triangles.rows[:, order] for order in orders])
    rows, first = np.unique(rows, axis=0, return_index=True)
    sums = np.concatenate([triangles.wavenumber_sums[:, order] for order in orders])[first]
    counts = np.tile(triangles.counts, len(orders))[first]
    return Triangles(triangles.modes, rows, counts, sums, group_by_grid(triangles.modes, rows))


def count_triples(modes: ShellModes, rows: Integers, groups: list[GridGroup]) -> tuple[Integers, Reals]:
    """Number of triples k1 + k2 + k3 = 0 of each triangle (T,), and sums of |n_1|, |n_2|, |n_3| over them (T, 3).

    ``WeakfieldError`` if a count is too large to be known exactly.
    """
    sums = np.zeros((len(rows), 4))
    for group in groups:
        triangles = rows[group.rows]
        for shift in group.shifts:
            masks, lengths, weights = wedge_fields(modes, group.size, shift)
            weighted, stretched = masks * weights, lengths * weights
            choices = (
                (weighted, masks, masks),
                (stretched, masks, masks),
                (weighted, lengths, masks),
                (weighted, masks, lengths),
            )
            with ThreadPoolExecutor(current_threads()) as pool:
                columns = pool.map(
                    lambda parts, which=triangles: kernel.triple_sums(parts[0], parts[1], parts[2], which), choices
                )
                sums[group.rows] += np.stack(list(columns), axis=1)
        sums[group.rows] /= group.sites
    counts = np.rint(sums[:, 0])
    residue = np.abs(sums[:, 0] - counts).max(initial=0.0)
    if residue > MOST_RESIDUE or counts.max(initial=0.0) > 2.0**52:
        raise WeakfieldError(
            f"the triples of a triangle number {counts.max():.3g} and come out {residue:.2g} from an integer, expected"
            f" at most {MOST_RESIDUE}; use narrower bins"
        )
    return counts.astype(np.int64), np.where(counts[:, None] > 0, sums[:, 1:], 0.0)


def wedge_fields(modes: ShellModes, size: int, shift: float) -> tuple[Reals, Reals, Reals]:
    """Shells of ones and of |n| at the sites z <= y <= x of an eighth of a grid, (shells, sites), and the weights.

    The weight of a site is the number of sites of the whole grid that have its value.
    """
    sites = size // 2 + (shift == 0)
    weight = np.full(sites, 2.0)
    if shift == 0:
        weight[[0, -1]] = 1.0
    z, y, x = np.meshgrid(*3 * [np.arange(sites)], indexing="ij")
    kept = np.flatnonzero((z <= y) & (y <= x))
    z, y, x = (axis.ravel()[kept] for axis in (z, y, x))
    orders = np.array([6.0, 3.0, 1.0])[(z == y).astype(int) + (y == x)]
    fields = np.empty((2, modes.count, len(kept)))
    batch = max(1, BATCH_BYTES // (16 * sites**3))
    for first in range(0, modes.count, batch):
        shells = slice(first, min(first + batch, modes.count))
        spectra = _even_spectra(modes, shells, size, shift, sites)
        even = ducc0.fft.dct(
            spectra, axes=(2, 3, 4), type=1 if shift == 0 else 3, inorm=0, nthreads=current_threads(), out=spectra
        )
        fields[:, shells] = even.reshape(*even.shape[:2], -1)[:, :, kept]
    return fields[0], fields[1], weight[z] * weight[y] * weight[x] * orders


def _even_spectra(modes: ShellModes, shells: slice, size: int, shift: float, sites: int) -> Reals:
    """1 and |n| at the modes of an octant of each shell, (2, shells, sites, sites, sites), folded onto the grid."""
    octant = np.flatnonzero((modes.z >= 0) & (modes.y >= 0))
    index, factor = np.zeros(len(octant), dtype=np.int64), np.ones(len(octant))
    for axis in (modes.z, modes.y, modes.x):
        folded, sign = _folded(np.arange(modes.n), size, shift)
        index, factor = index * sites + folded[axis[octant]], factor * sign[axis[octant]]
    lengths = factor * np.sqrt(modes.square[octant])
    begin, end = np.searchsorted(octant, modes.start[shells]), np.searchsorted(octant, modes.stop[shells])
    spectra = np.zeros((2, len(begin), sites**3))
    for shell in range(len(begin)):
        part = slice(begin[shell], end[shell])
        for field, values in enumerate((factor, lengths)):
            np.add.at(spectra[field, shell], index[part], values[part])
    return spectra.reshape(2, -1, sites, sites, sites)


def _folded(k: Integers, size: int, shift: float) -> tuple[Integers, Reals]:
    """Where and by which factor the pair +k, -k of one axis enters a real even transform.

    The pair is cos 2 pi k x / size at x = m + shift; wavenumbers beyond size/2 act as size - k, with the opposite sign
    between sites (shift not 0). The transform counts every entry but the first (and, on the sites, the last) twice.
    """
    sign = np.where(2 * k > size, 1.0 if shift == 0 else -1.0, 1.0)
    folded = np.where(2 * k > size, size - k, k)
    single = (folded == 0) | ((2 * folded == size) & (shift == 0))
    factor = sign * np.where(single & (k > 0), 2.0, 1.0)
    if shift != 0:  # cos vanishes at every site
        factor[2 * folded == size] = 0.0
        folded = np.where(2 * folded == size, 0, folded)
    return folded, factor
