"""Density contrasts painted from particles, for spectra.

The window of order p is prod_i sinc(pi n_i / N)^p; pass its name on to the spectrum as ``window``, and V / N_p as its
shot noise. (Simulations paint with their own kernels, where the reference program's order of sums matters.)
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.fourier.windows import window_order
from weakfield.mesh.kernels.cpu.splines import paint_spline
from weakfield.spectra.modes import checked_box

#: for at least this many particles, a part of the box this small counts as a corner
_MANY, _CORNER = 8, 0.05
#: most cells a side; a cube of them has 8 TB
_MOST_CELLS = 10_000


def paint_density(
    positions: Tensor | NDArray[Any],
    grid: int,
    box_size: float,
    window: str = "cic",
    mass: Tensor | NDArray[Any] | None = None,
) -> Tensor:
    """Density contrast rho / mean - 1 on a grid, (N, N, N) [z, y, x] float64, by ngp, cic, tsc or pcs.

    ``positions`` are (3, P), in the order x, y, z, in Mpc/h and periodic in ``box_size``; site i lies at i
    box_size / grid. ``mass`` is (P,), and equal for all particles if not given. The mean over the grid is zero to
    rounding. ``BadInput`` for other shapes, for positions that are not finite or more than a box away from the box, and
    for a total mass that is not above 0. Warns where all particles lie in a corner of the box, as they would in another
    unit.
    """
    places = _numbers(positions, "positions")
    order = window_order(window)
    if places.ndim != 2 or places.shape[0] != 3 or places.shape[1] == 0 or not np.isfinite(places).all():
        raise BadInput(f"positions have shape {places.shape}, expected finite numbers (3, P) in Mpc/h, P above 0")
    if order == 0 or isinstance(grid, bool) or not isinstance(grid, int | np.integer) or not 1 <= grid <= _MOST_CELLS:
        raise BadInput(
            f"window is '{window}' and grid {grid}, expected ngp, cic, tsc or pcs and a whole number of cells"
        )
    _check_unit(places, checked_box(box_size))
    weights = np.ones(1) if mass is None else _numbers(mass, "mass").ravel()
    if len(weights) not in (1, places.shape[1]):
        raise BadInput(f"mass has {len(weights)} entries, expected {places.shape[1]} as the positions")
    total = float(weights.sum()) * (places.shape[1] if len(weights) == 1 else 1)
    if not (np.isfinite(total) and total > 0):
        raise BadInput(f"the total mass is {total}, expected a number above 0")
    cells = np.ascontiguousarray(places * (grid / checked_box(box_size)))
    density = paint_spline(cells, np.ascontiguousarray(weights), order, np.zeros((grid, grid, grid)))
    density *= grid**3 / total
    density -= 1
    return torch.from_numpy(density)


def _check_unit(places: NDArray[np.float64], box: float) -> None:
    """Check that the positions can be in the unit of the box."""
    low, high = places.min(), places.max()
    if low < -box or high > 2.0 * box:
        raise BadInput(
            f"positions reach from {low:g} to {high:g}, expected 0 to {box:g}, the side of the box, or at most one box"
            " beyond; are they in kpc/h?"
        )
    if places.shape[1] >= _MANY and np.ptp(places, axis=1).max() < _CORNER * box:
        warnings.warn(
            f"all {places.shape[1]} positions lie within {np.ptp(places, axis=1).max():g} of each other in a box of"
            f" {box:g}; are they in units of the box, or in Gpc/h?",
            stacklevel=3,
        )


def _numbers(values: Tensor | NDArray[Any], name: str) -> NDArray[np.float64]:
    """An array of real numbers in double precision; ``BadInput`` for anything else."""
    try:
        array = np.asarray(values.detach().cpu().numpy() if isinstance(values, Tensor) else values)
        if array.dtype.kind == "c":
            raise ValueError("complex numbers")
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} cannot be read as real numbers ({error}), expected an array of them") from error
