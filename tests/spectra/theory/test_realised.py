"""The linear power of one seed against the linear field of that seed."""

from __future__ import annotations

import numpy as np
import pytest

import weakfield as wf
from weakfield.config import CosmologySettings, SimulationSettings
from weakfield.spectra.theory import LinearTheory, shell_mean
from weakfield.spectra.theory.realised import RealisedModes, linear_potential


def settings(noise: str = "hermitian") -> SimulationSettings:
    return SimulationSettings(grid=12, box_size_mpch=240.0, transfer="eisenstein-hu", noise=noise)


@pytest.mark.parametrize("noise", ["hermitian", "gevolution"])
def test_power_is_that_of_the_linear_field(noise):
    chosen = settings(noise)
    theory = LinearTheory(chosen, CosmologySettings())
    for edges in (None, [0.5, 2.0, 4.9]):
        field = linear_potential(theory, chosen, 7, 2.0)
        measured = wf.power_spectrum(field, 240.0, edges).power
        # wavenumbers of the field are single precision (EQUATIONS 3.4): 1e-7 of k, some 1e-6 of P
        np.testing.assert_allclose(RealisedModes(chosen, 7, edges).power(theory, 2.0), measured, rtol=1e-5)


def test_mean_over_seeds_is_linear_theory():
    chosen = settings()
    theory = LinearTheory(chosen, CosmologySettings())
    rows = np.array([RealisedModes(chosen, seed).power(theory, 2.0)[:4] for seed in range(200)])
    expected = shell_mean(lambda k: theory.potential_power(k, 2.0), 12, 240.0)[:4]
    pulls = (rows.mean(axis=0) - expected) / (rows.std(axis=0) / np.sqrt(200))
    assert np.abs(pulls).max() < 4
    assert (rows.std(axis=0) / expected < 0.5).all()  # an error of 3.5 %: a factor 2 would be seen


def test_fixed_amplitudes_leave_no_cosmic_variance():
    """Every shell has the power of linear theory, in every seed."""
    chosen = settings().model_copy(update={"fixed_amplitude": True})
    theory = LinearTheory(chosen, CosmologySettings())
    expected = shell_mean(lambda k: theory.potential_power(k, 2.0), 12, 240.0)[:4]  # inside the sphere of modes drawn
    for seed in (1, 2):
        np.testing.assert_allclose(RealisedModes(chosen, seed).power(theory, 2.0)[:4], expected, rtol=1e-12)
        measured = wf.power_spectrum(linear_potential(theory, chosen, seed, 2.0), 240.0).power[:4]
        np.testing.assert_allclose(measured, expected, rtol=1e-5)  # wavenumbers in single precision


def test_the_linear_field_of_an_inverse_is_minus_that_of_its_seed():
    chosen = settings()
    theory = LinearTheory(chosen, CosmologySettings())
    fields = [linear_potential(theory, chosen, 7, 2.0, inverted) for inverted in (False, True)]
    assert np.array_equal(fields[0].numpy(), -fields[1].numpy())
