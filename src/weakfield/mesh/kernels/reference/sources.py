"""Right-hand sides of the field equations on the mesh, in real space (EQUATIONS 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.mesh.packed import BX, CHI, LX, PHI, STORED, T00

#: tensor dimension of each axis x, y, z in a field [z, y, x]
_DIM = (-1, -2, -3)


def _up(field: Tensor, *axes: int) -> Tensor:
    """f shifted to x + e_i along each axis i given."""
    for axis in axes:
        field = torch.roll(field, -1, _DIM[axis])
    return field


def _down(field: Tensor, axis: int) -> Tensor:
    """f(x - e_i)."""
    return torch.roll(field, 1, _DIM[axis])


def phi_source(
    stress_energy: Tensor, extra: Tensor | None, phi: Tensor, chi: Tensor, past: Tensor, density: float,
    expansion: float, memory: float, implicit: bool, second_order: bool, out: Tensor, sums: Tensor,
) -> Tensor:  # fmt: skip
    """S of EQUATIONS 5.1 (and 13.1 i, ii; 15.2) into ``out``.

    T00, minus its mean, is that of ``stress_energy`` (N, N, N, 8), plus that of radiation, ``extra`` (N, N, N), if
    given. density = G4 dx^2 / a, expansion = 3 H^2 dx^2, memory = 3 H dx^2 / dtau: S = density T00 (1 - 2 phi)
    + sum_i [phi(x + e_i) - phi(x - e_i)]^2 / 8 + expansion (phi - chi) - memory past. ``past`` stands for phi in the
    time derivative; with ``implicit`` the term expansion phi is left to the other side of the equation. ``sums`` (N,)
    float64 is set to T00 summed over each plane of constant z.
    """
    metric, hubble = 1 - 2 * phi, torch.zeros_like(phi) if implicit else phi
    if second_order:
        metric, hubble = metric + 2 * phi**2, hubble - 2 * phi**2
    t00 = stress_energy[..., T00] if extra is None else stress_energy[..., T00] + extra
    sums.copy_(t00.double().sum(dim=(1, 2)))
    squares = sum((_up(phi, i) - _down(phi, i)) ** 2 for i in range(3))
    return out.copy_(density * t00 * metric + squares / 8 + expansion * (hubble - chi) - memory * past)


def stress_tensor(stress_energy: Tensor, phi: Tensor, factor: float) -> Tensor:
    """S_ij = factor T_ij + 2 dx^2 d_i phi d_j phi, (6, N, N, N) as in files (EQUATIONS 5.2); factor = 2 G4 dx^2 / a.

    ``stress_energy`` (N, N, N, 8) is as ``project_stress_energy`` leaves it.
    """
    stress = torch.stack([factor * stress_energy[..., field] for field in STORED])
    for component, i in ((0, 0), (3, 1), (5, 2)):
        stress[component] += (_up(phi, i) - _down(phi, i)) ** 2 / 2
    for component, i, j in ((1, 0, 1), (2, 0, 2), (4, 1, 2)):
        f_i, f_j, f_ij = _up(phi, i), _up(phi, j), _up(phi, i, j)
        stress[component] += f_i * f_j - phi * f_ij + (phi**2 - f_i**2 - f_j**2 + f_ij**2) / 2
    return stress


def stress_divergence(stress_energy: Tensor, phi: Tensor, factor: float, out: Tensor) -> Tensor:
    """Trace of S_ij and its lattice divergence W_i = forward_i S_ii + sum_j backward_j S_ij (EQUATIONS 5.2).

    S_ij is as in ``stress_tensor``; the result goes into ``out`` (4, N, N, N).
    """
    xx, xy, xz, yy, yz, zz = stress_tensor(stress_energy, phi, factor)
    out[0] = xx + yy + zz
    out[1] = _up(xx, 0) - xx + xy - _down(xy, 1) + xz - _down(xz, 2)
    out[2] = xy - _down(xy, 0) + _up(yy, 1) - yy + yz - _down(yz, 2)
    out[3] = xz - _down(xz, 0) + yz - _down(yz, 1) + _up(zz, 2) - zz
    return out


def pack_metric(phi: Tensor, chi: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """phi, chi, Bhat (3, N, N, N) and the difference of each Bhat_i along i into the packed ``out`` (N, N, N, 8)."""
    out[..., PHI], out[..., CHI] = phi, chi
    for i in range(3):
        out[..., BX + i], out[..., LX + i] = b[i], b[i] - _down(b[i], i)
    return out
