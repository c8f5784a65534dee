"""Fields with some of their modes left out: bands of |n|, and planes.

Fields are tensors (..., N, N, N), or (..., N, N) with ``dimensions=2``, in any precision; they are transformed in
double precision and returned in their own. Wavenumbers are in units of the fundamental k_F. A filter treats k and -k
alike, so that a real field stays real.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.fourier.half_axis import backward, forward, nyquist_modes, squared_wavenumbers
from weakfield.fourier.shells import first_square

Mask = NDArray[np.bool_]


@lru_cache(maxsize=8)
def in_band(n: int, low: float, high: float, dimensions: int = 3, nyquist: bool = True) -> Mask:
    """Which modes have low <= |n| < high, (N[, N], N//2+1); edges are compared exactly with the integer |n|^2.

    The Nyquist planes of an even N belong to no band unless ``nyquist`` is true.
    """
    squares = squared_wavenumbers(n, dimensions)
    found = (squares >= first_square(max(low, 0.0))) & (squares < first_square(max(high, 0.0)))
    return found if nyquist else found & ~nyquist_modes(n, dimensions)


def filtered(fields: Tensor, stays: Mask, dimensions: int = 3) -> Tensor:
    """The fields with only the modes that ``stays`` (N[, N], N//2+1) marks."""
    return field_like(forward(fields, dimensions) * torch.from_numpy(stays), fields, dimensions)


def field_like(modes: Tensor, like: Tensor, dimensions: int = 3) -> Tensor:
    """The fields of ``modes`` in the precision of ``like``."""
    return backward(modes, like.shape[-1], dimensions).to(like.dtype)


def keep_band(fields: Tensor, low: float, high: float, dimensions: int = 3) -> Tensor:
    """Keep only the modes low <= |n| < high; the mean stays if ``low`` is 0 or below, and is 0 otherwise."""
    return filtered(fields, in_band(fields.shape[-1], low, high, dimensions), dimensions)


def stop_band(fields: Tensor, low: float, high: float, dimensions: int = 3) -> Tensor:
    """Keep all modes except those with low <= |n| < high; the mean stays as it is."""
    stays = ~in_band(fields.shape[-1], low, high, dimensions)
    stays.flat[0] = True
    return filtered(fields, stays, dimensions)


def low_pass(fields: Tensor, cut: float, dimensions: int = 3) -> Tensor:
    """Keep the modes |n| < cut, and the mean."""
    return keep_band(fields, 0.0, cut, dimensions)


def high_pass(fields: Tensor, cut: float, dimensions: int = 3) -> Tensor:
    """Keep the modes |n| >= cut, and the mean."""
    return stop_band(fields, 0.0, cut, dimensions)


def without_plane(fields: Tensor, axis: int, dimensions: int = 3) -> Tensor:
    """Remove the modes whose component along ``axis`` (0: the first of the grid, z) is 0; the mean stays."""
    n = fields.shape[-1]
    stays = np.ones((n,) * (dimensions - 1) + (n // 2 + 1,), dtype=np.bool_)
    np.moveaxis(stays, axis, 0)[0] = False
    stays.flat[0] = True
    return filtered(fields, stays, dimensions)
