"""Products of two fields without aliases, and the quadratic fields of a potential that make up the second order.

Modes are complex ``(..., N, N, N//2+1)`` [z, y, x], and their unnormalised backward transform is the field (so they are
the transform over N^3). The box has unit length and the wave vector is k = 2 pi n; any device and either precision will
do. Nyquist planes count as zero, both in the input and in the output. A product is taken on a mesh of side 3N/2, where
aliases fall only on modes that are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from weakfield.fourier.half_axis import wavenumbers
from weakfield.mesh import fft


@dataclass(frozen=True)
class QuadraticFields:
    """Modes of the quadratic fields of one potential f, each ``(..., N, N, N//2+1)``, zero at k = 0.

    In code units: ``theta_0`` and ``square`` have the units of f^2, the others those of f^2 over a length squared.
    """

    gradient_squared: Tensor
    """(grad f)^2"""
    psi_0: Tensor
    """lap Psi_0 = -[(lap f)^2 - f,_ij f,_ij] / 2"""
    theta_0: Tensor
    """lap Theta_0 = Psi_0 - (grad f)^2 / 3"""
    square: Tensor
    """f^2"""


def second_order_fields(modes: Tensor) -> QuadraticFields:
    """The quadratic fields of the potential with these ``modes``, dealiased (EQUATIONS 16.3; astro-ph/9707278)."""
    trace, along = _gradient_products(modes)
    return QuadraticFields(
        gradient_squared=trace,
        psi_0=(trace - along) / 2,
        theta_0=(along / 2 - trace / 6) * inverse_square_wavenumber(modes),
        square=_without_mean(padded_product(modes, modes)),
    )


def minors(modes: Tensor) -> Tensor:
    """Modes of (lap f)^2 - f,_ij f,_ij, dealiased: twice the sum of the principal minors of the tidal tensor of f."""
    trace, along = _gradient_products(modes)
    return (trace - along) * sum(axis**2 for axis in wave_vector(modes))


def _gradient_products(modes: Tensor) -> tuple[Tensor, Tensor]:
    """Modes of f,_i f,_i and k_i k_j / k^2 of f,_i f,_j, zero at k = 0.

    (lap f)^2 - f,_ij f,_ij = (d_i d_j - delta_ij lap) (f,_i f,_j): in this form, the long waves are not a difference
    of large numbers.
    """
    n = _side(modes)
    m, k = padded_side(n), wave_vector(modes)
    gradient = [to_padded(1j * axis * modes, m) for axis in k]
    trace, along = torch.zeros_like(modes), torch.zeros_like(modes)
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)):
        term = from_padded(gradient[i] * gradient[j], n)
        if i == j:
            trace += term
        along += term.mul_(k[i] * k[j] * (1.0 if i == j else 2.0))
    return _without_mean(trace), along.mul_(inverse_square_wavenumber(modes))


def padded_product(first: Tensor, second: Tensor) -> Tensor:
    """Modes of the product of two fields, dealiased; the mode k = 0 is its mean."""
    m = padded_side(_side(first))
    one = to_padded(first, m)
    return from_padded(one * (one if second is first else to_padded(second, m)), _side(first))


def padded_side(n: int) -> int:
    """Side of the mesh on which the product of two fields of side ``n`` has no aliases: 3N/2, rounded up."""
    return (3 * n + 1) // 2


def to_padded(modes: Tensor, m: int) -> Tensor:
    """The field on a finer mesh, real ``(..., m, m, m)`` [z, y, x], from modes ``(..., N, N, N//2+1)``, m >= N."""
    n = _side(modes)
    wide = torch.zeros((*modes.shape[:-3], m, m, m // 2 + 1), dtype=modes.dtype, device=modes.device)
    for there, here in _corners(m, n):
        wide[there] = modes[here]
    return fft.backward(wide, m, normalised=False, overwrite=True)


def from_padded(field: Tensor, n: int) -> Tensor:
    """Modes ``(..., n, n, n//2+1)`` of a real field ``(..., m, m, m)`` on a finer mesh; modes beyond are dropped."""
    m = field.shape[-1]
    wide = fft.forward(field)
    modes = torch.zeros((*field.shape[:-3], n, n, n // 2 + 1), dtype=wide.dtype, device=wide.device)
    for there, here in _corners(m, n):
        modes[here] = wide[there]
    modes /= m**3
    return modes


def wave_vector(modes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """k_x, k_y, k_z = 2 pi n, each broadcasting over the modes [z, y, x], in their precision and on their device."""
    full, half = (
        torch.from_numpy(2 * np.pi * axis).to(dtype=modes.real.dtype, device=modes.device)
        for axis in wavenumbers(_side(modes))
    )
    return half[None, None, :], full[None, :, None], full[:, None, None]


def inverse_square_wavenumber(modes: Tensor) -> Tensor:
    """1 / k^2, (N, N, N//2+1), 0 at k = 0: minus the inverse of the Laplacian."""
    kx, ky, kz = wave_vector(modes)
    k2 = kx**2 + ky**2 + kz**2
    k2[0, 0, 0] = torch.inf
    return 1.0 / k2


def _side(modes: Tensor) -> int:
    return modes.shape[-2]


def _corners(m: int, n: int) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Where the modes |n_i| < n/2 are stored on meshes of sides ``m`` and ``n``."""
    reach = (n - 1) // 2
    below = slice(0, reach + 1)
    axis = [(below, below)] + ([(slice(m - reach, m), slice(n - reach, n))] if reach else [])
    return [((..., z[0], y[0], below), (..., z[1], y[1], below)) for z, y in product(axis, axis)]


def _without_mean(modes: Tensor) -> Tensor:
    modes[..., 0, 0, 0] = 0
    return modes
