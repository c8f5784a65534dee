"""Kick and drift of particles under both theories (EQUATIONS 6, 8)."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.mesh.kernels.contract import Step
from weakfield.mesh.kernels.reference.assignment import Cells, gradient
from weakfield.mesh.packed import BX, CHI, LX, PHI
from weakfield.mesh.particles import Particles

UNIT = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


def kick_drift_newton(particles: Particles, potential: Tensor, kick: float, drift: float) -> None:
    """q -= kick grad(potential); x += drift q, in place (EQUATIONS 8)."""
    particles.momentum -= kick * particles.grid * gradient(particles, potential)
    particles.displacement += drift * particles.grid * particles.momentum


def kick_drift_gr(particles: Particles, metric: Tensor, step: Step) -> None:
    """Kick with scale factor a (EQUATIONS 6.2, 13.1 iv), then drift with a_half and the same fields (6.3), in place.

    ``metric`` (N, N, N, 8) is as ``pack_metric`` leaves it: phi, chi, Bhat on the links, and the difference of each
    Bhat_i along its own axis. Without ``kick_dragging`` the B term of the kick is left out; without ``drift_metric``
    all metric terms of the drift are.
    """
    a, a_half, kick, drift, second_order, kick_dragging, drift_metric = step
    n, q, cells = particles.grid, particles.momentum, Cells.of(particles)
    phi, chi = metric[..., PHI].contiguous(), metric[..., CHI].contiguous()
    b, own = metric[..., BX : BX + 3].movedim(-1, 0), metric[..., LX : LX + 3].movedim(-1, 0)
    q2 = (q**2).sum(0)
    e2 = q2 + a**2
    energy = torch.sqrt(e2)
    phi_p = cells.interpolate(phi)
    weight = 1 + q2 / e2
    if second_order:
        weight = 4 * phi_p * q2 / e2 + (1 + a**2 * phi_p / e2) * weight
    fall = weight * gradient(particles, phi) - gradient(particles, chi)
    if kick_dragging:
        fall = fall + _dragging(cells, b, own, q) / (n * a**2 * energy)
    drift_b = _link_values(cells, b) / (n * a_half**2) if drift_metric else torch.zeros_like(q)
    chi_p = cells.interpolate(chi)
    q -= kick * n * energy * fall
    q2 = (q**2).sum(0)
    e2 = q2 + a_half**2
    speed = 1 / torch.sqrt(e2)
    if drift_metric:
        speed = speed * (1 + (3 - q2 / e2) * phi_p - chi_p)
    particles.displacement += drift * n * (q * speed + drift_b)


def _link_values(cells: Cells, b: Tensor) -> Tensor:
    """Each component of b, interpolated bilinearly across its links and taken as the nearest along them, (3, P)."""
    return torch.stack([cells.interpolate(b[i], "xyz".replace("xyz"[i], "")) for i in range(3)])


def _dragging(cells: Cells, b: Tensor, own: Tensor, q: Tensor) -> Tensor:
    """sum_j q_j d_i b_j per cell, (3, P) (EQUATIONS 6.2); ``own``: differences of b_i along i, at the nodes."""
    result = torch.zeros_like(q)
    for i in range(3):
        for j in range(3):
            if i == j:
                difference = cells.interpolate(own[i])
            else:
                third = "xyz"[3 - i - j]
                difference = cells.interpolate(b[j], third, UNIT[i]) - cells.interpolate(b[j], third)
            result[i] = result[i] + q[j] * difference
    return result
