"""Solutions of the field equations, mode by mode (EQUATIONS 5)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from weakfield.mesh.lattice import Lattice


def divide_by_laplacian(
    modes: Tensor, lattice: Lattice, factor: float, shift: float = 0.0, clear_zero_mode: bool = False
) -> Tensor:
    """modes *= factor / (K + shift) in place; with ``clear_zero_mode`` the mode k = 0 is set to 0."""
    k = lattice.k2(modes.device) + shift
    modes *= torch.where(k > 0, factor / torch.where(k > 0, k, 1.0), 1.0)
    if clear_zero_mode:
        modes[0, 0, 0] = 0
    return modes


def solve_chi(divergence: Tensor, lattice: Lattice, out: Tensor) -> Tensor:
    """chi = (K tr S - 3 D) / (2 K^2 N) with D = sum_m kappa_m V_m, V = -i N W (EQUATIONS 5.2), into ``out``.

    ``divergence`` (4, N, N, N//2+1) holds the transforms of the trace and of the lattice divergence W of S_ij.
    """
    n, (kx, ky, kz) = lattice.n, lattice.kappa(divergence.device)
    k = lattice.k2(divergence.device)
    d = -1j * n * (kx * divergence[1] + ky * divergence[2] + kz * divergence[3])
    solved = (k * divergence[0] - 3 * d) / torch.where(k > 0, 2 * k**2 * n, 1.0)
    return out.copy_(torch.where(k > 0, solved, 0.0))


def advance_b(divergence: Tensor, lattice: Lattice, factor: float, b: Tensor) -> Tensor:
    """Bhat_i += factor (W_i - kappa_i* D' / K) / K with D' = sum_m kappa_m W_m (EQUATIONS 5.3), in place."""
    b += _transverse(divergence[1:], lattice) * factor
    return b


def transverse_part(vector: Tensor, lattice: Lattice, factor: float) -> Tensor:
    """V_i = factor (V_i - kappa_i* (kappa V) / K) / K in place, (3, N, N, N//2+1); 0 at k = 0 (EQUATIONS 5.3)."""
    return vector.copy_(_transverse(vector, lattice) * factor)


def add_realisation(
    unit: Tensor, strength: np.ndarray | Tensor, window: np.ndarray | Tensor | None, factor: float, out: Tensor
) -> Tensor:
    """out += factor S(n^2) w_x w_y w_z x unit modes, all (N, N, N//2+1) (EQUATIONS 3.4).

    ``strength`` is tabulated by n^2 and ``window`` (N//2+1,) float32 by |n_i|; the product of the three window factors
    is taken in single precision. Both are arrays, or tensors on the device of ``out``.
    """
    n = unit.shape[0]
    index = np.arange(n)
    m = np.minimum(index, n - index)
    mx, my, mz = m[None, None, : n // 2 + 1], m[None, :, None], m[:, None, None]
    if isinstance(strength, Tensor):
        strength = strength.cpu().numpy()
    if isinstance(window, Tensor):
        window = window.cpu().numpy()
    scale = factor * strength[mx**2 + my**2 + mz**2]
    if window is not None:
        scale = scale * (window[mx] * window[my] * window[mz]).astype(np.float64)
    out += torch.from_numpy(scale).to(out.device) * unit
    return out


def _transverse(vector: Tensor, lattice: Lattice) -> Tensor:
    kx, ky, kz = kappa = lattice.kappa(vector.device)
    k = lattice.k2(vector.device)
    safe = torch.where(k > 0, k, 1.0)
    d = (kx * vector[0] + ky * vector[1] + kz * vector[2]) / safe
    parts = [torch.where(k > 0, (vector[i] - kappa[i].conj() * d) / safe, 0.0) for i in range(3)]
    return torch.stack(parts)
