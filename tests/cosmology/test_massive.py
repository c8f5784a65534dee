"""Massive neutrinos in CAMB's transfer functions, beside those of CLASS that the reference program was given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings, SimulationSettings
from weakfield.cosmology import Background
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH
from weakfield.cosmology.neutrinos import NeutrinoDensity
from weakfield.cosmology.transfer import transfer_history
from weakfield.cosmology.transfer.camb import _background

CLASS = Path(__file__).parents[1] / "data" / "species" / "ncdm_class_gr.npz"
COSMOLOGY = CosmologySettings(omega_cdm=0.118, n_ur=2.0328, m_ncdm_ev=(0.2,))


def test_transfer_functions_with_massive_neutrinos_are_those_of_class():
    """At z = 100, below 0.03 h/Mpc: beyond it CLASS treats these neutrinos as a fluid, and is wrong by factors."""
    settings = SimulationSettings(grid=16, box_size_mpch=320.0)
    ours = transfer_history(settings, COSMOLOGY).at(1.0 / 101.0)
    stored = np.load(CLASS)
    theirs = dict(zip(stored["initial_names"].tolist(), stored["initial"].T, strict=True))
    inside = (stored["k"] > ours.k_hmpc[0]) & (stored["k"] < 0.03)
    k = stored["k"][inside]
    assert k.size == 5
    # phi and all that is cold agree as without neutrinos; theta_tot too, of which neutrinos are 4 %
    for name, column, tolerance in (
        ("phi", ours.phi, 5e-4),
        ("d_cdm", ours.delta["cdm"], 5e-4),
        ("d_tot", ours.delta["tot"], 5e-4),
        ("t_tot", ours.theta["tot"], 2e-3),
        ("d_ncdm[0]", ours.delta["ncdm[0]"], 5e-3),
        ("t_ncdm[0]", ours.theta["ncdm[0]"], 0.025),
    ):
        found = np.exp(CubicSpline(np.log(ours.k_hmpc), np.log(np.abs(column)))(np.log(k)))
        assert found == pytest.approx(np.abs(theirs[name][inside]), rel=tolerance), name


@pytest.mark.parametrize("masses", [(0.06,), (0.2, 0.2)])
def test_camb_has_the_density_of_neutrinos_and_the_expansion_of_the_background(masses):
    cosmology = CosmologySettings(omega_cdm=0.118, n_ur=2.0, m_ncdm_ev=masses)
    results, density = _background(cosmology), NeutrinoDensity(cosmology)
    background = Background(cosmology, HUBBLE_LENGTH_MPCH)
    for a in (1e-3, 1e-2, 0.1, 1.0):
        unit = 3.0 * (cosmology.h / HUBBLE_LENGTH_MPCH) ** 2 * a  # 8 pi G a^4 rho, with rho a^3 = 1
        assert float(results.get_background_densities(a)["nu"][0]) / unit == pytest.approx(density.total(a), rel=1e-4)
        rate = float(results.h_of_z(1.0 / a - 1.0)) * a * HUBBLE_LENGTH_MPCH / cosmology.h
        assert rate == pytest.approx(background.conformal_hubble(a), rel=1e-5)


def test_neutrinos_of_several_masses_need_class():
    cosmology = CosmologySettings(omega_cdm=0.118, m_ncdm_ev=(0.05, 0.1))
    with pytest.raises(BadInput, match="expected one mass for all species"):
        transfer_history(SimulationSettings(grid=16, box_size_mpch=320.0), cosmology)


def test_inertia_of_neutrinos():
    """rho + p: 4/3 of the density while they are relativistic, the density itself once they are slow."""
    density = NeutrinoDensity(COSMOLOGY)
    assert density.inertia(1e-7) == pytest.approx(4 / 3 * density.each(1e-7), rel=1e-5)
    assert density.inertia(1.0) == pytest.approx(density.each(1.0), rel=1e-5)
