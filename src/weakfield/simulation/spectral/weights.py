"""Weights of kicks, drifts and the clock of phi that are exact for growth of first and second order."""

from __future__ import annotations

from functools import cached_property, lru_cache, partial

from weakfield.cosmology import Background
from weakfield.cosmology.growth import growth_from_early, growth_rate, second_order_displacement
from weakfield.mesh.kernels.contract import Extrapolation, WeightedStep
from weakfield.simulation.clock import Clock


class Growth:
    """The growing mode D, its rate, and D / a at a scale factor; derivatives are in conformal time, code units."""

    def __init__(self, background: Background, a: float) -> None:
        z, hubble = 1.0 / a - 1.0, background.conformal_hubble(a)
        self.D = float(growth_from_early(background.cosmology, z))
        self.rate = float(growth_rate(background.cosmology, z)) * hubble * self.D
        #: a D', whose derivative is (3/2) H0^2 Omega_cb D for dust
        self.momentum = a * self.rate
        self.force = background.four_pi_G * background.cosmology.Omega_cb * self.D
        #: how phi evolves in linear theory, and its derivative
        self.potential = self.D / a
        self.potential_rate = self.rate / a - hubble * self.potential
        self._second = partial(second_order_displacement, background.cosmology, z)

    @cached_property
    def E(self) -> float:
        """Displacements are D psi_1 + E psi_2."""
        return self._second()[0]

    @property
    def E_slope(self) -> float:
        """dE/dD."""
        return self._second()[1]


def step(clock: Clock) -> WeightedStep:
    """The coming step of the particles, for q = a dx/dtau: exact for displacements D psi_1 + E psi_2 at any step.

    In terms of D the velocity is psi_1 + (dE/dD) psi_2 and the force D psi_1 + (E - D^2) psi_2. A kick makes
    alpha v + beta F of them, with the alpha and beta that take both orders from the mean velocity of the drift before
    to that of the drift to come (the idea of arXiv:2409.19049, there for a drift between two kicks).
    """
    now, ahead, behind = _at(clock, clock.a), _at(clock, clock.a_half), _at(clock, clock.a_half_before)
    beta = (_mean_slope(clock, clock.a, clock.a_next) - _slope_before(clock)) / (
        now.E - now.D**2 - now.D * _slope_before(clock)
    )
    alpha = 1.0 - beta * now.D
    return WeightedStep(
        keep=alpha * ahead.momentum / behind.momentum,
        kick=beta * now.D * ahead.momentum / now.force,
        drift=(_at(clock, clock.a_next).D - now.D) / ahead.rate,
        a=clock.a,
        a_half=clock.a_half,
    )


def _slope_before(clock: Clock) -> float:
    """dE/dD of the momenta before the kick: the mean over the drift before, or that of the start."""
    return _at(clock, clock.a).E_slope if clock.cycle == 0 else _mean_slope(clock, clock.a_before, clock.a)


def _mean_slope(clock: Clock, a: float, b: float) -> float:
    one, two = _at(clock, a), _at(clock, b)
    return (two.E - one.E) / (two.D - one.D)


def synchronisation(clock: Clock) -> float:
    """The weight of the kick that brings momenta from half a step ago to now, exact for linear growth."""
    now = _at(clock, clock.a)
    return (now.momentum - _at(clock, clock.a_half_before).momentum) / now.force


def past_potential(clock: Clock) -> tuple[float, float]:
    """Weights of phi and phi' of the start, in cycle 0, that give its potential one step ago.

    It is the g(start) u that u = phi / g had when D was as much smaller as it will grow in the first step.
    """
    now, step = _at(clock, clock.a), _at(clock, clock.a_next).D - _at(clock, clock.a).D
    return 1.0 + step * now.potential_rate / (now.potential * now.rate), -step / now.rate


def extrapolation(clock: Clock) -> tuple[Extrapolation, float]:
    """How to extrapolate phi, chi and phi' by one step, and the shift of k^2 that comes from the new phi'.

    u = phi / g with g = D / a is constant in linear theory and grows with D at second order. So u is extrapolated
    linearly in D, and du/dD is given by two-step backward differences in D, both exact at second order. In cycle 1
    the step before the start is that of ``past_potential``.
    """
    now, one = _at(clock, clock.a), _at(clock, clock.a_before)
    two = _at(clock, clock.a_before_that) if clock.cycle > 1 else None
    h, hubble = now.D - one.D, clock.hubble
    r = h / (one.D - two.D) if two else 1.0
    g, slope, g1, g2 = now.potential, now.potential_rate, one.potential, (two or one).potential
    c0 = (1.0 + 2.0 * r) / (1.0 + r)
    star = ((1.0 + r) / g1, -r / g2)
    past = ((1.0 + r) / g1, -(r**2) / (1.0 + r) / g2)
    difference = g * now.rate / h  # of phi' to the differences of u
    rate = tuple(difference * (c0 * s - p) + slope * s for s, p in zip(star, past, strict=True))
    ahead = Extrapolation(
        phi=(g * star[0], g * star[1]),
        chi=(1.0 + r, -r),
        rate=(rate[0], rate[1]),
        memory=(3.0 * hubble * difference * past[0], 3.0 * hubble * difference * past[1]),
    )
    return ahead, 3.0 * hubble * (c0 * now.rate / h + slope / g) + 3.0 * hubble**2


def _at(clock: Clock, a: float) -> Growth:
    return _growth(clock.background, a)


@lru_cache(maxsize=16)
def _growth(background: Background, a: float) -> Growth:
    """Cached: a cycle asks for the same few scale factors several times, and the next cycle for some of them again."""
    return Growth(background, a)
