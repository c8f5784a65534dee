"""Weights of kicks and drifts that are exact for linear growth (EQUATIONS 16.2)."""

from __future__ import annotations

from functools import lru_cache

from weakfield.cosmology import Background
from weakfield.cosmology.growth import growth_from_early, growth_rate
from weakfield.mesh.kernels.contract import Extrapolation
from weakfield.simulation.clock import Clock


class Growth:
    """The growing mode D, its rate, and D / a at a scale factor; derivatives are in conformal time, code units."""

    def __init__(self, background: Background, a: float) -> None:
        z, hubble = 1.0 / a - 1.0, background.conformal_hubble(a)
        self.D = float(growth_from_early(background.cosmology, z))
        self.rate = float(growth_rate(background.cosmology, z)) * hubble * self.D
        #: a D', whose derivative is (3/2) H0^2 Omega_m D for dust
        self.momentum = a * self.rate
        self.force = background.four_pi_G * background.cosmology.Omega_m * self.D
        #: how phi evolves in linear theory, and its derivative
        self.potential = self.D / a
        self.potential_rate = self.rate / a - hubble * self.potential


def kick(clock: Clock) -> float:
    """[a D'(half a step ahead) - a D'(half a step ago)] / (a D')'; for small steps this is the step itself."""
    ahead, behind = _at(clock, clock.a_half), _at(clock, clock.a_half_before)
    return (ahead.momentum - behind.momentum) / _at(clock, clock.a).force


def drift(clock: Clock) -> float:
    """[D(next) - D(now)] / D'(half a step ahead)."""
    return (_at(clock, clock.a_next).D - _at(clock, clock.a).D) / _at(clock, clock.a_half).rate


def synchronisation(clock: Clock) -> float:
    """The weight of the kick that brings momenta from half a step ago to now."""
    now = _at(clock, clock.a)
    return (now.momentum - _at(clock, clock.a_half_before).momentum) / now.force


def extrapolation(clock: Clock) -> tuple[Extrapolation, float]:
    """How to extrapolate phi, chi and phi' by one step, and the shift of k^2 that comes from the new phi'.

    u = phi / g with g = D / a is constant in linear theory. u' is given by the two-step formula of EQUATIONS 15, which
    is of first order in cycle 1, where only one step is known.
    """
    h, hubble = clock.previous_step, clock.hubble
    r = h / clock.step_before if clock.cycle > 1 else 0.0
    now, one = _at(clock, clock.a), _at(clock, clock.a_before)
    g, slope, g1 = now.potential, now.potential_rate, one.potential
    g2 = _at(clock, clock.a_before_that).potential if clock.cycle > 1 else 1.0
    c0 = (1.0 + 2.0 * r) / (1.0 + r)
    star = ((1.0 + r) / g1, -r / g2)
    past = ((1.0 + r) / g1, -(r**2) / (1.0 + r) / g2)
    rate = tuple(g * (c0 * s - p) / h + slope * s for s, p in zip(star, past, strict=True))
    ahead = Extrapolation(
        phi=(g * star[0], g * star[1]),
        chi=(1.0 + r, -r),
        rate=(rate[0], rate[1]),
        memory=(3.0 * hubble / h * g * past[0], 3.0 * hubble / h * g * past[1]),
    )
    return ahead, 3.0 * hubble * (c0 / h + slope / g) + 3.0 * hubble**2


def _at(clock: Clock, a: float) -> Growth:
    return _growth(clock.background, a)


@lru_cache(maxsize=16)
def _growth(background: Background, a: float) -> Growth:
    """Cached: a cycle asks for the same few scale factors several times, and the next cycle for some of them again."""
    return Growth(background, a)
