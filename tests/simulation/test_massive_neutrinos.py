"""Massive neutrinos as linear fields on the spectral mesh."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.spectral_runs import band, response, spectral_run
from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings, RunSettings, StudyConfig
from weakfield.cosmology import amplitude
from weakfield.cosmology.splines import natural_spline
from weakfield.simulation.evolution import at_redshifts

COSMOLOGY = CosmologySettings(omega_cdm=0.118, n_ur=2.0328, m_ncdm_ev=(0.2,))
#: so little amplitude that all is linear
FAINT = COSMOLOGY.model_copy(update={"a_s": COSMOLOGY.a_s * 1e-8})


def test_phi_of_both_theories_is_that_of_linear_theory():
    """Mode by mode to today, as without neutrinos; what is missing is the force of a mesh of 20 Mpc/h."""
    found, expected = {}, {}
    for theory in ("newton", "gr"):
        run = spectral_run(
            theory, cosmology=FAINT, transfer="camb", step_limit_hubble=0.2, snapshot_redshifts=(10.0, 0.0)
        )
        for universe, clock in at_redshifts(run):
            z = round(clock.redshift, 6)
            found[theory, z] = universe.phi_modes.clone()
            f = universe.history.at(clock.a)
            x = f.k_hmpc * run.simulation.box_size_mpch
            scale = amplitude(FAINT, run.simulation.box_size_mpch, x)
            source = natural_spline(x, -scale * f.phi, "linear theory")
            expected[z] = universe.realisation.add(torch.zeros_like(universe.phi_modes), source)
    weight = band(16, 320.0, 0.0, 0.05)
    for z in (10.0, 0.0):
        for theory in ("newton", "gr"):
            amount, alike = response(found[theory, z], expected[z], weight)
            assert amount == pytest.approx(1.0, abs=4e-4), (theory, z)
            assert alike > 1 - 1e-6, (theory, z)
        # a difference at first order, which relativity's own part would drown in, is no larger than without neutrinos
        amount, _ = response(found["gr", z], found["newton", z], weight)
        assert amount == pytest.approx(1.0, abs=2e-6), z


@pytest.mark.parametrize(
    ("simulation", "text"),
    [
        ({"transfer": "eisenstein-hu"}, "simulation.transfer is 'eisenstein-hu'"),
        ({"species_tilings": [4]}, "species_tilings are"),
        ({"radiation": False, "start": "linear"}, "radiation is false"),
        ({"mesh": "staggered", "start": "linear"}, "phi_integrator is 'second-order'"),
    ],
)
def test_neutrinos_where_they_cannot_be(simulation, text):
    values = {"cosmology": {"m_ncdm_ev": [0.1]}, "simulation": simulation}
    for refused in (
        lambda: RunSettings.from_mapping({"theory": "gr", "seed": 1, **values}),
        lambda: StudyConfig.from_mapping(values),
    ):
        with pytest.raises(BadInput, match=text):
            refused()
    assert np.isclose(StudyConfig.preset("neutrinos").cosmology.Omega_ncdm[0] * 0.67556**2, 0.06 / 93.14)
