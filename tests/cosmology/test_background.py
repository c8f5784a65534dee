"""Background: golden numbers of EQUATIONS 2 and 12, and what must hold for any cosmology."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakfield.config import CosmologySettings
from weakfield.cosmology import Background

THESIS = CosmologySettings()
INITIAL = 1.0 / 101.0


def test_golden_numbers() -> None:
    background = Background(THESIS, 640.0)
    assert background.four_pi_G == pytest.approx(6.836121944393432e-2, rel=1e-15)
    # printed with 10 to 12 digits
    assert background.conformal_hubble(INITIAL) == pytest.approx(1.216126789169, rel=1e-12)
    assert background.conformal_hubble(INITIAL) / background.H0 == pytest.approx(5.6966506151, rel=1e-10)
    assert background.particle_horizon(INITIAL) == pytest.approx(1.4059122711, rel=1e-10)


@pytest.mark.parametrize(("grid", "box"), [(32, 640.0), (256, 5120.0)])
def test_scale_factors_of_the_reference_cycles(grid: int, box: float) -> None:
    expected = {
        0: 0.0099009901,
        1: 0.0103008760,
        2: 0.0107169172,
        18: 0.0201939495,
        40: 0.0482607178,
        47: 0.0636782646,
        56: 0.0909479534,
        72: 0.1714080311,
        98: 0.4809610429,
        99: 0.5005116219,
        116: 0.9900124252,
        117: 1.0308631017,
    }
    background = Background(THESIS, box)
    a = INITIAL
    for cycle in range(118):
        if cycle in expected:
            assert a == pytest.approx(expected[cycle], abs=6e-11)  # printed with ten decimals
        dtau = min(48.0 / grid, 0.04 / background.conformal_hubble(a))
        a = background.rk4_step(background.rk4_step(a, dtau / 2), dtau / 2)


def test_scalars_and_arrays_agree() -> None:
    background = Background(THESIS, 320.0)
    a = np.array([0.01, 0.5, 1.0])
    assert background.conformal_hubble(a).tolist() == [background.conformal_hubble(float(x)) for x in a]
    assert background.conformal_hubble(1.0) == pytest.approx(background.H0, rel=1e-15)


def test_einstein_de_sitter_has_closed_forms() -> None:
    eds = CosmologySettings(h=0.7, omega_b=0.0, omega_cdm=0.49, t_cmb_kelvin=0.0)
    background = Background(eds, 100.0)
    a = 0.25
    assert background.conformal_hubble(a) == pytest.approx(background.H0 / math.sqrt(a), rel=1e-14)
    # the lower limit of the integral, 1e-7 sqrt(a), leaves out 1e-7 of it
    assert background.particle_horizon(a) == pytest.approx(2.0 * math.sqrt(a) / background.H0, rel=2e-7)
    # H' = -H^2 / 2, so 3 H (H^2 - H') = 9/2 H^3
    assert background.velocity_source_coefficient(a) == pytest.approx(
        4.5 * background.conformal_hubble(a) ** 3, rel=1e-13
    )


def test_velocity_source_is_the_sum_over_species() -> None:
    # 3 H (H^2 - H') = 3 H * 4 pi G a^2 (rho + p); the difference has an error of 0.01^4
    background = Background(THESIS, 640.0)
    enthalpy = THESIS.Omega_m / INITIAL + 4.0 / 3.0 * THESIS.Omega_r / INITIAL**2
    expected = 3.0 * background.conformal_hubble(INITIAL) * background.four_pi_G * enthalpy
    assert background.velocity_source_coefficient(INITIAL) == pytest.approx(expected, rel=1e-7)


def test_runge_kutta_is_of_fourth_order() -> None:
    background = Background(THESIS, 640.0)
    exact = _advance(background, 1024)
    errors = [abs(_advance(background, steps) - exact) for steps in (4, 8, 16, 32)]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert slopes.min() > 3.6
    assert slopes.max() < 4.6


def _advance(background: Background, steps: int) -> float:
    a = 0.1
    for _ in range(steps):
        a = background.rk4_step(a, 2.0 / steps)
    return a


@given(a=st.floats(1e-3, 1.5), omega_cdm=st.floats(0.05, 0.2))
def test_logarithmic_slope(a: float, omega_cdm: float) -> None:
    background = Background(CosmologySettings(omega_cdm=omega_cdm), 640.0)
    step = 1e-4
    up, down = (math.log(background.conformal_hubble(a * math.exp(sign * step))) for sign in (1, -1))
    assert background.log_slope(a) == pytest.approx((up - down) / (2 * step), abs=1e-7)
