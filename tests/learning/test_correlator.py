"""The correlator network is the sum over measured powers and triangles that it says it is; what it learns, it tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.planted_fields import coarser, local_non_gaussianity
from helpers.planted_networks import trained
from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.explain.surrogate import rank_correlation
from weakfield.explain.triangle_basis import triangle_basis
from weakfield.explain.triangles import triangle_response
from weakfield.learning.networks import build_network
from weakfield.learning.networks.correlator import Correlator
from weakfield.spectra import bispectrum, power_spectrum


def correlator(shape: tuple[int, ...], **values: object) -> Correlator:
    torch.manual_seed(5)
    settings = TrainingSettings.from_mapping({"network": "correlator", "channels": 3, **values})
    network = build_network(shape, settings).double().eval()
    assert isinstance(network, Correlator)
    return network


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_top_hats_are_powers_and_triangles() -> None:
    """One filter a shell: every correlator is the sum of the spectra over its shells."""
    n, shells = 10, 3
    network = correlator((1, n, n, n))
    with torch.no_grad():
        network.filters.copy_(torch.eye(shells)[:, None])
        network.power.fill_(1.0 / int(network.modes.sum()))  # gains of 1
    cube = noise(1, 1, n, n, n)
    found = network.correlators(cube)[0].detach().numpy()
    assert found[0] == pytest.approx(float(cube.mean()), abs=1e-15)
    power, triangles = power_spectrum(cube[0, 0], 1.0, network.edges), bispectrum(cube[0, 0], 1.0, network.edges)
    second = dict(zip(map(tuple, network.second.tolist()), found[1:7], strict=True))
    for (i, j), value in second.items():
        assert value == pytest.approx(power.sums[i] if i == j else 0.0, abs=1e-15)
    pairs = list(second)
    third = {(i, *pairs[p]): v for (i, p), v in zip(network.third.tolist(), found[7:], strict=True)}
    sums = dict(zip(map(tuple, triangles.triangles.tolist()), triangles.sums, strict=True))
    for sides, value in third.items():
        assert value == pytest.approx(sums.get(sides, 0.0), abs=1e-14)  # some shells close no triangle
    assert len(sums) >= 6


@pytest.mark.parametrize(("dims", "n"), [(3, 8), (3, 11), (2, 12)])
def test_the_logit_is_the_sum_of_its_weights_and_statistics(dims: int, n: int) -> None:
    shape = (1, *(n,) * dims)
    network, fields = correlator(shape), noise(4, *shape)
    network.prepare([noise(20, *shape, seed=7)])
    basis = triangle_basis(n, dims, network.edges)
    weights = np.concatenate([network.power_weights(), network.triangle_weights(basis.triangles)])
    expected = np.stack([basis.statistics(field[0]) for field in fields]) @ weights
    with torch.no_grad():
        found = network(fields) - network(torch.zeros_like(fields))
        slope = network(torch.ones_like(fields)) - network(torch.zeros_like(fields))  # of the mean, which no shell has
    expected += (slope * fields.flatten(1).mean(dim=1)).numpy()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-11)


def test_the_response_of_triangles_finds_the_exact_weights() -> None:
    shape = (1, 8, 8, 8)
    network, newton = correlator(shape), noise(6, *shape)
    gr = newton + 0.1 * newton**2
    response = triangle_response(network, newton, gr, network.edges)
    exact = np.concatenate([network.power_weights(), network.triangle_weights(response.triangles)])
    np.testing.assert_allclose(response.weights.value, exact, rtol=1e-6, atol=1e-8 * np.abs(exact).max())


def test_every_channel_has_weights_of_its_own() -> None:
    network = correlator((2, 8, 8, 8))
    basis = triangle_basis(8, 3, network.edges)
    fields = noise(3, 2, 8, 8, 8)
    fields -= fields.mean(dim=(2, 3, 4), keepdim=True)
    for channel in (0, 1):
        alone = fields.clone()
        alone[:, 1 - channel] = 0
        weights = np.concatenate([network.power_weights(channel), network.triangle_weights(basis.triangles, channel)])
        with torch.no_grad():
            found = network(alone) - network(torch.zeros_like(alone))
        statistics = np.stack([basis.statistics(field[channel]) for field in alone])
        np.testing.assert_allclose(found.numpy(), statistics @ weights, rtol=1e-9, atol=1e-11)


def test_units_are_those_of_the_samples() -> None:
    shape = (1, 8, 8, 8)
    network, batch = correlator(shape), 1e-3 * noise(40, *shape)
    network.prepare([batch[:15], batch[15:]])
    rows = (network.correlators(batch) - network.offset) / network.spread
    torch.testing.assert_close(rows.mean(dim=0), torch.zeros(rows.shape[1], dtype=rows.dtype), rtol=0, atol=1e-9)
    torch.testing.assert_close(rows.std(dim=0, correction=0), torch.ones(rows.shape[1], dtype=rows.dtype))
    # the power of white noise is its variance over the number of cells; 40 cubes of some hundred modes leave a tenth
    assert network.power.mul(8**3 / 1e-6).numpy() == pytest.approx(np.ones((1, 2)), rel=0.15)


def test_rounding_gets_no_weight() -> None:
    """A mean that was removed, and a shell that was emptied, are not blown up to the size of a signal."""
    shape = (1, 8, 8, 8)
    batch = noise(20, *shape)
    modes = torch.fft.fftn(batch, dim=(2, 3, 4))
    axis = torch.fft.fftfreq(8, 1 / 8) ** 2
    square = axis[:, None, None] + axis[:, None] + axis
    modes[..., square < 2.25] = 0
    emptied = torch.fft.ifftn(modes, dim=(2, 3, 4)).real
    network = correlator(shape)
    network.prepare([emptied])
    assert network.spread[0] == 1
    assert (network.power[0] > 0).tolist() == [False, True]
    assert network.power_weights()[0] == 0


def test_refusals() -> None:
    with pytest.raises(BadInput, match="3 cells a side, expected at least 4"):
        correlator((1, 3, 3, 3))
    with pytest.raises(BadInput, match="has 3 logits, expected 1"):
        correlator((1, 8, 8, 8), classes=3, loss="cross_entropy").power_weights()
    with pytest.raises(BadInput, match="channel is 1"):
        correlator((1, 8, 8, 8)).power_weights(1)


@pytest.mark.slow
def test_what_it_has_learned_of_a_local_signal_is_what_the_response_says(tmp_path: Path) -> None:
    found = trained(
        tmp_path, lambda cubes: local_non_gaussianity(cubes, 0.06), -3.0, (128, 40, 96), network="correlator",
        channels=3, epochs=20,
    )  # fmt: skip
    network = found.network
    assert isinstance(network, Correlator)
    response = triangle_response(network, found.first, found.second, network.edges)
    s = response.basis.shells
    exact, scatter = network.triangle_weights(response.triangles), response.scatter[s:]
    assert rank_correlation(exact * scatter, response.resampled(np.ones((1, 96)))[0]) > 0.99  # single precision
    # in wider shells, which are not the network's own
    wide = triangle_response(network, found.first, found.second, (0.5, 2.0, 3.5, 5.5))
    mean = coarser(exact, response.basis, wide.basis) * wide.scatter[wide.basis.shells :]
    assert rank_correlation(mean, wide.resampled(np.ones((1, 96)))[0]) >= 0.8
