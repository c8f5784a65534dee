"""Newtonian gravity on the spectral mesh (EQUATIONS 16.2)."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from weakfield.mesh import spectral
from weakfield.mesh.kernels.contract import Addition
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.spectral import weights
from weakfield.simulation.spectral.stress import advance_chi_and_b
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe


class SpectralNewton:
    """k^2 phi = -4 pi G a^2 delta rho in N-body gauge, with weights exact for growth of first and second order.

    While linear radiation acts on chi, particles fall in phi minus the chi of the radiation. The chi sourced by the
    particles themselves is second-order and relativistic: unlike on the staggered mesh, here it moves no particle. chi
    and B are computed only if an output asks for them.
    """

    name = "newton"

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool) -> None:
        """phi of this cycle from the particles, and the gradient they fall along; chi and B if they are written.

        If chi and B are not written, phi stays as modes, because nothing reads it in real space.
        """
        u = universe
        assert isinstance(u, SpectralUniverse)
        assert u.phi_modes is not None
        scale = u.particles.mass * u.n**3
        u.kernels.paint_pcs(u.particles, None, scale, u.source, -u.projected_mean(clock.a))
        spectral.paint_shifted(u.kernels, u.particles, None, scale, -u.projected_mean(clock.a), u.shifted)
        factor = -u.background.four_pi_G / clock.a
        spectral.solve_potential(u.kernels, u.source, factor, 0.0, u.shifted, radiation(u, clock), u.phi_modes)
        if diagnostics:
            spectral.potential_fields(u.kernels, u.phi_modes, u.phi, u.gradient)
        spectral.pack_gradient(u.kernels, _falls_in(u, clock), u.vector)
        if diagnostics:
            particles = synchronised(u, weights.synchronisation(clock) * clock.a)
            u.kernels.project_pcs(particles, None, 0.0, clock.a, u.packed, -u.projected_mean(clock.a))
            advance_chi_and_b(u, clock, particles)

    def move(self, universe: Universe, clock: Clock) -> None:
        """Kick with the present field; drift with the scale factor half a step ahead."""
        u = universe
        assert isinstance(u, SpectralUniverse)
        step = weights.step(clock)
        in_newton = step._replace(kick=step.kick * clock.a, drift=step.drift / clock.a_half)
        u.kernels.kick_drift_newton_pcs(u.particles, u.vector, in_newton)


def radiation(u: SpectralUniverse, clock: Clock) -> Addition | None:
    """Modes of -a^3 T00 of the radiation while it acts (EQUATIONS 9.1), and what the step needs; ``None`` for nothing.

    In Newton they include the term that compensates for the gauge.
    """
    found = u.radiation.density_strength(clock.a) if u.radiation and u.radiation.density_acts(clock.a) else None
    needed = u.linear_steps.density(clock.cycle, clock.a) if u.linear_steps else None
    if needed is not None:
        strength = u.realisation.strength(needed)
        found = strength if found is None else found + strength
    return None if found is None else u.realisation.addition(found)


def synchronised(u: SpectralUniverse, weight: float) -> Particles:
    """The particles with momenta brought to the time of their positions."""
    pull = u.kernels.read_pcs(u.particles, u.vector)[:3]
    return replace(u.particles, momentum=u.particles.momentum - weight * pull)


def _falls_in(u: SpectralUniverse, clock: Clock) -> Tensor:
    """Modes of the potential in which particles fall: phi - chi of the radiation, and what the step needs."""
    assert u.phi_modes is not None
    chi = u.radiation.chi_strength(clock.a) if u.radiation and u.radiation.chi_acts(clock.a) else None
    needed = u.linear_steps.chi(clock.cycle, clock.a) if u.linear_steps else None
    if needed is not None:
        strength = u.realisation.strength(needed)
        chi = strength if chi is None else chi + strength
    return u.phi_modes if chi is None else u.realisation.add(u.phi_modes.clone(), chi, -1.0)
