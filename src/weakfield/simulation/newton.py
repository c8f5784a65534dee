"""Newtonian gravity on the expanding background (EQUATIONS 5.5, 8, 9)."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.mesh.kernels.contract import Poisson
from weakfield.mesh.particles import Particles
from weakfield.mesh.solvers import solve_potential
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import project, solve_b_elliptic, solve_chi_and_b
from weakfield.simulation.neutrino_motion import move_neutrinos
from weakfield.simulation.species import add_density
from weakfield.simulation.universe import Universe


class Newton:
    """Laplace(phi) = 4 pi G a^2 delta rho in N-body gauge.

    chi enters the kick while linear radiation acts on it. Otherwise chi and B are diagnostics, computed only if an
    output asks for them.
    """

    name = "newton"

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool) -> None:
        """phi of this cycle from the particles; chi and the modes of B where they are needed."""
        u = universe
        needed = diagnostics or chi_in_kick(u, clock.a)
        if needed:
            if diagnostics and u.run.simulation.vector_method == "elliptic":
                solve_b_elliptic(u, [one.particles for one in u.species if one.in_momentum(clock.a)])
            project(u, clock.a, u.phi)
        solve_poisson(u, clock)
        if needed:
            solve_chi_and_b(u, clock, clock.previous_step, vector=diagnostics)

    def move(self, universe: Universe, clock: Clock) -> None:
        """Kick with the present field; drift with the scale factor half a step ahead."""
        potential = kick_potential(universe, clock.a)

        def move(particles: Particles, a: float, a_half: float, kick: float, drift: float) -> None:
            universe.kernels.kick_drift_newton(particles, potential, kick * a, drift / a_half)

        move_neutrinos(universe, clock, move)
        for one in universe.cold:
            universe.kernels.kick_drift_newton(
                one.particles, potential, clock.kick * clock.a, clock.step / clock.a_half
            )


def solve_poisson(u: Universe, clock: Clock) -> None:
    """u.phi = -(G4 / a N^3) rho(k) / K, where rho includes radiation while it acts (EQUATIONS 5.5, 9.1)."""
    u.kernels.paint(u.particles, None, u.particles.mass * u.n**3, u.source, -u.projected_mean(clock.a))
    add_density(u.kernels, (one for one in u.others if one.in_density(clock.a)), u.source)
    radiates = u.radiation is not None and u.radiation.density_acts(clock.a)
    addition = u.radiation.density_modes(clock.a) if u.radiation is not None and radiates else None
    factor = -u.background.four_pi_G / (clock.a * u.n**3)
    equation = Poisson(factor, 0.0, clear_zero_mode=True, addition=addition)
    solve_potential(u.kernels, u.source, u.modes[0], u.lattice, equation, u.phi)


def chi_in_kick(u: Universe, a: float) -> bool:
    """Whether particles feel phi - chi instead of phi."""
    return u.radiation is not None and u.radiation.kicked_by_chi(a)


def kick_potential(u: Universe, a: float) -> Tensor:
    """The potential in which the particles fall: phi, or phi - chi while radiation acts on chi (EQUATIONS 8)."""
    return torch.sub(u.phi, u.chi, out=u.source) if chi_in_kick(u, a) else u.phi
