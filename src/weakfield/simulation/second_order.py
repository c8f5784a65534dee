"""Both theories with a second-order clock: the fields of a cycle belong to the time of that cycle (EQUATIONS 15).

Momenta live half a step earlier than positions. Here they are brought to the time of the fields before they are
projected, phi and chi in the sources are extrapolated, phi' is taken from a two-step formula and B from the trapezoid
rule.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from weakfield.cosmology import amplitude
from weakfield.cosmology.splines import natural_spline
from weakfield.cosmology.transfer import of_the_start
from weakfield.mesh.kernels.contract import Poisson
from weakfield.mesh.particles import Particles
from weakfield.mesh.solvers import solve_potential
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import project, solve_b_elliptic, solve_chi_and_b
from weakfield.simulation.newton import Newton, chi_in_kick, solve_poisson
from weakfield.simulation.realisation import Source
from weakfield.simulation.relativity import Relativity, radiation_density, solve_phi
from weakfield.simulation.universe import Universe

_CONSTRAINT_ITERATIONS = 2


class SecondOrderRelativity(Relativity):
    """General relativity by the six steps of EQUATIONS 15."""

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool = True) -> None:
        """phi, chi and B of this cycle to second order in the step."""
        u = universe
        weight = 0.5 * clock.previous_step * clock.a
        if clock.cycle == 0:
            potential = u.phi
            self._constrain(u, clock)
            project(u, clock.a, u.phi)
        else:
            ratio = clock.previous_step / clock.step_before if clock.cycle > 1 else 0.0
            phi, chi = u.extrapolated(ratio)
            potential = phi - chi
            project(u, clock.a, phi, potential, weight)
            self._advance(u, clock, phi, chi, ratio)
        if u.run.simulation.vector_method == "elliptic":
            solve_b_elliptic(u, synchronised(u, potential, weight))
        solve_chi_and_b(u, clock, 0.5 * clock.previous_step, 0.5 * clock.step)

    def _advance(self, u: Universe, clock: Clock, phi: Tensor, chi: Tensor, ratio: float) -> None:
        """[K + 3 H c0 / h + 3 H^2] phi = -FT{...} with the two-step formula for phi'; backward Euler in cycle 1."""
        hubble, step = clock.hubble, clock.previous_step
        c0 = (1.0 + 2.0 * ratio) / (1.0 + ratio)
        past = u.phi
        if u.past_phi is not None:
            past = (1.0 + ratio) * u.phi - (ratio**2 / (1.0 + ratio)) * u.past_phi
        u.remember()
        memory = 3.0 * hubble / step
        solve_phi(u, clock, phi, chi, past, memory, memory * c0 + 3.0 * hubble**2, implicit=True)

    def _constrain(self, u: Universe, clock: Clock) -> None:
        """phi of cycle 0 from the Hamiltonian constraint, given the particles as they are (EQUATIONS 15, step 6).

        The phi of the initial conditions is not the phi of the particles on the mesh; if they were kicked with it, they
        would start with a first-order error that no integrator cures.
        """
        shift = 3.0 * u.background.four_pi_G * u.mean_density / clock.a
        dx2, velocity = 1.0 / u.n**2, _velocity_source(u, clock.a)
        no_chi = torch.zeros_like(u.phi)
        for _ in range(_CONSTRAINT_ITERATIONS):
            project(u, clock.a, u.phi)
            u.kernels.phi_source(
                u.packed,
                radiation_density(u, clock.a),
                u.phi,
                no_chi,
                u.phi,
                u.background.four_pi_G * dx2 / clock.a,
                0.0,
                shift * dx2,
                True,
                u.run.simulation.second_order_terms,
                u.divergence[0],
                u.t00_sums,
            )
            factor = -1.0 / (dx2 * u.n**3)
            momentum = u.realisation.addition(velocity, 1.0 / factor)
            equation = Poisson(factor, shift, clear_zero_mode=True, addition=momentum)
            solve_potential(u.kernels, u.divergence[0], u.modes[0], u.lattice, equation, u.phi)


class SecondOrderNewton(Newton):
    """Newtonian gravity, whose phi is already second order in the step, with chi and B to match."""

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool) -> None:
        """phi of this cycle; where chi and B are needed, they follow from momenta brought to the same time."""
        u = universe
        solve_poisson(u, clock)
        if diagnostics or chi_in_kick(u, clock.a):
            potential = u.phi - u.chi if chi_in_kick(u, clock.a) else u.phi
            weight = 0.5 * clock.previous_step * clock.a
            if diagnostics and u.run.simulation.vector_method == "elliptic":
                solve_b_elliptic(u, synchronised(u, potential, weight))
            project(u, clock.a, u.phi, potential, weight)
            solve_chi_and_b(u, clock, 0.5 * clock.previous_step, 0.5 * clock.step, vector=diagnostics)


def synchronised(u: Universe, potential: Tensor, weight: float) -> list[Particles]:
    """The particles of each species with momenta q* = q - weight grad(potential), at the time of the positions."""
    all_particles = [one.particles for one in u.species]
    if weight == 0.0:
        return all_particles
    return [_pulled(u, particles, potential, weight) for particles in all_particles]


def _pulled(u: Universe, particles: Particles, potential: Tensor, weight: float) -> Particles:
    gradient = u.kernels.gradient(particles, potential)
    return replace(particles, momentum=torch.sub(particles.momentum, gradient, alpha=weight * u.n, out=gradient))


def _velocity_source(u: Universe, a: float) -> Source:
    """S of A 3 H (H^2 - H') theta_tot / x^2, the momentum part of the constraint."""
    f = of_the_start(u.history).at(a)
    box, cosmology = u.run.simulation.box_size_mpch, u.run.cosmology
    x = f.k_hmpc * box
    theta = f.column("theta", "tot") * (box / cosmology.h)
    strength: np.ndarray = amplitude(cosmology, box, x) * u.background.velocity_source_coefficient(a) * theta / x**2
    return natural_spline(x, strength, f.source)
