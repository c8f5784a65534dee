"""Time: the scale factor of each cycle and the step rule (PHYSICS 2)."""

from __future__ import annotations

from weakfield.config import RunSettings
from weakfield.cosmology import Background


class Clock:
    """Conformal time and scale factor, in steps of min(Courant factor x dx, limit / H(a))."""

    def __init__(self, run: RunSettings, background: Background) -> None:
        self.background = background
        self._courant = run.simulation.courant_factor / run.simulation.grid
        self._limit = run.simulation.step_limit_hubble
        self.cycle = 0
        self.a = 1.0 / (1.0 + run.simulation.initial_redshift)
        self.tau = background.particle_horizon(self.a)
        self.previous_step = 0.0
        self.step = self._rule()

    @property
    def redshift(self) -> float:
        return 1.0 / self.a - 1.0

    @property
    def hubble(self) -> float:
        """Conformal Hubble rate now, in units of 1 / box."""
        return self.background.conformal_hubble(self.a)

    @property
    def kick(self) -> float:
        """Half of the step before and half of the coming one: momenta live at half steps."""
        return 0.5 * (self.step + self.previous_step)

    @property
    def a_half(self) -> float:
        """Scale factor half a step ahead."""
        return self.background.rk4_step(self.a, 0.5 * self.step)

    @property
    def a_next(self) -> float:
        """Scale factor a whole step ahead: two Runge-Kutta steps, as the motion takes them."""
        return self.background.rk4_step(self.a_half, 0.5 * self.step)

    def advance(self) -> None:
        """Go one step on."""
        self.a = self.a_next
        self.tau += self.step
        self.previous_step, self.step = self.step, self._rule()
        self.cycle += 1

    def passed(self, redshift: float, ahead: bool = False) -> bool:
        """Whether the redshift lies behind now (or, ``ahead``, after the coming step)."""
        return 1.0 / (self.a_next if ahead else self.a) < redshift + 1.0

    def _rule(self) -> float:
        return min(self._courant, self._limit / self.background.conformal_hubble(self.a))


def cycles_until(run: RunSettings, background: Background, redshift: float) -> int:
    """How many cycles a run takes to reach a redshift."""
    clock = Clock(run, background)
    while not clock.passed(redshift):
        clock.advance()
    return clock.cycle
