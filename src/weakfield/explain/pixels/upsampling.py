"""Linear interpolation of a coarse map to the cells of a periodic box."""

from __future__ import annotations

import torch
from torch import Tensor


def upsample(maps: Tensor, grid: int) -> Tensor:
    """Maps (n, channels, m, m[, m]) on the cells of a box of ``grid`` cells a side, linear and periodic.

    Cell c of the coarse map covers the cells of the fine one from c N/m to (c + 1) N/m, so their centres are at
    (i + 1/2) m/N - 1/2. The sum over cells is kept: values are divided by (N/m)^d.
    """
    for axis in range(2, maps.ndim):
        coarse = maps.shape[axis]
        places = (torch.arange(grid, dtype=torch.float64) + 0.5) * coarse / grid - 0.5
        below = torch.floor(places)
        share = (places - below).to(maps.dtype).view(-1, *[1] * (maps.ndim - 1 - axis))
        index = below.to(torch.int64)
        low, high = (maps.index_select(axis, (index + side) % coarse) for side in (0, 1))
        maps = (low * (1 - share) + high * share) * (coarse / grid)
    return maps
