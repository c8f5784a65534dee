"""Fields with their axes, for people who want to slice, plot or save them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from xarray import DataArray

_VECTOR, _TENSOR = ("x", "y", "z"), ("xx", "xy", "xz", "yy", "yz", "zz")
_LONG_NAMES = {
    "phi": "\N{GREEK CAPITAL LETTER PHI}", "chi": "\N{GREEK SMALL LETTER CHI}", "B": "B", "hij": "h_ij",
    "T00": "energy density", "rhoN": "density of particles", "p": "momentum density", "Tij": "stress",
    "psiN": "Newtonian potential of the particles", "v": "velocity",
}  # fmt: skip


def labelled(field: Tensor, name: str, box_size_mpch: float, attributes: Mapping[str, str | int | float]) -> DataArray:
    """A field (N, N, N), vector (3, N, N, N) or symmetric tensor (6, N, N, N) with dimensions z, y, x [Mpc/h].

    If there are several components, ``component`` is the first dimension: x, y, z, or xx, xy, xz, yy, yz, zz. The
    coordinates are those of the nodes, i times the cell size.
    """
    from xarray import DataArray

    values = field.detach().cpu().numpy()
    n = values.shape[-1]
    position = np.arange(n) * (box_size_mpch / n)
    coordinates = {axis: (axis, position, {"units": "Mpc/h"}) for axis in ("z", "y", "x")}
    dimensions: tuple[str, ...] = ("z", "y", "x")
    if values.ndim == 4:
        dimensions = ("component", *dimensions)
        coordinates["component"] = ("component", np.array(_VECTOR if len(values) == 3 else _TENSOR), {})
    about = {"long_name": _LONG_NAMES.get(name, name), **attributes}
    return DataArray(values, coords=coordinates, dims=dimensions, name=name, attrs=about)
