"""Stress-energy of particles on the mesh (EQUATIONS 4): T00, T_ij and T0_i, with the metric at the receiving site."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.mesh.kernels.reference.assignment import CORNERS, Cells, gradient
from weakfield.mesh.packed import PACKED, STRESS, T00
from weakfield.mesh.particles import Particles

AXES = "xyz"


def project_stress_energy(
    particles: Particles,
    phi: Tensor,
    potential: Tensor | None,
    weight: float,
    a: float,
    second_order: bool,
    out: Tensor,
    start: float = 0.0,
) -> Tensor:
    """-a^3 T^0_0 and a^3 T^i_j with the metric ``phi`` into the packed ``out`` (N, N, N, 8) (EQUATIONS 4, 13.1 iii).

    Momenta are q* = q - weight grad(potential), at the time of the positions (EQUATIONS 15.1), or q itself without a
    potential. T00 = (m N^3 / a) sum W [E + f1 phi (+ f2 phi^2)] and T_ii are at the nodes, the off-diagonal T_ij on the
    plaquettes. Fields are as in ``mesh.packed``; the last one is 0. T00 is summed from ``start`` on: if that
    is minus its mean, T00 keeps the accuracy of its contrast in single precision.
    """
    cells, q = Cells.of(particles), particles.momentum
    if potential is not None:
        q = q - weight * particles.grid * gradient(particles, potential)
    q2 = (q**2).sum(0)
    e2 = q2 + a**2
    energy = torch.sqrt(e2)
    f1 = 3 * energy + q2 / energy
    f2 = (0.5 * f1**2 + q2 * a**2 / e2) / energy if second_order else torch.zeros_like(energy)
    scale = particles.mass * particles.grid**3 / a
    out.zero_()
    out[..., T00] = start
    packed = out.reshape(-1, PACKED)
    for corner in CORNERS:
        metric = cells.gather(phi, corner)
        value = scale * cells.weight(corner) * (energy + metric * (f1 + metric * f2))
        packed[:, T00].index_add_(0, cells.index(corner), value)
    f = 4 + a**2 / e2
    for field, i, j in STRESS:
        axes = AXES if i == j else AXES.replace(AXES[i], "").replace(AXES[j], "")
        for corner in cells.corners(axes):
            metric = cells.gather(phi, corner) if i == j else _plaquette_mean(cells, phi, corner, i, j)
            value = scale / energy * q[i] * q[j] * cells.weight(corner, axes) * (1 + f * metric)
            packed[:, field].index_add_(0, cells.index(corner), value)
    return out


def project_t0i(particles: Particles, phi: Tensor, out: Tensor) -> Tensor:
    """a^4 T^0_i on the links: m N^3 sum q_i w_j w_l [1 + phi(o) + phi(o + e_i)], into ``out`` (3, N, N, N)."""
    cells = Cells.of(particles)
    scale = particles.mass * particles.grid**3
    for i in range(3):
        axes = AXES.replace(AXES[i], "")
        result = torch.zeros_like(phi).reshape(-1)
        for corner in cells.corners(axes):
            far = (corner[0] + (i == 0), corner[1] + (i == 1), corner[2] + (i == 2))
            metric = cells.gather(phi, corner) + cells.gather(phi, far)
            value = scale * particles.momentum[i] * cells.weight(corner, axes) * (1 + metric)
            result = result.index_add(0, cells.index(corner), value)
        out[i] = result.reshape(phi.shape)
    return out


def _plaquette_mean(cells: Cells, phi: Tensor, corner: tuple[int, int, int], i: int, j: int) -> Tensor:
    """Mean of phi over the four corners of the plaquette spanned by axes i and j at an offset."""
    total = torch.zeros_like(cells.fraction[0])
    for s in (0, 1):
        for t in (0, 1):
            at = [*corner]
            at[i] += s
            at[j] += t
            total = total + cells.gather(phi, (at[0], at[1], at[2]))
    return total / 4
