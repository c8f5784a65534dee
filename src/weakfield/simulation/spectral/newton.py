"""Newtonian gravity on the spectral mesh (EQUATIONS 16.2)."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from weakfield.mesh import spectral
from weakfield.mesh.kernels.contract import Addition
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.newton import chi_in_kick
from weakfield.simulation.spectral import weights
from weakfield.simulation.spectral.stress import advance_chi_and_b
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe


class SpectralNewton:
    """k^2 phi = -4 pi G a^2 delta rho in N-body gauge, with weights exact for linear growth.

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
        u.kernels.paint_pcs(u.particles, None, scale, u.source, -u.mean_density)
        spectral.paint_shifted(u.kernels, u.particles, None, scale, -u.mean_density, u.shifted)
        factor = -u.background.four_pi_G / clock.a
        spectral.solve_potential(u.kernels, u.source, factor, 0.0, u.shifted, radiation(u, clock), u.phi_modes)
        if diagnostics:
            spectral.potential_fields(u.kernels, u.phi_modes, u.phi, u.gradient)
        spectral.pack_gradient(u.kernels, _falls_in(u, clock), u.vector)
        if diagnostics:
            particles = synchronised(u, weights.synchronisation(clock) * clock.a)
            u.kernels.project_pcs(particles, None, 0.0, clock.a, u.packed, -u.mean_density)
            advance_chi_and_b(u, clock, particles)

    def move(self, universe: Universe, clock: Clock) -> None:
        """Kick with the present field; drift with the scale factor half a step ahead."""
        u = universe
        assert isinstance(u, SpectralUniverse)
        u.kernels.kick_drift_newton_pcs(
            u.particles, u.vector, weights.kick(clock) * clock.a, weights.drift(clock) / clock.a_half
        )


def radiation(u: SpectralUniverse, clock: Clock) -> Addition | None:
    """Modes of -a^3 T00 of the radiation while it acts, else ``None`` (EQUATIONS 9.1).

    In Newton they include the term that compensates for the gauge.
    """
    if u.radiation is None or not u.radiation.density_acts(clock.a):
        return None
    return u.radiation.density_modes(clock.a)


def synchronised(u: SpectralUniverse, weight: float) -> Particles:
    """The particles with momenta brought to the time of their positions."""
    pull = u.kernels.read_pcs(u.particles, u.vector)[:3]
    return replace(u.particles, momentum=u.particles.momentum - weight * pull)


def _falls_in(u: SpectralUniverse, clock: Clock) -> Tensor:
    assert u.phi_modes is not None
    if not chi_in_kick(u, clock.a):
        return u.phi_modes
    assert u.radiation is not None
    strength = u.radiation.chi_modes(clock.a)
    chi = u.kernels.add_realisation(*strength, u.phi_modes.new_zeros(u.phi_modes.shape))
    falls: Tensor = u.phi_modes - chi
    return falls
