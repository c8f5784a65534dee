"""Sums over sites of products of three fields."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def triple_sums(a: Tensor, b: Tensor, c: Tensor, triangles: NDArray[np.int64]) -> Tensor:
    """sum_x a_i b_j c_l for every row (i, j, l) of ``triangles``, (T,); fields (shells, sites)."""
    result = a.new_zeros(len(triangles))
    pairs, place = np.unique(triangles[:, :2], axis=0, return_inverse=True)
    for number, (i, j) in enumerate(pairs.tolist()):
        rows = torch.from_numpy(np.flatnonzero(place.ravel() == number)).to(a.device)
        third = torch.from_numpy(triangles[rows.cpu().numpy(), 2]).to(a.device)
        result[rows] = c[third] @ (a[i] * b[j])
    return result
