"""What steps of finite length do wrong in linear theory with radiation, and the sources that put it right.

The weights of ``weights`` are exact for matter that falls in its own field. Linear radiation pulls it too, faster than
a step where photons stream freely, and the theories feel it through different terms: in steps of 0.2 / H a pair would
differ at first order, by several times relativity's own part. In linear theory every wavenumber is a small problem of
its own. It is solved in short steps of the same scheme. Then, in the steps of the run, two sources are found that make
phi and the displacements land on it: a density (GR), and a chi in the kick (both theories).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import TransferHistory
from weakfield.simulation.clock import Clock, cycles_until
from weakfield.simulation.linear_start import initial_spectra, pull_source, slip_source
from weakfield.simulation.radiation import RadiationSources
from weakfield.simulation.realisation import Source
from weakfield.simulation.spectral import weights

Array = npt.NDArray[np.float64]

#: the short steps, in units of 1 / H; what they leave of the error falls as their square
_SHORT = 0.0125


class _ShortClock(Clock):
    """The clock of a run with each of its first ``cycles`` steps cut into equal ones."""

    def __init__(self, run: RunSettings, background: Background, cycles: int) -> None:
        self.parts: list[int] = []  # of each step of the run
        steps: list[float] = []
        landings: list[float | None] = []
        whole = Clock(run, background)
        for _ in range(cycles):
            count = max(1, math.ceil(whole.step * whole.hubble / _SHORT))
            self.parts.append(count)
            steps += [whole.step / count] * count
            landings += [None] * (count - 1) + [whole.a_next]
            whole.advance()
        self._steps = (*steps, whole.step)
        super().__init__(run, background)
        self._plan = tuple((1.0, landing) for landing in landings)

    def _rule(self) -> float:
        return self._steps[self.cycle]


class LinearSteps:
    """The corrections of every cycle of a run, at the nodes of its transfer functions; those of all seeds are alike.

    Per unit primordial mode, with x = k L: particles are displaced by grad X / x^2, which gives them the contrast X,
    and their momentum is grad Y / x^2. X' = Y / a and Y' = -a x^2 (phi - chi). With the density r of all linear fields,
    Newton has x^2 phi = -(G4 / a) (Omega_cb X + r) and GR
    x^2 phi + 3 H phi' + 3 H^2 (phi - chi) = -(G4 / a) (Omega_cb (X + 3 phi) + r).
    """

    def __init__(self, run: RunSettings, background: Background, history: TransferHistory, last: float) -> None:
        """Solve linear theory until the run reaches redshift ``last``."""
        self.gr, self.matter, self.background = run.theory == "gr", run.cosmology.Omega_cb, background
        self._run, self.radiation = run, RadiationSources(run, background, history)
        a = 1.0 / (1.0 + run.simulation.initial_redshift)
        self.x2 = (history.at(a).k_hmpc * run.simulation.box_size_mpch) ** 2
        self._start(history, a)
        cycles = cycles_until(run, background, last)
        self._density: list[Array] = []
        self._chi: list[Array] = []
        self._compare(*self._exact(cycles))

    def density(self, cycle: int, a: float) -> Source | None:
        """What is added to the density -a^3 T00 of the radiation in this cycle; nothing is in Newton."""
        return self.radiation.spline(a, self._density[cycle]) if self.gr and cycle < len(self._density) else None

    def chi(self, cycle: int, a: float) -> Source | None:
        """What is added to chi where particles are kicked in this cycle; nothing after the last output."""
        return self.radiation.spline(a, self._chi[cycle]) if 0 <= cycle < len(self._chi) else None

    def _start(self, history: TransferHistory, a: float) -> None:
        """X, Y, phi and phi' of the initial conditions, as they are realised."""
        run, x2, x = self._run, self.x2, np.sqrt(self.x2)
        hubble, pull = self.background.conformal_hubble(a), self.background.four_pi_G / a
        functions, spectra = history.at(a), initial_spectra(run, self.background, history)
        self.contrast, speed = (
            _mean([source(x) for source in kinds]) for kinds in (spectra.displacement, spectra.velocity)
        )
        self.momentum, self.phi = -speed, spectra.potential(x) / x2
        slip, radiation = slip_source(run, functions)(x), self.density_of_radiation(a)
        self.rate = pull_source(run, self.background, functions)(x) - hubble * (self.phi - slip)
        if run.simulation.start == "growing-mode":  # particles are placed to fit phi
            demanded = -x2 * self.phi
            if self.gr:
                demanded -= 3.0 * hubble**2 * (self.phi - slip) + 3.0 * hubble * self.rate
            self.contrast = (demanded / pull - radiation) / self.matter - (3.0 * self.phi if self.gr else 0.0)
        elif self.gr:  # phi is made to fit the particles
            source = pull * (self.matter * self.contrast + radiation) - 3.0 * hubble**2 * slip
            self.phi = -(source + 3.0 * hubble * self.rate) / (x2 + 3.0 * pull * self.matter + 3.0 * hubble**2)

    def _exact(self, cycles: int) -> tuple[list[Array], list[Array]]:
        """X and phi at the beginning of each cycle of the run, from short steps."""
        clock = _ShortClock(self._run, self.background, cycles)
        scheme, contrast, momentum = _Scheme(self, clock), self.contrast, self.momentum
        begins, found = set(np.cumsum([0, *clock.parts])), ([contrast], [self.phi])
        while clock.cycle < sum(clock.parts):
            step = weights.step(clock)
            momentum = step.keep * momentum - step.kick * clock.a * self.x2 * scheme.falls_in
            contrast = contrast + step.drift / clock.a_half * momentum
            clock.advance()
            scheme.keep(scheme.solved(clock, contrast), clock.a)
            if clock.cycle in begins:
                found[0].append(contrast)
                found[1].append(scheme.phi)
        return found

    def _compare(self, contrasts: list[Array], potentials: list[Array]) -> None:
        """Take the steps of the run from exact X and phi to exact X and phi, and note what this takes."""
        clock = Clock(self._run, self.background)
        scheme, momentum = _Scheme(self, clock), self.momentum
        for cycle, phi in enumerate(potentials):
            self._density.append(np.zeros_like(phi))
            if cycle > 0:
                clock.advance()
                error = scheme.solved(clock, contrasts[cycle]) - phi
                self._density[-1] += error * scheme.operator * clock.a / self.background.four_pi_G
                scheme.keep(phi, clock.a)
            if cycle + 1 < len(potentials):
                step = weights.step(clock)
                needed = (contrasts[cycle + 1] - contrasts[cycle]) * clock.a_half / step.drift
                falls_in = (step.keep * momentum - needed) / (step.kick * clock.a * self.x2)
                self._chi.append(scheme.falls_in - falls_in)
                momentum = needed

    def density_of_radiation(self, a: float) -> Array:
        """r at scale factor ``a``."""
        return self.radiation.density(a) if self.radiation.density_acts(a) else np.zeros_like(self.x2)

    def chi_of_radiation(self, a: float) -> Array:
        """chi at scale factor ``a``."""
        return self.radiation.chi(a) if self.radiation.chi_acts(a) else np.zeros_like(self.x2)


class _Scheme:
    """phi of linear theory by the rules of the run, from cycle to cycle."""

    def __init__(self, theory: LinearSteps, clock: Clock) -> None:
        self._of = theory
        self.phi = theory.phi
        self._chi = theory.chi_of_radiation(clock.a)
        of_phi, of_rate = weights.past_potential(clock)
        self._past_phi, self._past_chi = of_phi * theory.phi + of_rate * theory.rate, self._chi
        self.operator = theory.x2  # what phi is multiplied by in the equation solved last

    @property
    def falls_in(self) -> Array:
        """phi - chi."""
        return self.phi - self._chi

    def solved(self, clock: Clock, contrast: Array) -> Array:
        """phi of this cycle, not kept yet."""
        of, pull, hubble = self._of, self._of.background.four_pi_G / clock.a, clock.hubble
        density = of.matter * contrast + of.density_of_radiation(clock.a)
        rest = np.zeros_like(contrast)
        if of.gr:
            ahead, shift = weights.extrapolation(clock)
            past = ((self.phi, self._chi), (self._past_phi, self._past_chi))
            phi, chi, memory = (
                pair[0] * past[0][field] + pair[1] * past[1][field]
                for pair, field in ((ahead.phi, 0), (ahead.chi, 1), (ahead.memory, 0))
            )
            density = density + 3.0 * of.matter * phi
            rest, self.operator = 3.0 * hubble**2 * chi + memory, of.x2 + shift
        found: Array = (rest - pull * density) / self.operator
        return found

    def keep(self, phi: Array, a: float) -> None:
        """Make ``phi`` that of the present cycle."""
        self._past_phi, self._past_chi = self.phi, self._chi
        self.phi, self._chi = phi, self._of.chi_of_radiation(a)


def _mean(kinds: list[Array]) -> Array:
    """Of all particles; with hybrid baryons every eighth is of the second kind."""
    return kinds[0] if len(kinds) == 1 else (7.0 * kinds[0] + kinds[1]) / 8.0
