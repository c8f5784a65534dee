"""Gradient and Laplacian of a periodic field, in Fourier space.

Spectral, i k and -k^2, and not by differences of neighbours: a field on the mesh is a sum of plane waves, for each of
which these are exact. A lattice difference multiplies by sin(k dx) / dx instead, 36 % less than k halfway to the
Nyquist wavenumber and not isotropic: a network could learn that.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch
from torch import Tensor

from weakfield.mesh.fft import backward, forward
from weakfield.mesh.shells import wavenumbers


def gradient(field: Tensor, box_size_mpch: float) -> Tensor:
    """d/dx, d/dy, d/dz [h/Mpc] of a float64 field (..., N, N, N) [z, y, x]: (..., 3, N, N, N), components x, y, z.

    The Nyquist mode of an axis has no first derivative along it on the mesh (its sine vanishes there) and is left out.
    """
    n = field.shape[-1]
    modes, unit = forward(field.contiguous()), 2 * pi / box_size_mpch
    full, half = (axis.astype(np.float64) for axis in wavenumbers(n))
    if n % 2 == 0:
        full[n // 2] = half[n // 2] = 0.0
    z, y, x = _axes(full, full, half)
    return torch.stack([backward(1j * unit * k * modes, n) for k in (x, y, z)], dim=-4)


def laplacian(field: Tensor, box_size_mpch: float) -> Tensor:
    """The sum of the second derivatives [(h/Mpc)^2] of a float64 field (..., N, N, N), of the same shape."""
    n = field.shape[-1]
    full, half = (axis.astype(np.float64) ** 2 for axis in wavenumbers(n))
    z, y, x = _axes(full, full, half)
    return backward(forward(field.contiguous()) * (-((2 * pi / box_size_mpch) ** 2) * (x + y + z)), n)


def _axes(z: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Three axes of the half-complex mesh, each broadcasting over it."""
    return (
        torch.from_numpy(z)[:, None, None],
        torch.from_numpy(y)[None, :, None],
        torch.from_numpy(x)[None, None, :],
    )
