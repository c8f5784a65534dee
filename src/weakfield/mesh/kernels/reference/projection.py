"""Stress-energy of particles on the mesh (PHYSICS 4): T00, T_ij and T0_i with the metric at the receiving site."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.mesh.kernels.reference.assignment import CORNERS, Cells
from weakfield.mesh.particles import Particles

AXES = "xyz"
#: (component of the stored tensor, i, j)
COMPONENTS = ((0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 1, 2), (5, 2, 2))


def project_t00(particles: Particles, phi: Tensor, a: float, second_order: bool, out: Tensor) -> Tensor:
    """-a^3 T^0_0 at the nodes: (m N^3 / a) sum W [E + f1 phi (+ f2 phi^2)] (PHYSICS 4, 13.1 iii), into ``out``."""
    cells = Cells.of(particles)
    q2 = (particles.momentum**2).sum(0)
    energy = torch.sqrt(q2 + a**2)
    f1 = 3 * energy + q2 / energy
    f2 = (0.5 * f1**2 + q2 / (1 + q2 / a**2)) / energy if second_order else torch.zeros_like(energy)
    scale = particles.mass * particles.grid**3 / a
    result = torch.zeros_like(phi).reshape(-1)
    for corner in CORNERS:
        metric = cells.gather(phi, corner)
        value = scale * cells.weight(corner) * (energy + metric * (f1 + metric * f2))
        result = result.index_add(0, cells.index(corner), value)
    return out.copy_(result.reshape(phi.shape))


def project_tij(particles: Particles, phi: Tensor, a: float, out: Tensor) -> Tensor:
    """a^3 T^i_j, diagonal at the nodes and off-diagonal on the plaquettes, into ``out`` (6, N, N, N)."""
    cells = Cells.of(particles)
    q = particles.momentum
    e2 = (q**2).sum(0) + a**2
    factor = particles.mass * particles.grid**3 / (a * torch.sqrt(e2))
    f = 4 + a**2 / e2
    for component, i, j in COMPONENTS:
        axes = AXES if i == j else AXES.replace(AXES[i], "").replace(AXES[j], "")
        result = torch.zeros_like(phi).reshape(-1)
        for corner in cells.corners(axes):
            metric = cells.gather(phi, corner) if i == j else _plaquette_mean(cells, phi, corner, i, j)
            value = factor * q[i] * q[j] * cells.weight(corner, axes) * (1 + f * metric)
            result = result.index_add(0, cells.index(corner), value)
        out[component] = result.reshape(phi.shape)
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
