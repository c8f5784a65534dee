"""Fields that are even in x, y and z and symmetric under permutations of them, as made by functions of k^2 alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weakfield.fourier.shells import first_square

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


class Octant:
    """An eighth of a periodic grid with at least ``size`` points per side, and its wedge x <= y <= z.

    There are ``side`` points along an axis, both ends included: wave vectors with components 0 ... side-1, or sites.
    """

    def __init__(self, size: int) -> None:
        from scipy.fft import next_fast_len

        half = next_fast_len(-(-size // 2), real=True)
        self.side, self.points = half + 1, (2 * half) ** 3
        axis = np.arange(self.side)
        single = np.where((axis == 0) | (axis == half), 1.0, 2.0)
        #: (side, side, side): how many points of the whole grid a point stands for
        self.multiplicity = single[:, None, None] * single[None, :, None] * single[None, None, :]
        z, y, x = np.meshgrid(*[axis] * 3, indexing="ij")
        self._wedge = np.flatnonzero(((x <= y) & (y <= z)).ravel())
        x, y, z = (component.ravel()[self._wedge] for component in (x, y, z))
        orders = np.choose((x != y).astype(int) + (y != z), [1.0, 3.0, 6.0])
        #: (wedge,): the same for the points of the wedge
        self.weight = self.multiplicity.ravel()[self._wedge] * orders

    def transform(self, modes: Reals) -> Reals:
        """Sum over all signed wave vectors of modes(|n_z|, |n_y|, |n_x|) exp(i k x), on the eighth.

        It is its own inverse up to a factor ``points``.
        """
        from scipy.fft import dctn

        return np.asarray(dctn(modes, type=1))

    def on_wedge(self, values: Reals) -> Reals:
        """The points of the wedge, (wedge,)."""
        return np.asarray(values.ravel()[self._wedge])

    def shells(self, reach: int, edges: Reals) -> tuple[Integers, Reals]:
        """Shell of every wave vector, -1 for none or for a component beyond ``reach``, and its length |n|.

        ``edges`` in units of k_F, lower closed, upper open.
        """
        axis = np.arange(self.side)
        squares = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
        inside = axis <= reach
        first = np.array([first_square(float(edge)) for edge in edges])
        index = np.searchsorted(first, squares, side="right") - 1
        within = inside[:, None, None] & inside[None, :, None] & inside[None, None, :]
        index[~within | (index >= len(edges) - 1)] = -1
        return index, np.sqrt(squares)
