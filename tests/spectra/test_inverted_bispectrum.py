"""The even part of the bispectrum: a planted second order is found, to the factor and the sign."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from weakfield.base.errors import BadInput
from weakfield.config import CosmologySettings, SimulationSettings
from weakfield.cosmology.growth import early_potential_growth
from weakfield.spectra import cross_bispectrum, even_bispectrum, mixed_bispectrum
from weakfield.spectra.theory import LinearTheory, TriangleAverages, newtonian_kernel, relativistic_kernel
from weakfield.spectra.theory.fields import newtonian_potential, relativistic_potential
from weakfield.spectra.theory.realised import linear_potential

GRID, BOX, Z = 16, 640.0, 1.0
EDGES = np.arange(0.5, 6)
COSMOLOGY = CosmologySettings(t_cmb_kelvin=0.0)
SETTINGS = SimulationSettings(grid=GRID, box_size_mpch=BOX, transfer="eisenstein-hu")


def theory() -> LinearTheory:
    return LinearTheory(SETTINGS, COSMOLOGY)


def parts(seed: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The linear potential at ``Z``, Newton's second order and C1."""
    linear = linear_potential(theory(), SETTINGS, seed, Z)
    early = linear / float(early_potential_growth(COSMOLOGY, Z))
    return (
        linear,
        newtonian_potential(early, BOX, Z, COSMOLOGY),
        relativistic_potential(early, BOX, Z, COSMOLOGY),
    )


def test_mixed_bispectrum_is_the_sum_over_the_three_sides():
    linear, _, c1 = parts()
    found = mixed_bispectrum(linear, c1, BOX, EDGES)
    total = np.zeros_like(found)
    for cubes in ((linear, linear, c1), (linear, c1, linear), (c1, linear, linear)):
        crossed = cross_bispectrum(*cubes, BOX, EDGES)
        rows = (np.diff(crossed.triangles, axis=1) >= 0).all(axis=1)
        total += crossed.value[rows]
    assert np.allclose(found, total, rtol=1e-8, atol=1e-10 * abs(total).max())


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0])
def test_difference_of_planted_universes_is_c1_times_the_factor(factor):
    linear, newton, c1 = parts()
    expected = mixed_bispectrum(linear, c1, BOX, EDGES)
    worst = {}
    for amplitude in (0.1, 0.05):
        even = {}
        for name, second in (("newton", newton), ("gr", newton + factor * c1)):
            universes = [sign * amplitude * linear + amplitude**2 * second for sign in (1.0, -1.0)]
            even[name] = even_bispectrum(*universes, BOX, EDGES).value
        difference = (even["gr"] - even["newton"]) / amplitude**4
        worst[amplitude] = abs(difference - factor * expected).max() / abs(expected).max()
    assert worst[0.1] < 1e-3
    assert worst[0.05] == pytest.approx(worst[0.1] / 4, rel=0.1)  # what is left is of the next even order


def test_newton_of_planted_universes_is_its_tree_level():
    linear, newton, _ = parts()
    expected = mixed_bispectrum(linear, newton, BOX, EDGES)
    universes = [sign * 0.1 * linear + 0.01 * newton for sign in (1.0, -1.0)]
    even = even_bispectrum(*universes, BOX, EDGES)
    assert even.fields == 2
    assert np.allclose(even.value * 1e4, expected, rtol=0, atol=1e-2 * abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("which", ["newton", "relativity"])
def test_mean_over_seeds_is_the_tree_level_of_theory(which):
    found = []
    for seed in range(200):
        linear, newton, c1 = parts(seed)
        found.append(mixed_bispectrum(linear, newton if which == "newton" else c1, BOX, EDGES))
    values = np.array(found)
    triangles = even_bispectrum(linear, linear, BOX, EDGES).triangles
    kernel = {
        "newton": newtonian_kernel(theory(), Z),
        "relativity": relativistic_kernel(theory(), SETTINGS, Z, "growing-mode"),
    }[which]
    expected = TriangleAverages(GRID, BOX, EDGES, triangles).bispectrum(
        kernel, lambda k: theory().potential_power(k, Z)
    )
    pull = (values.mean(axis=0) - expected) / (values.std(axis=0, ddof=1) / np.sqrt(len(values)))
    assert (pull**2).mean() < 1.8
    weight = expected / values.var(axis=0, ddof=1)
    assert values.mean(axis=0) @ weight / (expected @ weight) == pytest.approx(1.0, abs=0.12)


def test_fields_without_scatter_are_refused():
    with pytest.raises(BadInput, match="expected numbers above 0"):
        mixed_bispectrum(np.zeros((GRID,) * 3), np.ones((GRID,) * 3), BOX, EDGES)
