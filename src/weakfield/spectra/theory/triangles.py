"""Averages of theory over the same modes as an estimator's: shells of power spectra, triples of bispectra.

The mean of f(k1) g(k2) h(k3) over all closed triples of three shells is a sum over a grid of three fields, as in the
estimator itself, whose modes are f, g and h. These depend on k^2 alone, so the fields are even in x, y and z and
symmetric under permutations of them: a cosine transform of an eighth of the cube and a sum over its wedge x <= y <= z
are enough, a forty-eighth of the work of the estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weakfield.base.errors import BadInput
from weakfield.fourier.half_axis import squared_wavenumbers
from weakfield.fourier.shells import shells
from weakfield.spectra.theory.kernels import Kernel
from weakfield.spectra.theory.octant import Octant

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
Spectrum = Callable[[Reals], Reals]  # of k [h/Mpc]

_BLOCK = 4_000_000  # numbers of one block of products, 32 MB


def shell_mean(
    function: Spectrum, grid: int, box_size_mpch: float, bin_edges: Sequence[float] | Reals | None = None
) -> Reals:
    """Mean of a function of k [h/Mpc] over the modes of each shell, 0 where it is empty.

    The shells are those of ``weakfield.power_spectrum``: edges are in units of k_F, the lower closed, the upper open.
    """
    shell = shells(grid, bin_edges)
    squares = squared_wavenumbers(grid)
    of_square = np.zeros(int(squares.max()) + 1)
    found = np.unique(squares[shell.index < shell.count])
    of_square[found] = function(np.sqrt(found) * (2 * np.pi / box_size_mpch))
    return np.asarray(shell.sums(of_square[squares]) / np.maximum(shell.modes, 1))


class TriangleAverages:
    """Means over closed triples of modes of the shells of a cube of side ``grid``, for rows (i, j, l) of ``triangles``.

    Edges as in ``shell_mean``, triples as in ``weakfield.bispectrum``: k1 + k2 + k3 = 0 exactly, never modulo N.
    """

    def __init__(
        self, grid: int, box_size_mpch: float, bin_edges: Sequence[float] | Reals, triangles: ArrayLike
    ) -> None:
        edges = np.asarray(bin_edges, dtype=np.float64)
        if edges.ndim != 1 or edges.size < 2 or edges[0] < 0 or (np.diff(edges) <= 0).any():
            raise BadInput(f"bin_edges is {edges.tolist()}, expected increasing numbers >= 0 in units of k_F")
        self.count = edges.size - 1
        self.triangles = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
        if self.triangles.size and not (self.triangles.min() >= 0 and self.triangles.max() < self.count):
            raise BadInput(f"triangles name the shell {self.triangles.max()}, expected 0 to {self.count - 1}")
        reach = min(int(np.ceil(edges[-1])), (grid - 1) // 2)  # largest wave number along an axis
        self._octant = Octant(3 * reach + 1)
        self._shell, self._k = self._octant.shells(reach, edges)
        self._k *= 2 * np.pi / box_size_mpch
        self._thirds: dict[tuple[int, float | None], Reals] = {}
        ones = self._fields(np.ones_like)
        self.modes: Integers = np.rint(self._sums(self.triangles, {(0, 0): 1.0}, {0: ones}, ones)).astype(np.int64)
        """(T,): ordered triples of modes of each row."""

    def bispectrum(self, kernel: Kernel, power: Spectrum) -> Reals:
        """(T,): mean over the triples of 2 K(k1, k2) P(k1) P(k2) and its two permutations; 0 without triples.

        (Mpc/h)^6 for ``power`` in (Mpc/h)^3: the tree level of the mode that ``kernel`` makes of two Gaussian ones.
        """
        legs: dict[int, Reals] = {}
        total = np.zeros(len(self.triangles))
        for shift, polynomial in kernel.parts.items():
            for third in sorted({r for _, _, r in polynomial.terms}):
                terms = {(p, q): value for (p, q, r), value in polynomial.terms.items() if r == third}
                for n in sorted({n for pair in terms for n in pair} - set(legs)):
                    legs[n] = self._fields(partial(_weighted, power=power, exponent=2 * n))
                field = self._third(third, shift)
                for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
                    total += self._sums(self.triangles[:, order], terms, legs, field)
        return np.where(self.modes > 0, 2 * total / np.maximum(self.modes, 1), 0.0)

    def _third(self, power: int, shift: float | None) -> Reals:
        """Fields of k^(2 power), divided by k^2 + shift if there is one: the leg that is made from the other two."""
        if (power, shift) not in self._thirds:

            def modes(k: Reals) -> Reals:
                return np.asarray(k ** (2.0 * power) / (1.0 if shift is None else k**2 + shift))

            self._thirds[power, shift] = self._fields(modes)
        return self._thirds[power, shift]

    def _fields(self, function: Spectrum) -> Reals:
        """(shells, wedge): the real-space field of the modes function(k) of each shell."""
        values = np.zeros(self._k.shape)
        kept = (self._shell >= 0) & (self._k > 0)
        values[kept] = function(self._k[kept])
        octant, index = self._octant, self._shell
        return np.stack(
            [octant.on_wedge(octant.transform(np.where(index == i, values, 0.0))) for i in range(self.count)]
        )

    def _sums(
        self, rows: Integers, terms: Mapping[tuple[int, int], float], legs: Mapping[int, Reals], last: Reals
    ) -> Reals:
        """Sums over the triples of each row of sum_pq terms[p, q] legs[p](k1) legs[q](k2) last(k3).

        The summand has to be symmetric in k1 and k2.
        """
        pairs, of_row = np.unique(np.sort(rows[:, :2], axis=1), axis=0, return_inverse=True)
        sums = np.zeros((len(pairs), self.count))
        step = max(1, _BLOCK // max(1, len(pairs)))
        for start in range(0, last.shape[1], step):
            block = slice(start, start + step)
            products = np.zeros((len(pairs), last[:, block].shape[1]))
            for (p, q), coefficient in terms.items():
                products += coefficient * legs[p][pairs[:, 0], block] * legs[q][pairs[:, 1], block]
            products *= self._octant.weight[block]
            sums += products @ last[:, block].T
        return np.asarray(sums[of_row.ravel(), rows[:, 2]] / self._octant.points)


def _weighted(k: Reals, power: Spectrum, exponent: int) -> Reals:
    """P(k) k^exponent."""
    return np.asarray(power(k) * k ** float(exponent))
