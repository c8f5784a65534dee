"""Weak-field general relativity in Poisson gauge, phi advanced by backward Euler (EQUATIONS 5.1 to 5.3, 6)."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.mesh.kernels.contract import Poisson, Step
from weakfield.mesh.particles import Particles
from weakfield.mesh.solvers import kick_drift_gr, solve_potential
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import project, solve_b_elliptic, solve_chi_and_b
from weakfield.simulation.neutrino_motion import SubStep, move_neutrinos
from weakfield.simulation.universe import Universe


class Relativity:
    """phi, chi and B, which move the particles, advanced in time as the reference program advances them."""

    name = "gr"

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool = True) -> None:
        """phi, chi and B of this cycle; phi of cycle 0 is that of the initial conditions."""
        u = universe
        project(u, clock.a, u.phi)
        if u.run.simulation.vector_method == "elliptic":
            solve_b_elliptic(u, [one.particles for one in u.species if one.in_momentum(clock.a)])
        if clock.previous_step > 0:
            self._advance_phi(u, clock)
        else:
            u.sum_t00()
        solve_chi_and_b(u, clock, clock.previous_step)

    def _advance_phi(self, u: Universe, clock: Clock) -> None:
        """EQUATIONS 5.1: (1+2phi) lap phi - 3H phi' - 3H^2 (phi-chi) - (grad phi)^2/2 = -4 pi G a^2 (T00 - mean)."""
        memory = 3.0 * clock.hubble / clock.previous_step
        solve_phi(u, clock, u.phi, u.chi, past=u.phi, memory=memory, shift=memory, implicit=False)

    def move(self, universe: Universe, clock: Clock) -> None:
        """Kick and drift; frame dragging, and the metric in the drift, act only below the relaxation redshift."""
        u, settings = universe, universe.run.simulation
        relaxed = 1.0 + (
            settings.initial_redshift if settings.relaxation_redshift is None else settings.relaxation_redshift
        )
        step = Step(
            clock.a,
            clock.a_half,
            clock.kick,
            clock.step,
            second_order=settings.second_order_terms,
            kick_dragging=1.0 / clock.a < relaxed,
            drift_metric=1.0 / clock.a_half < relaxed,
        )
        move_neutrinos(u, clock, self._move_part(u, step.kick_dragging))
        for one in u.cold:
            kick_drift_gr(u.kernels, one.particles, u.phi, u.chi, u.b, u.packed, step)

    def _move_part(self, u: Universe, dragging: bool) -> SubStep:
        """A sub-step of neutrinos in the fields of this cycle; phi and chi act in the drift whether B does or not."""
        b = u.b if dragging or not u.neutrinos else torch.zeros_like(u.b)

        def move(particles: Particles, a: float, a_half: float, kick: float, drift: float) -> None:
            second = u.run.simulation.second_order_terms
            step = Step(a, a_half, kick, drift, second, kick_dragging=dragging, drift_metric=True)
            kick_drift_gr(u.kernels, particles, u.phi, u.chi, b, u.packed, step)

        return move


def radiation_density(u: Universe, a: float) -> Tensor | None:
    """-a^3 T00 of the radiation if it is part of the source of phi now, else ``None`` (EQUATIONS 9.1).

    It takes the place of a component of B of the previous cycle.
    """
    if u.radiation is None or not u.radiation.density_acts(a):
        return None
    return u.radiation.density(a, u.phi.dtype, u.modes[0], u.divergence[1])


def solve_phi(
    u: Universe, clock: Clock, phi: Tensor, chi: Tensor, past: Tensor, memory: float, shift: float, implicit: bool
) -> None:
    """u.phi = -FT{S}/(K + shift) with S made of ``phi``, ``chi`` and T00 in ``u.packed`` (EQUATIONS 5.1, 15.2)."""
    dx2 = 1.0 / u.n**2
    u.kernels.phi_source(
        u.packed,
        radiation_density(u, clock.a),
        phi,
        chi,
        past,
        u.background.four_pi_G * dx2 / clock.a,
        3.0 * clock.hubble**2 * dx2,
        memory * dx2,
        implicit,
        u.run.simulation.second_order_terms,
        u.divergence[0],
        u.t00_sums,
    )
    equation = Poisson(-1.0 / (dx2 * u.n**3), shift, clear_zero_mode=False)
    u.phi_mean = solve_potential(u.kernels, u.divergence[0], u.modes[0], u.lattice, equation, u.phi)
