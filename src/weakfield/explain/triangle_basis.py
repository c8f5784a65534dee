"""Shell powers and triangle sums of a sample, and how they respond to a change of each mode.

Let f = F / N^d, with shells of modes s, and let D_s(x) be the modes of a shell transformed back:

    P_s = sum_(k in s) |f_k|^2 = mean_x D_s^2,    B_ijl = sum_(k1 + k2 + k3 = 0) Re f_k1 f_k2 f_k3 = mean_x D_i D_j D_l,

with k1 in shell i, k2 in j, k3 in l: the ``sums`` of ``spectra`` with V = 1. Means are taken over a grid so fine that
no triple closes modulo the grid. A change h of the modes changes these statistics by sum_k Re conj(gamma_k) h_k with

    gamma of P_s:    2 f on shell s,
    gamma of B_ijl:  [D_j D_l] on i, [D_i D_l] on j, [D_i D_j] on l; equal shells add up,

where [.] are the modes of a product. These are quadratic in the field, as the gradient of a cubic form must be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor

from weakfield import fourier
from weakfield.base.errors import BadInput
from weakfield.fourier.half_axis import wavenumbers
from weakfield.fourier.shells import checked_edges, first_square, shells

Reals = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ShellColumns:
    """What depends on the modes of one shell: its power, and the triangles that have it as a side.

    ``columns`` are their indices among all powers and triangles; ``pairs`` (columns - 1,) are the products of the other
    two sides, and ``factors`` says how many sides of the triangle lie in the shell.
    """

    columns: Integers
    pairs: Integers
    factors: Reals


@dataclass(frozen=True)
class TriangleBasis:
    """Shells and closed triangles of samples (N, N[, N]); ``edges`` are in units of k_F, the first one above 0.

    ``triangles`` (T, 3) are the shells i <= j <= l that contain triples, and ``counts`` (T,) how many triples each has,
    ordered as i, j, l.
    """

    n: int
    dimensions: int
    edges: tuple[float, ...]
    size: int
    triangles: Integers
    counts: Integers

    @property
    def shells(self) -> int:
        return len(self.edges) - 1

    @property
    def columns(self) -> int:
        """Powers and triangles together."""
        return self.shells + len(self.triangles)

    @cached_property
    def places(self) -> list[Integers]:
        """Flat indices, on the half axis of N, of the modes of each shell."""
        index = shells(self.n, self.edges, self.dimensions).index.ravel()
        return [np.flatnonzero(index == s) for s in range(self.shells)]

    @cached_property
    def weights(self) -> list[Reals]:
        """How many modes of the full box each of these indices stands for."""
        line = fourier.half_axis_weights(self.n)
        return [line[places % len(line)] for places in self.places]

    @cached_property
    def targets(self) -> list[Integers]:
        """Flat indices of the same modes on the half axis of the finer grid."""
        return [_moved(places, self.n, self.size, self.dimensions) for places in self.places]

    @cached_property
    def wavenumbers(self) -> Reals:
        """Mean |n| of each shell, (S,), in units of k_F."""
        return shells(self.n, self.edges, self.dimensions).mean_wavenumbers

    @cached_property
    def by_shell(self) -> list[ShellColumns]:
        """The columns of each shell."""
        number = {pair: place for place, pair in enumerate(self.pairs)}
        found = []
        for s in range(self.shells):
            columns, pairs, factors = [s], [], []
            for row, sides in enumerate(self.triangles.tolist()):
                if s in sides:
                    others = [*sides]
                    others.remove(s)
                    columns.append(self.shells + row)
                    pairs.append(number[others[0], others[1]])
                    factors.append(float(sides.count(s)))
            found.append(ShellColumns(np.array(columns), np.array(pairs, dtype=np.int64), np.array(factors)))
        return found

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of shells j <= l whose product is needed for some triangle."""
        sides = self.triangles[:, [[0, 1], [0, 2], [1, 2]]].reshape(-1, 2)
        return [(int(j), int(k)) for j, k in np.unique(sides, axis=0)]

    def modes(self, field: Tensor) -> list[Complexes]:
        """f on each shell, for a field (N, N[, N]) float64."""
        spectrum = fourier.forward(field, self.dimensions) / float(self.n) ** self.dimensions
        flat: Complexes = spectrum.numpy().ravel()
        return [flat[places] for places in self.places]

    def fields(self, modes: Sequence[Complexes]) -> Reals:
        """D_s of each shell on the finer grid, (S, sites)."""
        half = (self.size,) * (self.dimensions - 1) + (self.size // 2 + 1,)
        spectra = np.zeros((self.shells, int(np.prod(half))), dtype=np.complex128)
        for row, target, values in zip(spectra, self.targets, modes, strict=True):
            row[target] = values
        sites = float(self.size) ** self.dimensions
        back = fourier.backward(torch.from_numpy(spectra.reshape(-1, *half)), self.size, self.dimensions)
        return np.asarray(back.reshape(self.shells, -1).numpy() * sites)

    def statistics(self, field: Tensor) -> Reals:
        """P_s and then B_ijl of a field (N, N[, N]), (S + T,)."""
        return self._statistics(self.modes(field))

    def _statistics(self, modes: Sequence[Complexes]) -> Reals:
        d = self.fields(modes)
        powers = [float((w * np.abs(f) ** 2).sum()) for w, f in zip(self.weights, modes, strict=True)]
        sums = np.empty(len(self.triangles))
        for pair in self.pairs:
            rows = np.flatnonzero((self.triangles[:, 1:] == pair).all(axis=1))
            if len(rows):
                sums[rows] = d[self.triangles[rows, 0]] @ (d[pair[0]] * d[pair[1]]) / d.shape[1]
        return np.concatenate([powers, sums])

    def product(self, modes: Sequence[Complexes], first: int, second: int, on: int) -> Complexes:
        """[D_first D_second] on the modes of the shell ``on``."""
        return self._product(self.fields(modes), first, second)[self.targets[on]]

    def _product(self, d: Reals, first: int, second: int) -> Complexes:
        """Modes of a product of two shells on the half axis of the finer grid, flat."""
        product = torch.from_numpy((d[first] * d[second]).reshape((self.size,) * self.dimensions))
        spectrum = fourier.forward(product, self.dimensions) / float(self.size) ** self.dimensions
        modes: Complexes = spectrum.numpy().ravel()
        return modes

    def responses(self, field: Tensor) -> list[Complexes]:
        """gamma of every column on the modes of each shell: (columns of the shell, modes)."""
        modes = self.modes(field)
        d = self.fields(modes)
        wanted = np.unique(np.concatenate(self.targets))
        place = [np.searchsorted(wanted, target) for target in self.targets]
        products = np.stack([self._product(d, j, k)[wanted] for j, k in self.pairs])
        return [
            np.vstack([2 * f[None], own.factors[:, None] * products[own.pairs][:, where]])
            for own, f, where in zip(self.by_shell, modes, place, strict=True)
        ]


@lru_cache(maxsize=4)
def triangle_basis(n: int, dimensions: int, edges: tuple[float, ...]) -> TriangleBasis:
    """Shells and all their closed triangles; ``BadInput`` for edges that do not increase from above 0."""
    edges = checked_edges(edges)
    if first_square(edges[0]) == 0:
        raise BadInput(
            f"the first edge of shells for triangles is {edges[0]}, expected above 0: k = 0 closes any triangle"
        )
    shell = shells(n, edges, dimensions)
    inside = shell.index < shell.count
    axes = fourier.wavenumber_axes(n, dimensions)
    reach = max((int(np.abs(np.broadcast_to(axis, inside.shape)[inside]).max(initial=0)) for axis in axes), default=0)
    size = int(next_fast_len(3 * reach + 1, real=True))
    filled = np.flatnonzero(shell.modes).tolist()
    rows = [(i, j, k) for i in filled for j in filled if i <= j for k in filled if j <= k]
    possible = TriangleBasis(
        n, dimensions, edges, size, np.array(rows, dtype=np.int64).reshape(-1, 3), np.zeros(0, dtype=np.int64)
    )
    ones = [np.ones(len(places), dtype=np.complex128) for places in possible.places]
    counts = np.rint(possible._statistics(ones)[possible.shells :]).astype(np.int64)
    return TriangleBasis(n, dimensions, edges, size, possible.triangles[counts > 0], counts[counts > 0])


def _moved(places: Integers, n: int, size: int, dimensions: int) -> Integers:
    """Flat indices of modes on the half axis of a grid of another size."""
    full, _ = wavenumbers(n)
    axes = np.unravel_index(places, (n,) * (dimensions - 1) + (n // 2 + 1,))
    moved = [full[axis] % size for axis in axes[:-1]]
    return np.asarray(np.ravel_multi_index((*moved, axes[-1]), (size,) * (dimensions - 1) + (size // 2 + 1,)))
