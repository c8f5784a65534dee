"""Density contrasts painted from particles, for spectra.

The window of order p is prod_i sinc(pi n_i / N)^p; pass its name on to the spectrum as ``window``, and V / N_p as its
shot noise. (Simulations paint with their own kernels, where the reference program's order of sums matters.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.fourier.windows import window_order
from weakfield.mesh.kernels.cpu.splines import paint_spline
from weakfield.spectra.modes import checked_box


def paint_density(
    positions: Tensor | NDArray[Any],
    grid: int,
    box_size: float,
    window: str = "cic",
    mass: Tensor | NDArray[Any] | None = None,
) -> Tensor:
    """Density contrast rho / mean - 1 on a grid, (N, N, N) [z, y, x] float64, by ngp, cic, tsc or pcs.

    ``positions`` (3, P), order x, y, z, in Mpc/h, periodic in ``box_size``, site i at i box_size / grid; ``mass`` (P,),
    equal if not given. The mean over the grid is zero to rounding. ``BadInput`` for other shapes, for positions that
    are not finite, and for a total mass that is not above 0.
    """
    places = _numbers(positions)
    order = window_order(window)
    if places.ndim != 2 or places.shape[0] != 3 or places.shape[1] == 0 or not np.isfinite(places).all():
        raise BadInput(f"positions have shape {places.shape}, expected finite numbers (3, P) in Mpc/h, P above 0")
    if order == 0 or grid < 1:
        raise BadInput(f"window is '{window}' and grid {grid}, expected ngp, cic, tsc or pcs and a grid above 0")
    weights = np.ones(1) if mass is None else _numbers(mass).ravel()
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


def _numbers(values: Tensor | NDArray[Any]) -> NDArray[np.float64]:
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    return np.asarray(array, dtype=np.float64)
