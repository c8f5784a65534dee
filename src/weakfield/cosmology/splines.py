"""Natural cubic splines that refuse to extrapolate (EQUATIONS 3.2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from weakfield.base.errors import BadInput

Array = npt.NDArray[np.float64]


class NaturalSpline:
    """Cubic spline through ``(x, y)`` with zero second derivative at both ends.

    ``x`` ascends and has shape (n,), n >= 3; ``name`` tells in an error what was interpolated. Values outside the nodes
    raise ``BadInput``.
    """

    def __init__(self, x: npt.ArrayLike, y: npt.ArrayLike, name: str = "table") -> None:
        nodes, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if nodes.ndim != 1 or nodes.shape != values.shape or nodes.size < 3:
            raise BadInput(
                f"{name}: {nodes.shape} nodes and {values.shape} values, expected two equal rows of at least 3"
            )
        if not (np.isfinite(nodes).all() and np.isfinite(values).all() and (np.diff(nodes) > 0).all()):
            raise BadInput(f"{name}: nodes or values are not finite and ascending, as a spline needs them")
        self.name = name
        self.low, self.high = float(nodes[0]), float(nodes[-1])
        self._spline = CubicSpline(nodes, values, bc_type="natural", extrapolate=False)

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Values at ``x``, any shape."""
        points = np.asarray(x, dtype=np.float64)
        if points.size and not (points.min() >= self.low and points.max() <= self.high):
            raise BadInput(
                f"{self.name}: asked for {points.min():g} to {points.max():g}, covered is {self.low:g} to {self.high:g}"
            )
        return np.asarray(self._spline(points), dtype=np.float64)


def natural_spline(x: npt.ArrayLike, y: npt.ArrayLike, name: str = "table") -> NaturalSpline:
    """The natural cubic spline through ``(x, y)``; calling it outside the nodes raises ``BadInput``."""
    return NaturalSpline(x, y, name)
