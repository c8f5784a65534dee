"""Linear growth: closed limits, and CLASS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from weakfield.config import CosmologySettings
from weakfield.cosmology import growth_factor, growth_rate, potential_growth

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
