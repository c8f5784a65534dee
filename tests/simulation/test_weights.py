"""The clock of the spectral mesh follows growth of first and second order exactly, in steps of any length."""

from __future__ import annotations

import pytest

from helpers.spectral_runs import DUST, spectral_run
from weakfield.config import CosmologySettings
from weakfield.cosmology import Background
from weakfield.simulation.clock import Clock
from weakfield.simulation.spectral import weights
from weakfield.simulation.spectral.weights import Growth

COSMOLOGIES = {"dust and Lambda": DUST, "with radiation": CosmologySettings()}


@pytest.fixture(params=COSMOLOGIES)
def clock(request: pytest.FixtureRequest) -> Clock:
    """Ten steps of 0.3 Hubble times, some of them shortened by outputs."""
    cosmology = COSMOLOGIES[request.param]
    run = spectral_run("gr", cosmology=cosmology, step_limit_hubble=0.3, snapshot_redshifts=(40.0, 10.0, 3.0))
    return Clock(run, Background(cosmology, run.simulation.box_size_mpch))


def test_particles_follow_first_and_second_order(clock: Clock) -> None:
    """x = D one + E two, pulled by D one + (E - D^2) two: what second-order Lagrangian theory says of a force."""
    one, two, now = 0.7, -1.3, Growth(clock.background, clock.a)
    place, momentum = now.D * one + now.E * two, now.momentum * (one + now.E_slope * two)
    for _ in range(10):
        pull = -now.force / now.D * (now.D * one + (now.E - now.D**2) * two)
        step = weights.step(clock)
        momentum = step.keep * momentum - step.kick * pull
        place += step.drift / clock.a_half * momentum
        clock.advance()
        now = Growth(clock.background, clock.a)
        assert place == pytest.approx(now.D * one + now.E * two, rel=1e-9)


def test_phi_follows_first_and_second_order(clock: Clock) -> None:
    """phi = g (one + two D), whose phi' is known; from the phi' of the start alone in the first cycle."""
    one, two = 0.7, -30.0

    def phi(a: float) -> float:
        now = Growth(clock.background, a)
        return now.potential * (one + two * now.D)

    def rate(a: float) -> float:
        now = Growth(clock.background, a)
        return now.potential_rate * (one + two * now.D) + now.potential * two * now.rate

    of_phi, of_rate = weights.past_potential(clock)
    start, end = Growth(clock.background, clock.a), Growth(clock.background, clock.a_next)
    before = of_phi * phi(clock.a) + of_rate * rate(clock.a)
    assert before == pytest.approx(start.potential * (one + two * (2 * start.D - end.D)), rel=1e-12)
    for _ in range(10):
        clock.advance()
        ahead, shift = weights.extrapolation(clock)
        past = (phi(clock.a_before), before)
        assert sum(w * p for w, p in zip(ahead.phi, past, strict=True)) == pytest.approx(phi(clock.a), rel=1e-9)
        assert sum(w * p for w, p in zip(ahead.rate, past, strict=True)) == pytest.approx(rate(clock.a), rel=1e-9)
        # the equation of phi has 3 H phi' + 3 H^2 phi, of which the part of the past stands on the other side
        hubble, memory = clock.hubble, sum(w * p for w, p in zip(ahead.memory, past, strict=True))
        exact = 3 * hubble * rate(clock.a) + 3 * hubble**2 * phi(clock.a)
        assert shift * phi(clock.a) - memory == pytest.approx(exact, rel=1e-9)
        before = past[0]
