"""Newtonian gravity on the expanding background (PHYSICS 5.5, 8)."""

from __future__ import annotations

from weakfield.mesh import fft
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import project_stress, solve_b_elliptic, solve_chi_and_b
from weakfield.simulation.universe import Universe


class Newton:
    """Laplace(phi) = 4 pi G a^2 delta rho. chi and B are diagnostics, computed only if an output asks for them."""

    name = "newton"

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool) -> None:
        """phi of this cycle from the particles; with ``diagnostics`` chi and the modes of B too."""
        u = universe
        u.kernels.paint(u.particles, None, u.particles.mass * u.n**3, u.source)
        if diagnostics:
            if u.run.simulation.vector_method == "elliptic":
                solve_b_elliptic(u)
            project_stress(u, clock.a)
        fft.forward(u.source, out=u.modes[0])
        poisson = -u.background.four_pi_G / (clock.a * u.n**3)
        u.kernels.divide_by_laplacian(u.modes[0], u.lattice, poisson, 0.0, True)
        fft.backward(u.modes[0], u.n, out=u.phi, normalised=False)
        if diagnostics:
            solve_chi_and_b(u, clock)

    def move(self, universe: Universe, clock: Clock) -> None:
        """Kick with the field now, drift with the scale factor half a step ahead."""
        universe.kernels.kick_drift_newton(
            universe.particles, universe.phi, clock.kick * clock.a, clock.step / clock.a_half
        )
