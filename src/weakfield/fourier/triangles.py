"""Closed triangles of wavenumber shells, and the smallest grids on which sums over them are exact.

Shells are intervals lower <= |n| < upper in units of k_F, with edges taken as exact floats; they may overlap. Modes on
the Nyquist planes of an even N belong to none. A sum over x of D_i D_j D_l, where D_s is the field made of the modes
of shell s alone, counts every triple with k1 + k2 + k3 = 0, and also those that add up to a vector which the grid
cannot tell from zero. Two kinds of grid are used, each only where no such vector can be reached:

* cubic, M^3 sites: the aliases are M (a, b, c), so M > sum of the largest components of the three shells;
* centred, 2 A^3 sites (a cubic grid and a copy of it shifted by half a cell in every direction): the aliases are
  A (a, b, c) with a + b + c even, the shortest of length A sqrt 2, so A sqrt 2 > sum of the largest |n|. It needs up
  to 29 % fewer sites, because the aliases of a body-centred lattice are packed most densely.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise, product
from math import isqrt, sqrt

import numpy as np
from numpy.typing import NDArray

from weakfield.fourier.shells import first_square

Integers = NDArray[np.int64]
Intervals = tuple[tuple[float, float], ...]

#: cost per site of transforming one shell to a grid, in units of the cost per site of summing one triangle over it
SHELL_COST = 22.0
#: cost per plane of a grid of starting its transforms, in the same unit
PLANE_COST = 1e6


@dataclass(frozen=True)
class ShellModes:
    """Modes on the half axis of an N^3 cube, sorted by |n|^2, so that a shell is a slice of them.

    ``z`` and ``y`` are signed, ``x`` >= 0, (modes,) int32; ``square`` is |n|^2; ``start`` and ``stop`` are (shells,).
    """

    n: int
    intervals: Intervals
    z: NDArray[np.int32]
    y: NDArray[np.int32]
    x: NDArray[np.int32]
    square: Integers
    start: Integers
    stop: Integers

    @property
    def count(self) -> int:
        """Number of shells, empty ones included."""
        return len(self.intervals)

    @cached_property
    def weight(self) -> NDArray[np.int64]:
        """How many modes of the full cube an entry stands for: 2 (k and -k), or 1 on n_x = 0."""
        return np.where(self.x == 0, 1, 2).astype(np.int64)

    @cached_property
    def modes(self) -> Integers:
        """Number of modes in each shell, counting both k and -k, (shells,)."""
        return self.sums(self.weight).astype(np.int64)

    @cached_property
    def wavenumber_sums(self) -> NDArray[np.float64]:
        """Sum of |n| over the modes of each shell, (shells,)."""
        return self.sums(self.weight * np.sqrt(self.square))

    @cached_property
    def reach(self) -> tuple[NDArray[np.float64], NDArray[np.float64], Integers]:
        """Smallest and largest |n| and the largest component in each shell, (shells,); 0 for an empty shell."""
        pairs = list(zip(self.start.tolist(), self.stop.tolist(), strict=True))
        first = [int(self.square[begin]) if begin < end else 0 for begin, end in pairs]
        last = [int(self.square[end - 1]) if begin < end else 0 for begin, end in pairs]
        components = np.array([min(isqrt(q), (self.n - 1) // 2) for q in last], dtype=np.int64)
        return np.sqrt(first), np.sqrt(last), components

    def sums(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        """Sum of ``values`` (modes,) over each shell, always in the same order."""
        pairs = zip(self.start.tolist(), self.stop.tolist(), strict=True)
        return np.array([np.sum(values[begin:end], dtype=np.float64) for begin, end in pairs])


@lru_cache(maxsize=4)
def shell_modes(n: int, intervals: Intervals) -> ShellModes:
    """The modes of the shells of a cube of side ``n``."""
    lower, upper = (np.array([first_square(pair[side]) for pair in intervals]) for side in (0, 1))
    largest = min(isqrt(max(int(upper.max()) - 1, 0)), (n - 1) // 2)
    full, half = np.arange(-largest, largest + 1), np.arange(largest + 1)
    squares = (full**2)[:, None, None] + (full**2)[None, :, None] + (half**2)[None, None, :]
    kept = np.flatnonzero((squares >= lower.min()) & (squares < upper.max()))
    square = squares.ravel()[kept]
    order = np.argsort(square, kind="stable")
    kept, square = kept[order], square[order]
    axes = np.unravel_index(kept, squares.shape)
    begin, end = np.searchsorted(square, lower), np.searchsorted(square, upper)
    z, y, x = ((axis - shift).astype(np.int32) for axis, shift in zip(axes, (largest, largest, 0), strict=True))
    return ShellModes(n, intervals, z, y, x, square, begin, np.maximum(begin, end))


def possible_triangles(modes: ShellModes, ordered: bool = False) -> Integers:
    """Triples of shells (T, 3) that can close, judged by the lengths of their modes: i <= j <= l, or all (``ordered``).

    Some of them may contain no triple of modes at all.
    """
    shortest, longest, _ = modes.reach
    shells = np.flatnonzero(modes.modes)
    if len(shells) == 0:
        return np.zeros((0, 3), dtype=np.int64)
    i, j, k = (axis.ravel() for axis in np.meshgrid(shells, shells, shells, indexing="ij"))
    kept = (
        (shortest[i] <= (longest[j] + longest[k]) * (1 + 1e-12))
        & (shortest[j] <= (longest[i] + longest[k]) * (1 + 1e-12))
        & (shortest[k] <= (longest[i] + longest[j]) * (1 + 1e-12))
    )
    if not ordered:
        kept &= (i <= j) & (j <= k)
    return np.stack([i[kept], j[kept], k[kept]], axis=1)


@dataclass(frozen=True)
class GridGroup:
    """Triangles summed on one grid of side ``size``; ``rows`` are their rows in the list of all triangles."""

    size: int
    centred: bool
    rows: Integers

    @property
    def shifts(self) -> tuple[float, ...]:
        """The fractions of a cell by which the cubic grids are shifted."""
        return (0.0, 0.5) if self.centred else (0.0,)

    @property
    def sites(self) -> int:
        """Number of sites."""
        return len(self.shifts) * self.size**3


def good_sizes(most: int) -> list[int]:
    """Even lengths, up to ``most`` or a little more, that suit a Fourier transform: products of 2, 3, 5, 7 and 11."""
    limit = 2 * most + 4
    powers = [[p**e for e in range(limit.bit_length()) if p**e <= limit] for p in (2, 3, 5, 7, 11)]
    found = {2 * a * b * c * d * e for a, b, c, d, e in product(*powers) if 2 * a * b * c * d * e <= limit}
    return sorted(found)


def exact_grids(
    lengths: NDArray[np.float64], components: Integers, sizes: list[int]
) -> tuple[Integers, NDArray[np.bool_]]:
    """Side and kind (centred or not) of the cheapest exact grids, given sums of largest |n| and largest components."""
    sides = np.array(sizes)
    cubic = sides[np.searchsorted(sides, components, side="right")]
    centred = sides[np.searchsorted(sides * sqrt(2), lengths * (1 + 1e-12), side="right")]
    choice = 2 * centred**3 < cubic**3
    return np.where(choice, centred, cubic), choice


def group_by_grid(modes: ShellModes, triangles: Integers) -> list[GridGroup]:
    """Triangles sorted onto a few grids, so that transforms and sums together cost the least.

    The triangles are ordered by the grid that each of them needs, and this list is cut in the best way into stretches
    that share a grid.
    """
    if len(triangles) == 0:
        return []
    _, longest, components = modes.reach
    lengths, spans = longest[triangles].sum(axis=1), components[triangles].sum(axis=1)
    sizes = good_sizes(int(spans.max()))
    side, centred = exact_grids(lengths, spans, sizes)
    sites = np.where(centred, 2, 1) * side**3
    order = np.lexsort((lengths, sites))
    bounds = [*np.flatnonzero(np.diff(sites[order], prepend=-1)).tolist(), len(order)]
    levels = [order[begin:end] for begin, end in pairwise(bounds)]
    used = np.array([np.isin(np.arange(modes.count), triangles[rows]) for rows in levels])
    longest_sum, widest = (np.array([values[rows].max() for rows in levels]) for values in (lengths, spans))
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
    for end in range(1, len(levels) + 1):  # the last stretch of the best cut of the first ``end`` levels
        begins = np.arange(end - 1, -1, -1)
        side, centred = exact_grids(
            np.maximum.accumulate(longest_sum[begins]), np.maximum.accumulate(widest[begins]), sizes
        )
        shells = np.logical_or.accumulate(used[begins]).sum(axis=1)
        rows_held = bounds[end] - np.array(bounds)[begins]
        costs = grid_cost(side, centred, shells, rows_held) + [best[begin][0] for begin in begins]
        begin = int(begins[np.argmin(costs)])
        best.append((float(costs.min()), [*best[begin][1], (begin, end)]))
    cuts = [np.sort(order[bounds[begin] : bounds[end]]) for begin, end in best[-1][1]]
    return [_group(lengths[rows].max(), spans[rows].max(), sizes, rows) for rows in cuts]


def grid_cost(side: Integers, centred: NDArray[np.bool_], shells: Integers, triangles: Integers) -> NDArray[np.float64]:
    """Cost of grids with given numbers of shells and triangles, in units of one triangle at one site."""
    grids = np.where(centred, 2.0, 1.0)
    return np.asarray(grids * (side.astype(np.float64) ** 3 * (SHELL_COST * shells + triangles) + PLANE_COST * side))


def _group(length: float, components: int, sizes: list[int], rows: Integers) -> GridGroup:
    side, centred = exact_grids(np.array([length]), np.array([components]), sizes)
    return GridGroup(int(side[0]), bool(centred[0]), rows)
