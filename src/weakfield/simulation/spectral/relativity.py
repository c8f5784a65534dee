"""Weak-field general relativity on the spectral mesh, exact in phi and psi (EQUATIONS 16.2)."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from weakfield.mesh import spectral
from weakfield.mesh.kernels.reference.hamiltonian import hamiltonian
from weakfield.mesh.kernels.reference.pcs import fall
from weakfield.mesh.packed import T00
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.spectral import weights
from weakfield.simulation.spectral.newton import radiation
from weakfield.simulation.spectral.stress import advance_chi_and_b
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe

#: iterations of the constraint for a linear start; each gains a factor of about 1e4 in accuracy
_CONSTRAINT_ITERATIONS = 6


class SpectralRelativity:
    """phi by a clock in D for u = phi / g, chi and B from the stress; particles move in the full metric."""

    name = "gr"

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool = True) -> None:
        """phi, chi and B of this cycle; in cycle 0 phi is that of the start."""
        u = universe
        assert isinstance(u, SpectralUniverse)
        assert u.phi_modes is not None
        assert u.chi_modes is not None
        if clock.cycle == 0:
            self._begin(u, clock)
            metric, weight = u.metric, 0.0
        else:
            weight = weights.synchronisation(clock)
            metric = self._advance(u, clock, weight)
        elliptic = u.run.simulation.vector_method == "elliptic"
        particles = synchronised(u, metric, weight, clock.a) if elliptic else u.particles
        if clock.cycle > 0:
            u.turn_modes()
            spectral.solve_potential(u.kernels, u.source, -1.0, self._shift, None, None, u.phi_modes)
            u.phi_mean = u.phi_modes[0, 0, 0].real.clone()
            u.turn()
        spectral.potential_fields(u.kernels, u.phi_modes, u.phi, u.gradient)
        advance_chi_and_b(u, clock, particles)
        spectral.pack_vector(u.kernels, u.b_now, u.vector)
        if clock.cycle == 0:
            self._remember(u, clock)
        else:
            spectral.pack_metric(u.kernels, u.phi_modes, u.kicking_chi(u.chi_modes, clock.cycle, clock.a), u.metric)

    def move(self, universe: Universe, clock: Clock) -> None:
        """Kick and drift in phi, psi and B."""
        u = universe
        assert isinstance(u, SpectralUniverse)
        u.kernels.kick_drift_pcs(u.particles, u.metric, u.vector, weights.step(clock))

    def _advance(self, u: SpectralUniverse, clock: Clock, weight: float) -> Tensor:
        """Put the source of phi into ``u.source`` and T_ij into ``u.packed``; returns the extrapolated metric."""
        assert u.past_phi is not None
        assert u.past_chi is not None
        ahead, self._shift = weights.extrapolation(clock)
        metric: Tensor = u.kernels.extrapolate(u.metric, u.past_metric, ahead)
        project(u, clock, metric, weight)
        u.kernels.hamiltonian_source(
            u.source,
            u.phi,
            u.past_phi,
            u.chi,
            u.past_chi,
            u.gradient,
            u.past_gradient,
            ahead,
            u.background.four_pi_G / clock.a,
            clock.hubble,
            u.source,
        )
        return metric

    def _begin(self, u: SpectralUniverse, clock: Clock) -> None:
        """Cycle 0: phi and chi are those of the start; after a linear start, phi is first made to fit the particles."""
        assert u.phi_modes is not None
        assert u.chi_modes is not None
        if not u.matched:
            self._constrain(u, clock)
        spectral.pack_metric(u.kernels, u.phi_modes, u.chi_modes, u.metric)
        project(u, clock, u.metric, 0.0)

    def _remember(self, u: SpectralUniverse, clock: Clock) -> None:
        """Give the clock a step before the start, from the phi' of the start; chi is taken as it is."""
        assert u.phi_modes is not None
        assert u.chi_modes is not None
        assert u.rate_modes is not None
        of_phi, of_rate = weights.past_potential(clock)
        u.past_phi_modes = of_phi * u.phi_modes + of_rate * u.rate_modes
        u.rate_modes = None
        u.past_chi_modes = u.chi_modes.clone()
        u.fill(clock.cycle, clock.a, clock.a)

    def _constrain(self, u: SpectralUniverse, clock: Clock) -> None:
        """phi of a linear start from the Hamiltonian constraint with these particles (EQUATIONS 16.2, cycle 0).

        [k^2 + s] phi = -FT{R(phi*, chi, phi') - s phi*} with s = 3 G4 Omega / a + 3 H^2.
        """
        assert u.phi_modes is not None
        assert u.chi_modes is not None
        assert u.rate_modes is not None
        hubble, density = clock.hubble, u.background.four_pi_G / clock.a
        shift = 3.0 * density * u.projected_mean(clock.a) + 3.0 * hubble**2
        rate, chi = spectral.field_of(u.rate_modes, u.n), spectral.field_of(u.chi_modes, u.n)
        for _ in range(_CONSTRAINT_ITERATIONS):
            spectral.pack_metric(u.kernels, u.phi_modes, u.chi_modes, u.metric)
            project(u, clock, u.metric, 0.0)
            spectral.potential_fields(u.kernels, u.phi_modes, u.phi, u.gradient)
            curvature = 0.5 * (u.gradient**2).sum(0) + hamiltonian(u.source, u.phi, chi, rate, density, hubble)
            spectral.solve_potential(u.kernels, curvature - shift * u.phi, -1.0, shift, None, None, u.phi_modes)
            u.phi_modes[0, 0, 0] = 0


def project(u: SpectralUniverse, clock: Clock, metric: Tensor, weight: float) -> None:
    """T00 minus its mean, with radiation added and the window removed, into ``u.source``; T_ij into ``u.packed``."""
    u.kernels.project_pcs(u.particles, metric, weight, clock.a, u.packed, -u.projected_mean(clock.a), u.energies)
    spectral.paint_shifted(u.kernels, u.particles, u.energies, 1.0, -u.projected_mean(clock.a), u.shifted)
    spectral.contrast(u.kernels, u.packed[..., T00], u.shifted, radiation(u, clock), u.source, u.t00_sums)


def synchronised(u: SpectralUniverse, metric: Tensor, weight: float, a: float) -> Particles:
    """The particles with momenta brought to the time of their positions."""
    if weight == 0.0:
        return u.particles
    q = u.particles.momentum
    return replace(u.particles, momentum=q - weight * fall(q, u.kernels.read_pcs(u.particles, metric), a))
