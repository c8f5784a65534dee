"""Gradient and Laplacian of a periodic field, in Fourier space.

Derivatives are spectral, by i k and -k^2, and not differences of neighbours: a field on the mesh is a sum of plane
waves, for each of which these are exact. A lattice difference multiplies by sin(k dx) / dx instead, which is 36 % less
than k halfway to the Nyquist wavenumber and not isotropic; a network could learn that.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch
from torch import Tensor

from weakfield.fourier import backward, forward, squared_wavenumbers, wavenumber_axes


def gradient(field: Tensor, box_size_mpch: float) -> Tensor:
    """d/dx, d/dy, d/dz [h/Mpc] of a float64 field (..., N, N, N) [z, y, x]: (..., 3, N, N, N), components x, y, z.

    The Nyquist mode of an axis has no first derivative along it on the mesh (its sine vanishes there) and is left out.
    """
    n = field.shape[-1]
    modes, unit = forward(field), 2 * pi / box_size_mpch
    z, y, x = (torch.from_numpy(np.where(2 * np.abs(k) == n, 0.0, k)) for k in wavenumber_axes(n))
    return torch.stack([backward(1j * unit * k * modes, n) for k in (x, y, z)], dim=-4)


def laplacian(field: Tensor, box_size_mpch: float) -> Tensor:
    """The sum of the second derivatives [(h/Mpc)^2] of a float64 field (..., N, N, N), of the same shape."""
    n = field.shape[-1]
    symbol = -((2 * pi / box_size_mpch) ** 2) * torch.from_numpy(squared_wavenumbers(n).astype(np.float64))
    return backward(forward(field) * symbol, n)
