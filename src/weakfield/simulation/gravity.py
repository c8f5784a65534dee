"""Field equations shared by both theories: stress, chi, B and h_ij (EQUATIONS 5.2 to 5.4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from weakfield.cosmology import Background
from weakfield.mesh import fft, solvers
from weakfield.mesh.kernels.contract import Dragging, Kernels
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.packed import T00
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.species import add_momentum
from weakfield.simulation.universe import Universe


def project(
    u: Universe, a: float, phi: Tensor, potential: Tensor | None = None, weight: float = 0.0, every: bool = False
) -> None:
    """T00 minus its mean, and T_ij, of the particles in the metric ``phi``, into ``u.packed`` (EQUATIONS 4).

    Neutrinos whose particles are not yet part of T00 leave their mean density there (EQUATIONS 18.4), unless ``every``
    species is to be projected. With a potential the momenta are q - weight grad(potential), brought to the time of the
    positions (EQUATIONS 15.1).
    """
    second = u.run.simulation.second_order_terms
    pulled = potential if weight else None
    u.kernels.project_stress_energy(u.particles, phi, pulled, weight, a, second, u.packed, -u.projected_mean(a))
    for one in u.others:
        density, stress = every or one.in_density(a), every or one.in_stress(a)
        if density or stress:
            added = u.kernels.project_stress_energy(
                one.particles, phi, pulled, weight, a, second, torch.empty_like(u.packed)
            )
            fields = slice(None if density else T00 + 1, None if stress else T00 + 1)  # T00 is the first of them
            u.packed[..., fields] += added[..., fields]


def solve_chi_and_b(u: Universe, clock: Clock, now: float, ahead: float = 0.0, vector: bool = True) -> None:
    """chi = phi - psi from S_ij with the present phi and, with ``vector``, Bhat (EQUATIONS 5.2, 5.3).

    The parabolic B is advanced by the time ``now`` at its present rate, which gives the B of this cycle, in ``u.b``;
    its modes are then advanced by ``ahead`` as well. There are four forward transforms instead of six, because the
    equations need only the trace of S_ij and its lattice divergence.
    """
    parabolic = u.run.simulation.vector_method == "parabolic"
    acts = u.radiation is not None and u.radiation.chi_acts(clock.a)
    addition = u.radiation.chi_modes(clock.a) if u.radiation is not None and acts else None
    u.kernels.stress_divergence(u.packed, u.phi, stress_factor(u, clock.a), u.divergence)
    b = None
    if vector and parabolic:
        b = Dragging(u.b_modes, parabolic_factor(u, clock.a, now), parabolic_factor(u, clock.a, ahead), u.b)
    solvers.solve_chi_and_b(u.kernels, u.divergence, u.modes, u.lattice, addition, u.chi, b)
    if vector and not parabolic:
        fft.backward(u.b_modes, u.n, out=u.b, normalised=False)


def stress_factor(universe: Universe, a: float) -> float:
    """2 G4 dx^2 / a, which turns T_ij into its contribution to S_ij."""
    return 2.0 * universe.background.four_pi_G / (a * universe.n**2)


def parabolic_factor(universe: Universe, a: float, dtau: float) -> float:
    """-2 a^2 dtau N: increment of Bhat per (W_i - kappa_i* D / K) / K, with W the lattice divergence of S_ij."""
    return -2.0 * a**2 * dtau * universe.n


def solve_b_elliptic(universe: Universe, particles: Sequence[Particles]) -> None:
    """B from the momentum constraint, T0_i of all ``particles`` projected with the present phi (EQUATIONS 5.3)."""
    u = universe
    fft.forward(momentum_density(u.kernels, particles, u.phi), out=u.b_modes)
    to_b(u.b_modes, u.kernels, u.background)


def momentum_density(kernels: Kernels, particles: Sequence[Particles], phi: Tensor) -> Tensor:
    """T0_i of all ``particles``, each one species, in the metric phi on the links, (3, N, N, N) (EQUATIONS 4)."""
    momentum = kernels.project_t0i(particles[0], phi, phi.new_empty((3, *phi.shape)))
    return add_momentum(kernels, particles[1:], phi, momentum)


def to_b(momentum_modes: Tensor, kernels: Kernels, background: Background) -> None:
    """Turn modes of T0_i (3, N, N, N//2+1) into those of Bhat = N a^2 B, in place (EQUATIONS 5.3).

    While particles still move as they started, the curl of their momentum is some thousand times smaller than the
    momentum itself, and is known to correspondingly fewer digits.
    """
    n = momentum_modes.shape[1]
    kernels.transverse_part(momentum_modes, Lattice(n), 4.0 * background.four_pi_G / n**2)


def tensor_modes(stress: Tensor, lattice: Lattice) -> Tensor:
    """The quasi-static h_ij, transverse and traceless, from S_ij (EQUATIONS 5.4).

    ``stress`` is (6, N, N, N) as ``stress_tensor`` gives it. Returns complex (6, N, N, N//2+1), whose unnormalised
    backward transform is h_ij, with diagonal components at the nodes and off-diagonal ones on the plaquettes.
    """
    n = lattice.n
    s_xx, s_xy, s_xz, s_yy, s_yz, s_zz = fft.forward(stress.double())
    s: dict[tuple[int, int], Tensor] = {
        (0, 0): s_xx,
        (0, 1): s_xy,
        (0, 2): s_xz,
        (1, 1): s_yy,
        (1, 2): s_yz,
        (2, 2): s_zz,
    }
    kappa = lattice.kappa(stress.device)
    k_i = [(c.abs() ** 2) for c in kappa]
    k = k_i[0] + k_i[1] + k_i[2]
    norm = torch.where(k > 0, 1.0 / (torch.where(k > 0, k, 1.0) ** 3 * n), 0.0)

    def component(i: int, j: int) -> Tensor:
        return s[min(i, j), max(i, j)]

    def diagonal(i: int) -> Tensor:
        j, m = (i + 1) % 3, (i + 2) % 3
        inner = (k_i[i] - k) * component(i, i) + 2 * kappa[i] * (
            kappa[j] * component(i, j) + kappa[m] * component(i, m)
        )
        return (
            (k_i[i] - k) * inner
            + ((k_i[i] + k) * (k_i[j] + k) - 2 * k * k) * component(j, j)
            + ((k_i[i] + k) * (k_i[m] + k) - 2 * k * k) * component(m, m)
            + 2 * (k_i[i] + k) * kappa[j] * kappa[m] * component(j, m)
        )

    def mixed(i: int, j: int) -> Tensor:
        m = 3 - i - j
        ci, cj = kappa[i].conj(), kappa[j].conj()
        return (
            2 * (k_i[i] - k) * (k_i[j] - k) * component(i, j)
            + (k_i[m] + k) * ci * cj * component(m, m)
            + (k_i[i] - k) * cj * (ci * component(i, i) + 2 * kappa[m] * component(i, m))
            + (k_i[j] - k) * ci * (cj * component(j, j) + 2 * kappa[m] * component(j, m))
        )

    parts = [diagonal(0), mixed(0, 1), mixed(0, 2), diagonal(1), mixed(1, 2), diagonal(2)]
    return torch.stack([part * norm for part in parts])
