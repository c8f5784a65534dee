"""What linear theory gives a start, held against identities of the equations that it solves."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.config import StudyConfig
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import camb
from weakfield.simulation.linear_start import _gauge_velocity


@pytest.mark.parametrize(("mesh", "at"), [("staggered", 0.995), ("spectral", 1.0)])
def test_the_gauge_velocity_is_what_pressure_and_stress_make_it(mesh: str, at: float) -> None:
    """V = 3 H [dp_c / (rho + p) - sigma], dp_c the pressure in the rest frame of all that flows: no derivative in it.

    It follows from the Euler equation and the 0i constraint. V is the difference of nearly equal numbers, at two times
    or of two gauges; below k = 5e-4 h/Mpc the latter has too few digits to tell more than a per mille.
    """
    study = StudyConfig.from_mapping(
        {"simulation": {"mesh": mesh, "start": "linear", "grid": 64, "box_size_mpch": 5120.0}}
    )
    run = study.run_settings("newton", 0)
    background, cosmology = Background(run.cosmology, 5120.0), run.cosmology
    history = camb.provide(run.simulation, cosmology)
    a = 1.0 / (1.0 + run.simulation.initial_redshift)
    found = _gauge_velocity(run, background, history, a)

    a *= at
    f, hubble = history.at(a), background.conformal_hubble(a)
    assert f.phi is not None
    assert f.psi is not None
    x, unit = f.k_hmpc * 5120.0, 5120.0 / cosmology.h
    inertia = cosmology.Omega_m / a**3 + 4.0 / 3.0 * cosmology.Omega_r / a**4
    pressure = (
        (cosmology.Omega_gamma * f.column("delta", "g") + cosmology.Omega_ur * f.column("delta", "ur")) / a**4 / 3.0
    )
    sound = 4.0 / 9.0 * cosmology.Omega_r / a**4 / inertia  # p' / rho'
    stress = x**2 * (f.phi - f.psi) / (4.5 * background.H0**2 * a**2) / inertia  # 12 pi G a^2 of it is k^2 (phi - psi)
    flow = 3.0 * sound * hubble * f.column("theta", "tot") * unit / x**2
    expected = 3.0 * hubble * (pressure / inertia + flow - stress)
    for low, high, tolerance in ((5e-4, 1e-3, 1e-3), (1e-3, 4e-3, 2e-4)):
        chosen = (f.k_hmpc > low) & (f.k_hmpc < high)
        assert chosen.sum() > 2
        np.testing.assert_allclose(found[chosen], expected[chosen], rtol=tolerance)
