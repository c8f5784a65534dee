"""The power of a second-order field by itself: what is left where the first order cancels, as in difference cubes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from weakfield.fourier.shells import checked_edges, default_edges
from weakfield.spectra.theory.kernels import Kernel
from weakfield.spectra.theory.octant import Octant

Reals = NDArray[np.float64]


def generated_power(
    kernel: Kernel,
    power: Callable[[Reals], Reals],
    grid: int,
    box_size_mpch: float,
    bin_edges: Sequence[float] | Reals | None = None,
) -> Reals:
    """Mean over the modes of each shell of 2 integral d^3q/(2 pi)^3 K(q, k-q)^2 P(q) P(|k-q|) [(Mpc/h)^3], (shells,).

    The integral is the sum over the modes of the initial conditions of a mesh of side ``grid``, |n| < grid/2 - 1; it is
    a convolution, exact on twice the mesh. The shells are those of ``weakfield.power_spectrum``, with 0 where they are
    empty.
    """
    edges = np.array(default_edges(grid) if bin_edges is None else checked_edges(bin_edges))
    octant, fundamental = Octant(2 * grid), 2 * np.pi / box_size_mpch
    shell, length = octant.shells((grid - 1) // 2, edges)
    k, drawn = length * fundamental, (length > 0) & (length < grid // 2 - 1)
    first = np.zeros(k.shape)
    first[drawn] = power(k[drawn])
    legs: dict[int, Reals] = {}
    total = np.zeros(k.shape)
    kept = (shell >= 0) & (k > 0)
    squared = k[kept] ** 2
    sums = np.zeros(len(squared))
    for (left, one), (right, two) in ((x, y) for x in kernel.parts.items() for y in kernel.parts.items()):
        below = np.ones(len(squared))
        for shift in (left, right):
            below /= 1.0 if shift is None else squared + shift
        product = (one * two).terms
        for third in sorted({r for _, _, r in product}):
            total[:] = 0.0
            for (p, q, r), coefficient in product.items():
                if r == third:
                    for n in {p, q} - set(legs):
                        weighted = np.zeros(k.shape)
                        weighted[drawn] = first[drawn] * k[drawn] ** (2.0 * n)
                        legs[n] = octant.transform(weighted)
                    total += coefficient * legs[p] * legs[q]
            sums += below * squared**third * (octant.transform(total)[kept] / octant.points)
    weight = octant.multiplicity[kept]
    of_shell = shell[kept]
    numbers = np.bincount(of_shell, weight, len(edges) - 1)
    means = np.bincount(of_shell, weight * sums, len(edges) - 1) / np.maximum(numbers, 1)
    return np.asarray(2.0 / box_size_mpch**3 * means)
