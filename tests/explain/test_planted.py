"""Planted differences are what they say, and exact networks are attributed to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.analytic import TriangleSums
from helpers.planted_fields import (
    altered_region,
    coupled_triangle,
    gaussian_cubes,
    local_non_gaussianity,
    local_sums,
    rescaled_shell,
)
from weakfield.explain.amplitude_phase import amplitude_phase
from weakfield.explain.modes import pair_integrated_modes
from weakfield.explain.triangle_basis import triangle_basis
from weakfield.explain.triangles import triangle_response
from weakfield.spectra import power_spectrum

N, EDGES = 12, (0.5, 2.0, 3.5, 5.0)


def statistics(cubes: torch.Tensor) -> np.ndarray:
    basis = triangle_basis(N, 3, EDGES)
    return np.stack([basis.statistics(cube[0]) for cube in cubes])


def test_gaussian_cubes_have_the_power_they_should():
    cubes = gaussian_cubes(40, N, -2.0, seed=1)
    assert cubes.shape == (40, 1, N, N, N)
    # variance 1 spread over some hundred modes that matter, 40 times
    np.testing.assert_allclose(float(cubes.var(dim=(1, 2, 3, 4), correction=0).mean()), 1, rtol=0.1)
    spectra = [power_spectrum(cube[0], 1.0, (0.9, 1.1, 1.9, 2.1)) for cube in cubes]
    ratio = np.mean([s.power[0] for s in spectra]) / np.mean([s.power[2] for s in spectra])
    np.testing.assert_allclose(ratio, 4, rtol=0.3)  # 6 modes each, 40 times: an error of 0.13
    torch.testing.assert_close(gaussian_cubes(2, N, -2.0, seed=1), cubes[:2])


def test_one_shell_is_rescaled_and_nothing_else():
    cubes = gaussian_cubes(3, N, -1.0, seed=1)
    ratio = statistics(rescaled_shell(cubes, 2.0, 3.5, 0.4))[:, :3] / statistics(cubes)[:, :3]
    np.testing.assert_allclose(ratio, [[1, 1.4**2, 1]] * 3)


def test_a_coupled_triangle_keeps_powers_and_raises_its_own_sum():
    cubes = gaussian_cubes(30, N, -1.0, seed=2)
    before, after = (statistics(fields) for fields in (cubes, coupled_triangle(cubes, EDGES, (0, 1, 2), 0.5)))
    np.testing.assert_allclose(after[:, :3], before[:, :3], rtol=1e-10)
    change = (after - before)[:, 3:]
    significance = np.abs(change.mean(axis=0)) / before[:, 3:].std(axis=0)
    triangles = triangle_basis(N, 3, EDGES).triangles.tolist()
    assert triangles[int(np.argmax(significance))] == [0, 1, 2]
    assert np.sort(significance)[-2] < 0.5 * significance.max()


@pytest.mark.parametrize("above", [0.0, 2.0])
def test_local_non_gaussianity_has_its_bispectrum(above):
    f, cubes = 0.05, gaussian_cubes(60, N, -2.0, seed=3)
    basis = triangle_basis(N, 3, EDGES)
    before, after = (statistics(fields) for fields in (cubes, local_non_gaussianity(cubes, f, above)))
    changes = (after - before)[:, 3:]
    change = changes.mean(axis=0)
    template = f * local_sums(basis, before[:, :3].mean(axis=0), above)
    # of order f; shells 1.5 wide smear the steep power, terms of order f^2 and the draw add
    assert np.corrcoef(change / basis.counts, template / basis.counts)[0, 1] > 0.98
    np.testing.assert_allclose(change.sum(), template.sum(), rtol=0.25)
    if above:  # a side in the first shell, which follows nothing and which nothing follows: scatter around zero
        squeezed = (basis.triangles[:, 0] == 0) & (basis.triangles[:, 2] > 0)
        assert (template[squeezed] == 0).all()
        assert (np.abs(change) < 4 * changes.std(axis=0) / np.sqrt(len(changes)))[squeezed].all()


def test_a_region_is_altered_and_fourier_attribution_is_broad():
    cubes = gaussian_cubes(4, N, -1.0, seed=4)
    altered = altered_region(cubes, 2, 6, 0.5)
    changed = (altered != cubes).sum(dim=(1, 2, 3, 4))
    assert changed.tolist() == [64] * 4

    class Energy(torch.nn.Module):
        def forward(self, x):
            return (x[..., 2:6, 2:6, 2:6] ** 2).sum(dim=(1, 2, 3, 4))

    parts = pair_integrated_modes(Energy(), cubes, altered).by_shell()
    share = np.abs(parts.shells).mean(axis=0) / np.abs(parts.shells).mean(axis=0).sum()
    assert share.max() < 0.6  # a box of 4 cells out of 12 has no scale of its own


@pytest.mark.slow(minutes=0.1)
def test_exact_networks_are_attributed_to_what_was_planted():
    cubes = gaussian_cubes(12, N, -1.0, seed=5)
    coupled = coupled_triangle(cubes, EDGES, (0, 1, 2), 0.5)
    network = TriangleSums(N, 3, EDGES, {(0, 1, 2): 1.0, (1, 1, 1): 0.3, (2, 2, 2): -0.3}, {0: 0.01})
    found = triangle_response(network, cubes, coupled, EDGES)
    largest = int(np.argmax(np.abs(found.contributions.value)))
    assert found.triangles[largest - 3].tolist() == [0, 1, 2]
    split = amplitude_phase(network, cubes[:4], coupled[:4])
    assert (split.phase.total.mean() / split.change.mean()) > 0.5  # coupled phases, at unchanged power of the shell
