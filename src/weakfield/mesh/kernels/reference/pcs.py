"""Particles on the spectral mesh: cubic splines for every deposit and every gather (EQUATIONS 16.1, 16.2).

All fields live at the nodes. Where particles read a field, its modes have been divided by the spline's window before
(``mesh.spectral``), so that the spline returns the field itself. The fields of a site lie side by side, (N, N, N, L).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from weakfield.mesh.kernels.contract import WeightedStep
from weakfield.mesh.packed import D_PHI, D_PSI, METRIC_PHI, METRIC_PSI, STRESS, T00
from weakfield.mesh.particles import Particles

_NODES = tuple(itertools.product(range(4), range(4), range(4)))


@dataclass(frozen=True)
class Splines:
    """The 64 nodes around every particle, and the share of the particle that each of them gets."""

    n: int
    first: Tensor  # (3, P) int64: the lowest node along x, y, z
    weight: Tensor  # (4, 3, P): the cubic B-spline at the four nodes of each axis
    slope: Tensor  # (4, 3, P): its derivative along the axis, per cell

    @classmethod
    def of(cls, particles: Particles) -> Splines:
        """The splines of the particles where they are now."""
        whole = torch.floor(particles.displacement)
        r = particles.displacement - whole
        s = 1 - r
        weight = [s**3 / 6, 2 / 3 - r * r + r**3 / 2, 2 / 3 - s * s + s**3 / 2, r**3 / 6]
        slope = [-s * s / 2, -2 * r + 1.5 * r * r, 2 * s - 1.5 * s * s, r * r / 2]
        first = particles.rest_cells() + whole.long() - 1
        return cls(particles.grid, first, torch.stack(weight), torch.stack(slope))

    def nodes(self) -> Iterator[tuple[Tensor, tuple[int, int, int]]]:
        """For each of the 64 nodes, its flat index [z, y, x], (P,), and its number along x, y, z."""
        for node in _NODES:
            x, y, z = (torch.remainder(self.first[i] + node[i], self.n) for i in range(3))
            yield (z * self.n + y) * self.n + x, node

    def share(self, node: tuple[int, int, int], along: int | None = None) -> Tensor:
        """Weight of a node, (P,), or its derivative per cell ``along`` an axis, if one is given."""
        product = torch.ones_like(self.weight[0, 0])
        for i in range(3):
            product = product * (self.slope if i == along else self.weight)[node[i], i]
        return product

    def gather(self, fields: Tensor, along: int | None = None) -> Tensor:
        """(L, P): the splines through ``fields`` (N, N, N, L) at the particles, or their slopes per cell."""
        flat = fields.reshape(-1, fields.shape[-1])
        total = fields.new_zeros((self.first.shape[1], fields.shape[-1]))
        for index, node in self.nodes():
            total = total + self.share(node, along)[:, None] * flat[index]
        return total.T

    def deposit(self, values: Tensor, out: Tensor) -> Tensor:
        """Add ``values`` (L, P) to ``out`` (N, N, N, L): the adjoint of ``gather``."""
        if not out.is_contiguous():
            return out.copy_(self.deposit(values, out.contiguous()))
        flat = out.view(-1, out.shape[-1])
        for index, node in self.nodes():
            flat.index_add_(0, index, (values * self.share(node)).T)
        return out


def paint_pcs(
    particles: Particles,
    weight: Tensor | None = None,
    scale: float = 1.0,
    out: Tensor | None = None,
    start: float = 0.0,
    shift: float = 0.0,
) -> Tensor:
    """start + sum_p scale w_p W_PCS at every node, ``(N, N, N)``; w = 1 if not given; the adjoint of ``read_pcs``.

    Particles are deposited as if they were ``shift`` cells further along each axis: see ``mesh.spectral.SHIFTS``.
    """
    if shift:
        particles = replace(particles, displacement=particles.displacement + shift)
    values = particles.displacement.new_ones(len(particles)) if weight is None else weight
    result = values.new_full((*(particles.grid,) * 3, 1), start)
    painted = Splines.of(particles).deposit(scale * values[None], result)[..., 0]
    return painted if out is None else out.copy_(painted)


def read_pcs(particles: Particles, fields: Tensor) -> Tensor:
    """(L, P): fields (N, N, N, L) read at the particles with the weights of ``paint_pcs``."""
    return Splines.of(particles).gather(fields)


def project_pcs(
    particles: Particles,
    metric: Tensor | None,
    weight: float,
    a: float,
    out: Tensor,
    start: float = 0.0,
    energies: Tensor | None = None,
) -> Tensor:
    """-a^3 T^0_0 and a^3 T^i_j into the packed fields ``out`` (N, N, N, 8), of which the last is 0 (EQUATIONS 16.2).

    T00 = (m N^3 / a) e^(3 phi) sqrt(q^2 e^(2 phi) + a^2), summed from ``start`` on, and T_ij = (m N^3 / a) q_i q_j / E
    with E^2 = q^2 + a^2. Momenta are q - weight x fall (``fall``), at the time of the positions; ``metric``
    (N, N, N, 8) is packed as in ``mesh.packed``. Without a metric, phi = psi = 0 and q is that of the particles.
    ``energies`` (P,) is set to what each particle adds to T00.
    """
    splines, q = Splines.of(particles), particles.momentum
    phi = torch.zeros_like(q[0])
    if metric is not None:
        at = splines.gather(metric)
        phi = at[METRIC_PHI]
        if weight != 0.0:
            q = q - weight * fall(q, at, a)
    q2 = (q**2).sum(0)
    scale = particles.mass * particles.grid**3 / a
    values = q.new_zeros((out.shape[-1], len(particles)))
    values[T00] = scale * torch.exp(3 * phi) * torch.sqrt(a**2 + torch.exp(2 * phi) * q2)
    for field, i, j in STRESS:
        values[field] = scale / torch.sqrt(q2 + a**2) * q[i] * q[j]
    if energies is not None:
        energies.copy_(values[T00])
    out.zero_()
    out[..., T00] = start
    return splines.deposit(values, out)


def project_t0i_pcs(particles: Particles, metric: Tensor | None, out: Tensor) -> Tensor:
    """a^4 T^0_i = m N^3 q_i e^(3 phi - psi) at the nodes, into ``out`` (3, N, N, N); m N^3 q_i without a metric."""
    splines, value = Splines.of(particles), particles.mass * particles.grid**3 * particles.momentum
    if metric is not None:
        at = splines.gather(metric[..., : METRIC_PSI + 1].contiguous())
        value = value * torch.exp(3 * at[METRIC_PHI] - at[METRIC_PSI])
    deposited = splines.deposit(value, value.new_zeros((*(particles.grid,) * 3, 3)))
    return out.copy_(deposited.movedim(-1, 0))


def kick_drift_newton_pcs(particles: Particles, slopes: Tensor, step: WeightedStep) -> None:
    """q = keep q - kick grad(phi); x += drift q, in place; ``slopes`` (N, N, N, 4): the gradient, an unused field."""
    pull = Splines.of(particles).gather(slopes)[:3]
    particles.momentum.mul_(step.keep).sub_(pull, alpha=step.kick)
    particles.displacement += step.drift * particles.grid * particles.momentum


def kick_drift_pcs(particles: Particles, metric: Tensor, dragging: Tensor, step: WeightedStep) -> None:
    """Kick with scale factor a, then drift with a_half and the same fields, in place (EQUATIONS 16.2).

    q_i = keep q_i - kick (fall_i + sum_j q_j d_i B_j), x_i += drift (e^(psi + 2 phi) q_i / S + B_i). ``metric`` is
    packed as in ``mesh.packed``; ``dragging`` (N, N, N, 4) holds a^2 B and an unused field. The derivative of B is
    simply that of its spline, because next to grad(phi) this term is only of third order.
    """
    n, q, splines = particles.grid, particles.momentum, Splines.of(particles)
    at = splines.gather(metric)
    pull = fall(q, at, step.a)
    for i in range(3):
        pull[i] += (n / step.a**2) * (q * splines.gather(dragging, along=i)[:3]).sum(0)
    q.mul_(step.keep).sub_(pull, alpha=step.kick)
    phi, psi = at[METRIC_PHI], at[METRIC_PSI]
    energy = torch.sqrt(step.a_half**2 + torch.exp(2 * phi) * (q**2).sum(0))
    velocity = torch.exp(psi + 2 * phi) * q / energy + splines.gather(dragging)[:3] / step.a_half**2
    particles.displacement += step.drift * n * velocity


def fall(q: Tensor, at: Tensor, a: float) -> Tensor:
    """-dq/dtau without frame dragging, (3, P), in the metric ``at`` (8, P) the particles.

    e^psi [S grad(psi) + e^(2 phi) q^2 grad(phi) / S] with S^2 = a^2 + e^(2 phi) q^2, exact in phi and psi.
    """
    squared = torch.exp(2 * at[METRIC_PHI]) * (q**2).sum(0)
    energy = torch.sqrt(a**2 + squared)
    slopes = energy * at[D_PSI : D_PSI + 3] + squared / energy * at[D_PHI : D_PHI + 3]
    return torch.exp(at[METRIC_PSI]) * slopes
