"""Weak-field general relativity in Poisson gauge (PHYSICS 5.1 to 5.3, 6)."""

from __future__ import annotations

from weakfield.mesh import fft
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import project_stress, solve_b_elliptic, solve_chi_and_b
from weakfield.simulation.universe import Universe


class Relativity:
    """phi, chi and B as sources of motion; phi advanced in time by backward Euler, as the reference program does."""

    name = "gr"

    def solve(self, universe: Universe, clock: Clock, diagnostics: bool = True) -> None:
        """phi, chi and B of this cycle; phi of cycle 0 is that of the initial conditions."""
        u, elliptic = universe, universe.run.simulation.vector_method == "elliptic"
        second_order = u.run.simulation.second_order_terms
        u.kernels.project_t00(u.particles, u.phi, clock.a, second_order, u.source)
        if elliptic:
            solve_b_elliptic(u)
        project_stress(u, clock.a)
        if clock.previous_step > 0:
            self._solve_phi(u, clock, second_order)
        solve_chi_and_b(u, clock)
        u.frame_dragging()

    def _solve_phi(self, u: Universe, clock: Clock, second_order: bool) -> None:
        """(1+2phi) Laplace(phi) - 3H phi' - 3H^2 (phi-chi) - (grad phi)^2 / 2 = -4 pi G a^2 (T00 - mean), PHYSICS 5.1."""
        dx2, hubble = 1.0 / u.n**2, clock.hubble
        memory = 3.0 * hubble / clock.previous_step
        u.kernels.phi_source(
            u.source, u.phi, u.chi, u.mean_density, u.background.four_pi_G * dx2 / clock.a,
            3.0 * hubble**2 * dx2, memory * dx2, second_order, u.divergence[0],
        )  # fmt: skip
        fft.forward(u.divergence[0], out=u.modes[0])
        u.kernels.divide_by_laplacian(u.modes[0], u.lattice, -1.0 / (dx2 * u.n**3), memory, False)
        u.phi_mean = float(u.modes[0, 0, 0, 0].real)
        fft.backward(u.modes[0], u.n, out=u.phi, normalised=False)

    def move(self, universe: Universe, clock: Clock) -> None:
        """Kick and drift; frame dragging and the metric in the drift act below the relaxation redshift only."""
        settings = universe.run.simulation
        relaxed = 1.0 + (
            settings.initial_redshift if settings.relaxation_redshift is None else settings.relaxation_redshift
        )
        universe.kernels.kick_drift_gr(
            universe.particles, universe.phi, universe.chi, universe.b, clock.a, clock.a_half, clock.kick, clock.step,
            settings.second_order_terms, 1.0 / clock.a < relaxed, 1.0 / clock.a_half < relaxed,
        )  # fmt: skip
