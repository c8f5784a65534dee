"""Time: the scale factor of each cycle and the step rule (EQUATIONS 2)."""

from __future__ import annotations

from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.simulation.bounds import require_clock
from weakfield.simulation.schedule import landing_factors

#: how close to a redshift counts as having reached it, where steps land on it exactly
_LANDED = 1e-12


class Clock:
    """Conformal time and scale factor, in steps of min(Courant factor x dx, limit / H(a)).

    With exact redshifts, the steps before an output are shortened evenly so that they land on it.
    """

    def __init__(self, run: RunSettings, background: Background) -> None:
        settings = run.simulation
        require_clock(settings, run.cosmology)
        self.background = background
        self._courant = settings.courant_factor / settings.grid
        self._limit = settings.step_limit_hubble
        self.exact = settings.exact_redshifts
        restart = settings.restart_cycle
        #: the cycle in which this run begins; one after that in which the run it goes on with was left
        self.first = self.cycle = 0 if restart is None else restart + 1
        self.a = 1.0 / (1.0 + settings.initial_redshift)
        self.tau = settings.restart_tau or background.particle_horizon(self.a)
        self._plan: tuple[tuple[float, float | None], ...] = ()
        if self.exact:
            # on the spectral mesh on observers too, whose tables of linear fields end today
            seen = [cone.redshift for cone in run.lightcone.cones] if settings.mesh == "spectral" else []
            outputs = {1.0 / (1.0 + z) for z in (*settings.snapshot_redshifts, *settings.spectra_redshifts, *seen)}
            targets = tuple(sorted(a for a in outputs if a > self.a * (1.0 + _LANDED)))
            self._plan = landing_factors(
                run.cosmology, settings.box_size_mpch, self._courant, self._limit, self.a, targets
            )
        self.step_before = 0.0
        self.previous_step = 0.0 if restart is None else settings.particle_step
        # scale factors of the previous cycle, of the one before that, and halfway from the previous cycle to this one
        self.a_before = self.a_before_that = self.a_half_before = self.a
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
        """Half of the previous step plus half of the coming one: momenta live at half steps."""
        return 0.5 * (self.step + self.previous_step)

    @property
    def a_half(self) -> float:
        """Scale factor half a step ahead."""
        return self.background.rk4_step(self.a, 0.5 * self.step)

    @property
    def a_next(self) -> float:
        """Scale factor a whole step ahead, by two Runge-Kutta steps, as in the motion of particles."""
        done = self.cycle - self.first
        landing = self._plan[done][1] if done < len(self._plan) else None
        return landing if landing is not None else self.background.rk4_step(self.a_half, 0.5 * self.step)

    def advance(self) -> None:
        """Go forward by one step."""
        self.a_before, self.a_before_that, self.a_half_before = self.a, self.a_before, self.a_half
        self.a = self.a_next
        self.tau += self.step
        self.cycle += 1
        self.step_before, self.previous_step, self.step = self.previous_step, self.step, self._rule()

    def passed(self, redshift: float, ahead: bool = False) -> bool:
        """Whether the redshift has been passed now (or, with ``ahead``, will be after the coming step)."""
        a = self.a_next if ahead else self.a
        if self.exact:
            return a * (1.0 + redshift) >= 1.0 - _LANDED
        return 1.0 / a < redshift + 1.0

    def _rule(self) -> float:
        step, done = min(self._courant, self._limit / self.background.conformal_hubble(self.a)), self.cycle - self.first
        return step * self._plan[done][0] if done < len(self._plan) else step


def cycles_until(run: RunSettings, background: Background, redshift: float) -> int:
    """How many cycles a run takes to reach a redshift."""
    clock = Clock(run, background)
    while not clock.passed(redshift):
        clock.advance()
    return clock.cycle
