"""chi and frame dragging on the spectral mesh, from the stress of the particles and of phi (EQUATIONS 16.2)."""

from __future__ import annotations

from torch import Tensor

from weakfield.cosmology import Background
from weakfield.mesh import spectral
from weakfield.mesh.kernels.contract import Dragging, Kernels
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.spectral.universe import SpectralUniverse


def stress_factor(u: SpectralUniverse, a: float) -> float:
    """2 G4 / a, which turns T_ij into its contribution to S_ij."""
    return 2.0 * u.background.four_pi_G / a


def advance_chi_and_b(u: SpectralUniverse, clock: Clock, particles: Particles, vector: bool = True) -> None:
    """chi and a^2 B of this cycle from T_ij in ``u.packed`` and ``u.gradient``; B by a trapezoid or the constraint.

    The momenta of ``particles`` belong to the present time; only the constraint needs them.
    """
    assert u.chi_modes is not None
    acts = u.radiation is not None and u.radiation.chi_acts(clock.a)
    addition = u.radiation.chi_modes(clock.a) if u.radiation is not None and acts else None
    parabolic = vector and u.run.simulation.vector_method == "parabolic"
    half = 0.5 * clock.a**2
    b = Dragging(u.b_modes, half * clock.previous_step, half * clock.step, u.b_now) if parabolic else None
    spectral.solve_stress(u.kernels, u.packed, u.gradient, stress_factor(u, clock.a), addition, u.chi_modes, u.chi, b)
    if vector and not parabolic:
        u.b_now.copy_(constrained_b(u.background, u.kernels, particles))
        u.b_modes.copy_(u.b_now)


def constrained_b(
    background: Background, kernels: Kernels, particles: Particles, metric: Tensor | None = None
) -> Tensor:
    """Modes of a^2 B = 4 G4 (T0_i)^transverse / k^2, from the momenta of the particles (EQUATIONS 5.3)."""
    n = particles.grid
    momentum = kernels.project_t0i_pcs(particles, metric, particles.momentum.new_empty((3, n, n, n)))
    return spectral.transverse(spectral.modes_of(momentum, windowed=True), 4.0 * background.four_pi_G)
