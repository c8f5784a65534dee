"""The matched filter of relativity's second order: a logit without training whose attribution is known.

C1 is what relativity adds to phi at second order: a sum over pairs of linear modes, C1(k) = sum_(k1 + k2 = k) K(k1, k2)
phi_k1 phi_k2 (``spectra.theory.relativistic``). The logarithm of the likelihood ratio of two fields that differ in a
weak bispectrum B is, but for a constant, sum B f f f / (6 P P P) over closed triples (the Edgeworth series; for a local
f_NL it is the estimator of astro-ph/0305189). With B = 2 K P P and its permutations this is

    F(f) = sum_k Re conj(C1[f](k)) f(k) / P(k),    C1[f](k) = sum_(k1 + k2 = k) K(k1, k2) f_k1 f_k2:

the field correlated with its own C1, each mode in units of its variance. It asks of one universe what a classifier of
phi is asked, knows neither seed nor theory, and is a cubic form: everything that may be attributed to a part of it
follows from its definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.explain.triangle_basis import TriangleBasis
from weakfield.fourier.half_axis import squared_wavenumbers
from weakfield.fourier.shells import shells
from weakfield.spectra.theory.kernels import Laurent

Reals = NDArray[np.float64]
Value = TypeVar("Value")

#: orders of the sides of a triangle, of which the last one is the mode that the other two make
ORDERS = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
CELLS = (-3, -2, -1)


class MatchedFilter(nn.Module):
    """F of cubes (B, 1, N, N, N) in units of ``unit``: logits (B,).

    ``kernel`` is K as a function of the squares of its three sides, ``power`` P of the wavenumbers in k_F, in any unit.
    Only modes with 1/2 <= |n| < N/3 [k_F] take part, so that no triple closes modulo the grid. The mean over cells is
    taken of a map, which passes a convolution that changes nothing: methods that look at the last convolution find it.
    """

    legs: Tensor
    last: Tensor

    def __init__(self, n: int, kernel: Laurent, power: Callable[[Reals], Reals], unit: float = 1.0) -> None:
        super().__init__()
        self.n, self.kernel, self.unit = n, kernel, unit
        squares = squared_wavenumbers(n).astype(np.float64)
        inside = shells(n, self.band).index == 0
        found = squares[inside]
        self._legs = sorted({p for p, _, _ in kernel.terms} | {q for _, q, _ in kernel.terms})
        self._last = sorted({r for _, _, r in kernel.terms})
        weight = 1.0 / power(np.sqrt(found))
        for name, powers, factor in (("legs", self._legs, np.ones_like(weight)), ("last", self._last, weight)):
            table = np.zeros((len(powers), *squares.shape))
            table[:, inside] = [found**p * factor for p in powers]
            self.register_buffer(name, torch.from_numpy(table))
        self.map = nn.Conv3d(1, 1, kernel_size=1, bias=False, dtype=torch.float64).requires_grad_(False)
        nn.init.ones_(self.map.weight)

    @property
    def band(self) -> tuple[float, float]:
        """The edges of the band of modes that take part [k_F]."""
        return 0.5, max(self.n / 3, 1.5)

    def forward(self, x: Tensor) -> Tensor:
        first, last = self._filtered(x[:, 0])
        answers = self.map(self._sum(lambda p, q, r: first[p] * first[q] * last[r])[:, None])
        found: Tensor = answers.mean(dim=CELLS)[:, 0] / self.unit
        return found

    def gradient(self, field: Tensor) -> Tensor:
        """dF/df of one field (N, N, N) in every cell, in closed form."""
        first, last = self._filtered(field)
        legs, thirds = (dict(zip(p, t, strict=True)) for p, t in ((self._legs, self.legs), (self._last, self.last)))

        def part(p: int, q: int, r: int) -> Tensor:
            found = _multiplied(first[q] * last[r], legs[p]) + _multiplied(first[p] * last[r], legs[q])
            return found + _multiplied(first[p] * first[q], thirds[r])

        return self._sum(part) / (self.unit * self.n**3)

    def by_triangle(self, field: Tensor, basis: TriangleBasis) -> Reals:
        """F of one field (N, N, N) by the triangles of shells of ``basis``, (T,); all within ``band`` add up to F."""
        modes = basis.modes(field)
        first, last = (
            {
                p: basis.fields([f * table.ravel()[places] for f, places in zip(modes, basis.places, strict=True)])
                for p, table in zip(powers, tables.numpy(), strict=True)
            }
            for powers, tables in ((self._legs, self.legs), (self._last, self.last))
        )
        found = np.zeros(len(basis.triangles))
        for row, sides in enumerate(basis.triangles.tolist()):
            different = {tuple(sides[i] for i in order) for order in (*ORDERS, *(order[::-1] for order in ORDERS))}
            parts = [self._sum(_mean_of(first, last, *(sides[i] for i in order))) for order in ORDERS]
            found[row] = len(different) / 3 * sum(parts)
        return found / self.unit

    def _filtered(self, fields: Tensor) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """The fields with their modes times k^2p, and times k^2r / P, by p and r."""
        legs = {p: _multiplied(fields, table) for p, table in zip(self._legs, self.legs, strict=True)}
        return legs, {r: _multiplied(fields, table) for r, table in zip(self._last, self.last, strict=True)}

    def _sum(self, part: Callable[[int, int, int], Value]) -> Value:
        """The sum over the terms of the kernel, each times its coefficient."""
        values: list[Any] = [part(*powers) for powers in self.kernel.terms]
        return cast(Value, sum(c * value for c, value in zip(self.kernel.terms.values(), values, strict=True)))


def _mean_of(first: dict[int, Reals], last: dict[int, Reals], i: int, j: int, k: int) -> Callable[[int, int, int], Any]:
    """The mean over sites of the product of three shells (S, sites), filtered by the powers of a term."""
    return lambda p, q, r: (first[p][i] * first[q][j] * last[r][k]).mean()


def _multiplied(fields: Tensor, table: Tensor) -> Tensor:
    """Fields (..., N, N, N) with their modes times a real ``table`` (N, N, N//2+1)."""
    n = fields.shape[-1]
    found: Tensor = torch.fft.irfftn(torch.fft.rfftn(fields, dim=CELLS) * table, s=(n, n, n), dim=CELLS)
    return found
