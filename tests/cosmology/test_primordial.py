"""Amplitude of a mode, by hand and against P(k)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from weakfield.config import CosmologySettings
from weakfield.cosmology import amplitude, primordial_power


def test_power_at_the_pivot_and_its_slope() -> None:
    cosmology = CosmologySettings()
    assert float(primordial_power(cosmology, 0.05)) == pytest.approx(2.215e-9, rel=1e-15)
    ratio = float(primordial_power(cosmology, 0.5)) / 2.215e-9
    assert math.log10(ratio) == pytest.approx(0.9619 - 1.0, rel=1e-12)


def test_amplitude_is_the_variance_of_a_mode() -> None:
    # 2 A^2 = P(k) / V, with P(k) = 2 pi^2 / k^3 times the dimensionless power of zeta
    cosmology, box = CosmologySettings(), 640.0
    k_invmpc = np.array([0.01, 0.1, 1.0])
    x = k_invmpc / cosmology.h * box
    volume = (box / cosmology.h) ** 3  # Mpc^3
    power = 2.0 * np.pi**2 / k_invmpc**3 * primordial_power(cosmology, k_invmpc)
    np.testing.assert_allclose(2.0 * amplitude(cosmology, box, x) ** 2, power / volume, rtol=1e-13)
