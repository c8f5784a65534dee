"""Linear growth: closed limits, and CLASS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from weakfield.config import CosmologySettings
from weakfield.cosmology import growth_factor, growth_rate, potential_growth, second_order_growth
from weakfield.cosmology.growth import growth_from_early, second_order_displacement

DATA = Path(__file__).parents[1] / "data"


def test_einstein_de_sitter_grows_as_the_scale_factor() -> None:
    eds = CosmologySettings(h=0.7, omega_b=0.0, omega_cdm=0.49, t_cmb_kelvin=0.0)
    z = np.array([0.0, 1.0, 10.0, 100.0])
    np.testing.assert_allclose(growth_factor(eds, z), 1.0 / (1.0 + z), rtol=1e-9)
    np.testing.assert_allclose(growth_rate(eds, z), 1.0, rtol=1e-9)
    np.testing.assert_allclose(potential_growth(eds, z), 1.0, rtol=1e-9)


def test_matter_and_radiation_follow_meszaros() -> None:
    # h chosen so that Lambda vanishes: D is proportional to a + 2 Omega_r / (3 Omega_m)
    base = CosmologySettings()
    h = (base.omega_b + base.omega_cdm + base.Omega_r * base.h**2) ** 0.5
    flat = CosmologySettings(h=h)
    offset = 2.0 * flat.Omega_r / (3.0 * flat.Omega_m)
    z = np.array([1.0, 99.0, 3400.0])
    np.testing.assert_allclose(growth_factor(flat, z), (1 / (1 + z) + offset) / (1 + offset), rtol=1e-8)


def test_class_has_the_same_growth() -> None:
    table = np.load(DATA / "class_tables_excerpt.npz")
    # CLASS starts from a mixture with the decaying solution: 1e-6 in D, 4e-6 in f at z = 100
    np.testing.assert_allclose(growth_factor(CosmologySettings(), table["bg_z"]), table["bg_D"], rtol=2e-6)
    np.testing.assert_allclose(growth_rate(CosmologySettings(), table["bg_z"]), table["bg_f"], rtol=6e-6)


def test_today_is_the_unit_and_scalars_serve() -> None:
    assert float(growth_factor(CosmologySettings(), 0.0)) == 1.0
    assert float(growth_factor(CosmologySettings(), -0.03)) > 1.0
    with pytest.raises(ValueError, match="redshifts"):
        growth_factor(CosmologySettings(), -0.9)


def test_second_order_growth_of_einstein_de_sitter() -> None:
    eds = CosmologySettings(h=0.7, omega_b=0.0, omega_cdm=0.49, t_cmb_kelvin=0.0)
    for z in (1e6, 100.0, 1.0, 0.0):
        found = second_order_growth(eds, z)
        assert (found.omega_m, found.rate) == pytest.approx((1, 1), rel=1e-9)
        assert found.displacement == pytest.approx(3 / 7, rel=1e-9)
        assert found.potential == pytest.approx(1, rel=1e-6)
    assert second_order_growth(CosmologySettings(), 200.0).displacement == pytest.approx(3 / 7, rel=1e-6)


def test_second_order_growth_with_lambda() -> None:
    # Bouchet et al. 1995: E = -(3/7) D^2 Omega_m(z)^(-1/143), a fit good to some 1e-4 where Omega_m > 0.1;
    # and the first integral of linear growth, g (1 + 2 f / (3 Omega_m)) = 5/3, exact for dust and Lambda
    cosmology = CosmologySettings(t_cmb_kelvin=0.0)
    for z in (10.0, 1.0, 0.0):
        found = second_order_growth(cosmology, z)
        assert found.displacement == pytest.approx(3 / 7 * found.omega_m ** (-1 / 143), rel=5e-4)
        assert found.potential * (1 + 2 * found.rate / (3 * found.omega_m)) == pytest.approx(5 / 3, rel=1e-7)
        assert found.rate == pytest.approx(float(growth_rate(cosmology, z)), rel=1e-8)


def test_second_order_displacement_has_radiation_and_without_it_is_that_of_dust() -> None:
    dust, real = CosmologySettings(t_cmb_kelvin=0.0), CosmologySettings()
    for z in (100.0, 1.0, 0.0):
        growth = float(growth_from_early(dust, z))
        displacement, slope = second_order_displacement(dust, z)
        assert displacement == pytest.approx(-second_order_growth(dust, z).displacement * growth**2, rel=1e-8)
        step = 1e-4 * (1 + z)
        ends = [
            (second_order_displacement(dust, x)[0], float(growth_from_early(dust, x))) for x in (z + step, z - step)
        ]
        assert slope == pytest.approx((ends[1][0] - ends[0][0]) / (ends[1][1] - ends[0][1]), rel=1e-5)
    # deep in the radiation era the source is that of an even D: E = -(3/2) (a / a_eq) D^2
    z, equality = 1e7, real.Omega_r / real.Omega_m
    displacement, _ = second_order_displacement(real, z)
    expected = -1.5 / (1 + z) / equality * float(growth_from_early(real, z)) ** 2
    assert displacement == pytest.approx(expected, rel=3e-3)


def test_spherical_average_of_second_order_growth() -> None:
    # a sphere in which the contrast is even: its second order is that of the first squared times the mean of F2 over
    # angles, (1 + e)/2 + (1 - e)/6, and it is a Friedmann universe of its own
    cosmology = CosmologySettings(t_cmb_kelvin=0.0)
    omega, late = cosmology.Omega_m, cosmology.Omega_lambda

    def contrast(curvature: float) -> float:
        """Of a sphere (dr/dt)^2 = Omega_m / r + Omega_Lambda r^2 - curvature, at the age of the background."""
        age, _ = quad(lambda s: 2 * s**2 / np.sqrt(omega + late * s**6), 0, 1, epsabs=0, epsrel=1e-13)

        def excess(radius: float) -> float:
            rate = lambda s: 2 * s**2 / np.sqrt(omega + late * s**6 - curvature * s**2)  # noqa: E731
            return quad(rate, 0, np.sqrt(radius), epsabs=0, epsrel=1e-13)[0] - age

        return float(brentq(excess, 0.9, 1.1, xtol=1e-15) ** -3 - 1)

    up, down = contrast(1e-3), contrast(-1e-3)
    first, second = (up - down) / 2, (up + down) / 2
    e = second_order_growth(cosmology, 0.0).displacement
    assert second / first**2 == pytest.approx(
        (1 + e) / 2 + (1 - e) / 6, rel=1e-5
    )  # 17/21 without Lambda; contrast^2 = 1e-6
