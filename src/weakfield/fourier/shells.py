"""Shells of wavenumber on the half axis of a real FFT, and sums over them in a fixed order.

Edges are in units of the fundamental mode and are compared exactly, as integers. All sums use ``numpy.bincount`` over
the modes in memory order, so the bits are the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.fourier.half_axis import Reals, half_axis_weights, nyquist_modes, squared_wavenumbers


@dataclass(frozen=True)
class Shells:
    """Modes of an N^3 cube (or an N^2 plane) sorted into shells lower edge <= |n| < upper edge, edges in units of k_F.

    The Nyquist planes of an even N belong to no shell. ``index`` and ``weight`` are (N, N, N//2+1), or (N, N//2+1) for
    a plane. ``index`` equals the number of shells where a mode belongs to none; ``weight`` is how many modes of the
    full cube an entry stands for (2 for k and -k, 1 on n_x = 0). ``modes`` (shells,) counts every k of the full cube
    once, and ``wavenumber_sums`` is the sum of |n| over them.
    """

    n: int
    edges: tuple[float, ...]
    index: NDArray[np.intp]
    weight: Reals
    modes: NDArray[np.int64]
    wavenumber_sums: Reals

    @property
    def count(self) -> int:
        """Number of shells, empty ones included."""
        return len(self.edges) - 1

    @property
    def mean_wavenumbers(self) -> Reals:
        """Mean |n| of each shell in units of k_F; 0 for an empty shell."""
        return np.asarray(self.wavenumber_sums / np.maximum(self.modes, 1))

    def sums(self, values: NDArray[Any]) -> Reals:
        """Sum over each shell's modes, both k and -k, of real ``values`` (N, N, N//2+1) that are even under k -> -k."""
        weighted = np.multiply(self.weight, values)
        return sums_by(self.index, weighted, self.count)

    def outside(self, values: NDArray[Any]) -> float:
        """The same sum over the modes that belong to no shell; together with ``sums`` it covers the full cube."""
        weighted = np.multiply(self.weight, values)
        return float(np.bincount(self.index.ravel(), weighted.ravel(), self.count + 1)[self.count])


def default_edges(n: int) -> tuple[float, ...]:
    """Edges 0.5, 1.5, ... of shells of width 1 (units of k_F), none beyond the Nyquist wavenumber N/2."""
    return tuple(0.5 + i for i in range((n + 1) // 2))


def shells(n: int, edges: Sequence[float] | NDArray[Any] | None = None, dimensions: int = 3) -> Shells:
    """The shells of a cube of side ``n`` for increasing ``edges`` in units of k_F (default: ``default_edges``).

    With ``dimensions`` 2 they are those of a plane, whose shells are rings. An edge is taken as the exact value of its
    float, and edge^2 is compared with the integer |n|^2.
    """
    return _shells(n, default_edges(n) if edges is None else checked_edges(edges), dimensions)


def checked_edges(edges: Sequence[float] | NDArray[Any]) -> tuple[float, ...]:
    """Edges as floats; raises ``BadInput`` unless there are two or more, increasing from 0 or above."""
    try:
        values = tuple(float(edge) for edge in edges)
    except (TypeError, ValueError) as error:  # one number, words, rows of numbers
        raise BadInput(f"bin_edges is {str(edges)[:100]}, expected increasing numbers in units of k_F") from error
    if len(values) < 2 or not all(np.isfinite(values)) or values[0] < 0 or any(np.diff(values) <= 0):
        raise BadInput(f"bin_edges is {list(values)}, expected at least two increasing numbers >= 0 in units of k_F")
    return values


def first_square(edge: float) -> int:
    """The smallest integer |n|^2 at or above edge^2, where the edge is the exact value of its float."""
    return min(ceil(Fraction(edge) ** 2), 2**62)


@lru_cache(maxsize=8)
def _shells(n: int, edges: tuple[float, ...], dimensions: int) -> Shells:
    squares = squared_wavenumbers(n, dimensions)
    first = np.array([first_square(edge) for edge in edges])
    count = len(edges) - 1
    index = np.searchsorted(first, squares, side="right") - 1
    index[index < 0] = count  # below the first edge; at or above the last one searchsorted gives count already
    index[nyquist_modes(n, dimensions)] = count
    weight = np.broadcast_to(half_axis_weights(n), index.shape)
    modes = sums_by(index, weight, count).astype(np.int64)
    wavenumber_sums = sums_by(index, weight * np.sqrt(squares), count)
    for array in (index, modes, wavenumber_sums):
        array.flags.writeable = False
    return Shells(n, edges, index, weight, modes, wavenumber_sums)


def sums_by(index: NDArray[np.integer[Any]], values: Reals, bins: int) -> Reals:
    """Sums of ``values`` by ``index``, in memory order; the index ``bins`` marks what belongs to no bin."""
    return np.asarray(np.bincount(index.ravel(), values.ravel(), bins + 1)[:bins], dtype=np.float64)
