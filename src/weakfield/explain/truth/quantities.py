"""What a known logit gives to each part of a pair: shells, blocks and cells of the box, triangles and their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.explain.bands import Bands, by_band, power_by_band
from weakfield.explain.paths import nodes
from weakfield.explain.surrogate import rank_correlation
from weakfield.explain.triangle_basis import TriangleBasis
from weakfield.explain.truth.matched import MatchedFilter
from weakfield.fourier import backward, forward

Reals = NDArray[np.float64]

#: a triangle is squeezed if its shortest side is at most this times the next longer one, by mean wavenumbers of shells
SQUEEZED = 0.5
#: and folded if the two shorter ones exceed the longest by at most this part of it
FOLDED = 0.1


@dataclass(frozen=True)
class Parts:
    """Contributions to the difference of two logits: ``shells`` (S,) one k_F wide, ``cells`` (N, N, N)."""

    shells: Reals
    cells: Tensor

    @classmethod
    def of(cls, gradient: Tensor, change: Tensor) -> Parts:
        """Those of a mean gradient along the path between the members, (N, N, N), and their difference."""
        bands = Bands.of(change[None, None])
        shells = by_band(gradient[None, None], change[None, None], bands)[0, : bands.shells]
        return cls(shells, gradient * change)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """The shells to which anything is contributed at all."""
        return np.asarray(np.abs(self.shells) > 1e-12 * np.abs(self.shells).max(initial=0))

    def blocks(self) -> Reals:
        """Sums over the blocks of a quarter of the box a side (or the next smaller part that divides it)."""
        return in_blocks(self.cells)

    def ranks(self, shells: Mapping[str, Reals], maps: Mapping[str, Tensor]) -> dict[str, dict[str, float]]:
        """Rank correlation of attributions, by quantity and method, with these contributions.

        ``shells`` are (S,), maps (N, N, N); shells to which nothing is contributed do not count.
        """
        known = self.inside
        cells, blocks = self.cells.numpy().ravel(), self.blocks()
        return {
            "shells": {name: rank_correlation(values[known], self.shells[known]) for name, values in shells.items()},
            "blocks": {name: rank_correlation(in_blocks(values), blocks) for name, values in maps.items()},
            "cells": {name: rank_correlation(values.numpy().ravel(), cells) for name, values in maps.items()},
        }


def filter_parts(known: MatchedFilter, field: Tensor, change: Tensor) -> Parts:
    """What the matched filter gives to each part of ``change``, from ``field`` on, both (N, N, N) float64.

    The gradient of a cubic form is quadratic along a straight path, so that two nodes are its exact mean.
    """
    gradients = [weight * known.gradient(field + t * change) for t, weight in zip(*nodes(2), strict=True)]
    return Parts.of(sum(gradients[1:], gradients[0]), change)


def filter_triangles(known: MatchedFilter, field: Tensor, change: Tensor, basis: TriangleBasis) -> Reals:
    """What the matched filter gives to each triangle of shells of the pair (field, field + change), (T,)."""
    return np.asarray(known.by_triangle(field + change, basis) - known.by_triangle(field, basis))


def template_parts(field: Tensor, change: Tensor) -> Parts:
    """The same for the linear filter that knows the change: the gradient in a mode is change / power of ``field``.

    Powers are those of the shells of the field, one k_F wide; other modes have no weight.
    """
    bands = Bands.of(field[None, None])
    power = np.append(power_by_band(field[None, None], bands)[0], [np.inf, np.inf])
    weight = np.divide(1.0, power, out=np.zeros_like(power), where=power > 0)
    n = field.shape[-1]
    modes = forward(change) * torch.from_numpy(weight[bands.index] / n**3)
    return Parts.of(backward(modes, n), change)


def in_blocks(cells: Tensor) -> Reals:
    """Sums over blocks of (N, N, N), flat."""
    n = cells.shape[-1]
    size = next(size for size in range(max(1, n // 4), 0, -1) if n % size == 0)
    count = n // size
    return np.asarray(cells.reshape(count, size, count, size, count, size).sum(dim=(1, 3, 5)).numpy().ravel())


def shapes(sides: Reals, shells: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Which triangles (T, 3) are squeezed, equilateral (sides in one shell) and folded; none is two of them.

    ``sides`` are mean wavenumbers of the ``shells`` of the sides.
    """
    short, middle, long = np.sort(sides, axis=1).T
    equilateral = (shells == shells[:, :1]).all(axis=1)
    squeezed = ~equilateral & (short <= SQUEEZED * middle)
    folded = ~equilateral & ~squeezed & (short + middle - long <= FOLDED * long)
    return {"squeezed": squeezed, "equilateral": equilateral, "folded": folded}
