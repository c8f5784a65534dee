"""Upsampling that wraps around, bands of modes, and slices gathered into a cube."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.known_networks import Linear, Quadratic, fields
from weakfield.base.errors import BadInput
from weakfield.explain.bands import Bands, by_band, exchange, power_by_band
from weakfield.explain.pixels.cubes import gather
from weakfield.explain.pixels.gradcam import upsample
from weakfield.explain.pixels.gradients import gradient, gradient_x_input
from weakfield.explain.pixels.integrated import pair_integrated_gradients
from weakfield.spectra import power_spectrum


@settings(max_examples=20, deadline=None)
@given(coarse=st.integers(1, 5), factor=st.integers(1, 4), axes=st.sampled_from([2, 3]), seed=st.integers(0, 9))
def test_upsampling_keeps_sums_and_commutes_with_shifts(coarse, factor, axes, seed):
    maps, grid = fields(1, 2, *axes * [coarse], seed=seed), coarse * factor
    fine = upsample(maps, grid)
    torch.testing.assert_close(fine.flatten(2).sum(2), maps.flatten(2).sum(2), atol=1e-11, rtol=0)
    moved = upsample(torch.roll(maps, 1, dims=2), grid)
    torch.testing.assert_close(moved, torch.roll(fine, factor, dims=2), atol=1e-12, rtol=0)


def test_upsampling_by_hand():
    fine = upsample(torch.tensor([[[[0.0], [4.0]]]], dtype=torch.float64).expand(1, 1, 2, 1), 4)[0, 0, :, 0]
    # centres at -1/4, 1/4, 3/4, 5/4 of a coarse cell; a quarter of each value as the grid grows by 2 x 4
    torch.testing.assert_close(fine, torch.tensor([1.0, 1.0, 3.0, 3.0], dtype=torch.float64) / (2 * 4))


@pytest.mark.parametrize("n", [6, 7, 8])
@pytest.mark.parametrize("axes", [2, 3])
def test_bands_are_every_mode_once(n, axes):
    x, y = fields(2, 2, *axes * [n]), fields(2, 2, *axes * [n], seed=9)
    bands = Bands.of(x)
    torch.testing.assert_close(exchange(x, y, bands, range(bands.count)), y, atol=1e-13, rtol=0)
    torch.testing.assert_close(exchange(x, y, bands, []), x, atol=0, rtol=0)
    steps = x
    for band in range(bands.count):
        steps = exchange(steps, y, bands, [band])
    torch.testing.assert_close(steps, y, atol=1e-12, rtol=0)
    products = by_band(x, y, bands)
    np.testing.assert_allclose(products.sum(1), (x * y).flatten(1).sum(1), rtol=1e-11, atol=1e-11)


def test_power_of_cubes_agrees_with_the_power_spectrum():
    g, box = fields(2, 1, 8, 8, 8), 3.0
    expected = [power_spectrum(cube[0], box).power / box**3 for cube in g]
    np.testing.assert_allclose(power_by_band(g, Bands.of(g)), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("k", "band"), [((1, 0, 0), 0), ((0, 2, 0), 1), ((2, 2, 1), 2), ((4, 0, 0), 4), ((0, 0, 0), 3)]
)
def test_a_wave_in_a_cube_lies_in_its_band(k, band):
    n = 8
    z, y, x = torch.meshgrid(*3 * [torch.arange(n, dtype=torch.float64)], indexing="ij")
    wave = torch.cos(2 * torch.pi * (k[0] * x + k[1] * y + k[2] * z) / n + 0.4)[None, None]
    parts = by_band(wave, wave, Bands.of(wave))[0].tolist()  # the Nyquist plane n_x = 4 is in no shell
    whole = float((wave**2).sum())
    assert parts.pop(band) == pytest.approx(whole, rel=1e-12)
    assert max(map(abs, parts)) < 1e-10 * whole


@pytest.mark.parametrize(("k", "band"), [((0, 0), 3), ((1, 0), 0), ((-2, 1), 1), ((2, 2), 2), ((4, 0), 4)])
def test_a_wave_in_a_square_lies_in_its_band(k, band):
    n = 8
    y, x = torch.meshgrid(*2 * [torch.arange(n, dtype=torch.float64)], indexing="ij")
    wave = torch.cos(2 * torch.pi * (k[0] * x + k[1] * y) / n + 0.4)[None, None]
    bands = Bands.of(wave)
    left = exchange(wave, torch.zeros_like(wave), bands, [band])
    assert float(left.abs().max()) < 1e-12
    np.testing.assert_allclose(bands.wavenumbers[0], (4 * 1 + 4 * np.sqrt(2)) / 8)  # |n| = 1 four times, sqrt 2 too


def test_slices_are_gathered_where_they_came_from():
    """A network that weighs the cells of a slice: the weight of a cell depends on its place in the slice alone."""
    n = 4
    weights = torch.zeros(1, n, n, dtype=torch.float64)
    weights[0, 1, 2] = -3.0
    cubes = fields(2, 1, n, n, n)
    found = gather(gradient_x_input, Linear(weights), cubes)
    expected = torch.zeros(n, n, n, dtype=torch.float64)
    expected[:, 1, 2] += -3.0  # slices across z have axes [y, x]
    expected[1, :, 2] += -3.0  # across y [z, x]
    expected[1, 2, :] += -3.0  # across x [z, y]
    torch.testing.assert_close(found.signed, expected * cubes)  # each cell has the share of its own value
    torch.testing.assert_close(found.absolute, -expected * cubes.abs())


def test_gathered_pair_attributions_sum_to_the_logits_of_all_slices():
    network = Quadratic(fields(1, 1, 4, 4, seed=2)[0])
    x, twin = fields(1, 1, 4, 4, 4), fields(1, 1, 4, 4, 4, seed=6)
    found = gather(pair_integrated_gradients, network, x, twin)
    with torch.no_grad():
        change = sum((network(x[0].movedim(a, 0)) - network(twin[0].movedim(a, 0))).sum() for a in (1, 2, 3))
    assert float(found.signed.sum()) == pytest.approx(float(change), abs=1e-10)
    assert float(found.absolute.sum()) > abs(float(change))
    with pytest.raises(BadInput, match="cubes have shape"):
        gather(gradient, network, x[0])
