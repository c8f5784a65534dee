"""A cube of attributions seen from three sides."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def projections(cube: Tensor) -> Tensor:
    """Sums of a cube (N, N, N) [z, y, x] along z, along y and along x: (3, N, N), each adding up to the same total."""
    values = cube.numpy()  # NumPy sums in one order whatever the number of threads
    return torch.from_numpy(np.stack([values.sum(axis=axis) for axis in range(3)]))
