"""The tests of trust on networks and maps for which the outcome is known."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn

from helpers.known_networks import Linear, Pooled, Quadratic, fields, registered
from weakfield.explain.bands import Bands, by_band
from weakfield.explain.over_seeds import over_seeds
from weakfield.explain.pixels.gradients import gradient
from weakfield.explain.records import PairCurves
from weakfield.explain.trust.curves import band_curves, cell_curves
from weakfield.explain.trust.perturbations import equivariance_error, infidelity, sensitivity
from weakfield.explain.trust.randomisation import cascade, layers, rank_correlation, rank_correlations
from weakfield.explain.trust.summary import curves


def test_rank_correlation_agrees_with_scipy_and_knows_constants():
    a, b = fields(2, 2, 1, 5, 5).unbind(1)
    b = (b * 3).round()  # ties
    found = rank_correlation(a, b)
    expected = [scipy.stats.spearmanr(x.flatten(), y.flatten()).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(rank_correlation(a, a**3), 1.0)  # any monotonic function has the same ranks
    np.testing.assert_allclose(rank_correlation(a, -a), -1.0)
    np.testing.assert_allclose(rank_correlation(a, -a, absolute=True), 1.0)
    np.testing.assert_array_equal(rank_correlation(a, torch.ones_like(a)), 0.0)
    matrix = rank_correlations({"a": a, "b": b, "minus": -a})
    np.testing.assert_allclose(matrix[:, 0, 1], expected)
    np.testing.assert_allclose(matrix[:, 2, 0], -1.0)


def test_the_cascade_goes_from_the_output_to_the_input():
    network, sample = registered(1, 8, 8, 8)["cnn3d"], fields(1, 1, 8, 8, 8)
    names = layers(network, sample)
    assert names[:2] == ["head.3", "head.0"]
    assert names[-1] == "features.0.convolution"
    before = {name: value.clone() for name, value in network.state_dict().items()}
    drawn = [name for name, _ in cascade(network, sample)]
    assert drawn == names
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    changed: list[set[str]] = []
    for _, other in cascade(network, sample):
        state = other.state_dict()
        changed.append(
            {name.rsplit(".", 1)[0] for name, value in before.items() if not torch.equal(state[name], value)}
        )
    assert changed == [set(names[: i + 1]) for i in range(len(names))]
    again = [network.state_dict() for _, network in cascade(network, sample)]
    torch.testing.assert_close(again[-1], state, rtol=0, atol=0)


def test_a_layer_without_a_reset_is_drawn_from_its_own_spread():
    network = Linear(2 + 3 * fields(1, 1, 16, 16)[0])
    ((name, other),) = cascade(network, fields(1, 1, 16, 16))
    assert name == ""
    # 256 numbers: mean to 3 / 16, spread to 3 / 22 at one sigma
    assert float(other.weights.detach().mean()) == pytest.approx(2, abs=4 * 3 / 16 + 0.3)
    assert float(other.weights.detach().std()) == pytest.approx(3, abs=1)
    assert not torch.equal(other.weights, network.weights)


def test_a_map_of_the_input_alone_fails_the_randomisation_test():
    """What does not look at the network keeps its map; a gradient loses it."""
    network, sample = registered(1, 8, 8, 8)["cnn3d"], fields(1, 1, 8, 8, 8)
    edges = torch.abs(sample - torch.roll(sample, 1, 2))
    own = gradient(network, sample)
    *_, (_, last) = cascade(network, sample)
    assert rank_correlation(edges, edges)[0] == pytest.approx(1.0)
    # 512 cells that are not alike: correlations of 0.04 by chance, a share of them shared by neighbours
    assert abs(rank_correlation(own, gradient(last, sample))[0]) < 0.4


def test_curves_of_a_linear_network_by_hand():
    """Cells taken in the order of their contributions: the logit falls by the sorted contributions, summed."""
    newton, gr, weights = fields(3, 2, 4, 4).unbind(0)
    network = Linear(weights)
    share = weights * (gr - newton)
    found = cell_curves(network, newton, gr, share, fractions=16)
    ordered = np.sort(share.sum(0).flatten().numpy())[::-1]
    logit = [float(network(field[None]).detach()) for field in (newton, gr)]
    np.testing.assert_allclose(found.deletion, logit[1] - np.concatenate([[0], ordered.cumsum()]), atol=1e-12)
    np.testing.assert_allclose(found.insertion, logit[0] + np.concatenate([[0], ordered.cumsum()]), atol=1e-12)
    for curve in (found.random_deletion, found.random_insertion):
        np.testing.assert_allclose(sorted([curve[0], curve[-1]]), sorted(logit), atol=1e-12)
    # no order falls faster than the right one
    assert (found.deletion <= found.random_deletion + 1e-12).all()
    wrong = cell_curves(network, newton, gr, -share, fractions=16)
    assert wrong.deletion.sum() > found.random_deletion.sum() > found.deletion.sum()


@pytest.mark.parametrize("axes", [2, 3])
def test_band_curves_of_a_linear_network_by_hand(axes):
    newton, gr, weights = fields(3, 1, *axes * [6]).unbind(0)
    bands = Bands.of(gr[None])
    share = by_band(weights[None], (gr - newton)[None], bands)[0]
    found = band_curves(Linear(weights), newton, gr, share, bands)
    steps = np.concatenate([[0], np.sort(share)[::-1].cumsum()])
    np.testing.assert_allclose(found.insertion - found.insertion[0], steps, atol=1e-11)
    np.testing.assert_allclose(found.deletion[0] - found.deletion, steps, atol=1e-11)


def test_normalised_curves_and_their_advantage():
    line = np.linspace(1, 0, 5)
    rows = [
        PairCurves(
            deletion=[size, 0, 0, 0, 0],
            random_deletion=(size * line).tolist(),
            insertion=[0, size, size, size, size],
            random_insertion=(size * line[::-1]).tolist(),
        )
        for size in (1, 3)
    ]
    found = curves(rows)
    assert found.deletion_area.value == pytest.approx(1 / 8)
    assert found.deletion_advantage.value == pytest.approx(3 / 8)
    assert found.insertion_advantage.value == pytest.approx(3 / 8)
    assert found.deletion_advantage.error == pytest.approx(0, abs=1e-12)  # both pairs are the same but for scale
    np.testing.assert_allclose(found.deletion.value, [1, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.random_deletion.value, line, atol=1e-12)
    flat = curves([PairCurves(**{name: [1.0] * 3 for name in PairCurves.model_fields})])  # a pair without a difference
    assert (flat.deletion.value, flat.deletion.error) == ([0, 0, 0], None)


def test_errors_over_seeds_by_hand():
    found = over_seeds([1.0, 2.0, 6.0])
    assert found.value == pytest.approx(3.0)
    assert found.error == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3))  # the jackknife of a mean
    assert over_seeds([[1.0, 2.0]]).as_json() == {"value": [1.0, 2.0], "error": None}


@pytest.mark.parametrize("shape", [(1, 6, 6, 6), (2, 6, 6)])
def test_infidelity_is_0_for_the_truth_and_1_for_nothing(shape):
    newton, gr, weights = fields(3, *shape).unbind(0)
    network = Linear(weights)
    share = weights * (gr - newton)
    # a difference of squares of order 1 in double precision
    assert abs(infidelity(network, newton, gr, share, local=False)) < 1e-12
    assert abs(infidelity(network, newton, gr, weights, local=True)) < 1e-12
    assert abs(infidelity(network, newton, gr, 5 * share, local=False)) < 1e-12  # the scale of a map is free
    assert infidelity(network, newton, gr, torch.zeros_like(share), local=False) == pytest.approx(1.0)
    other = torch.roll(share, 3, dims=1)
    assert 0.02 < infidelity(network, newton, gr, other, local=False) <= 1.0
    first = infidelity(network, newton, gr, other, local=False, memory_mib=1e-9)
    assert first == pytest.approx(infidelity(network, newton, gr, other, local=False), rel=1e-9)


def test_sensitivity_of_a_quadratic_network_is_that_of_the_input():
    """The gradient w x moves by w n with the noise n of 0.02: relative change about 0.02, none of a linear network."""
    sample, weights = fields(2, 1, 8, 8, 8).unbind(0)
    found = sensitivity(lambda x: gradient(Quadratic(torch.ones_like(weights)), x), sample, radius=0.02)
    assert found == pytest.approx(0.02, rel=0.15)  # 512 normal numbers: 3 % each, the largest of four
    assert sensitivity(lambda x: gradient(Linear(weights), x), sample) < 1e-12


@pytest.mark.parametrize("axes", [3])
def test_equivariance_of_networks_with_and_without_the_symmetry(axes):
    sample, twin = fields(2, 1, *axes * [6]).unbind(0)

    class Isotropic(nn.Module):
        """sum of x^3: no place and no direction is special."""

        def forward(self, x):
            return (x**3).flatten(1).sum(1)

    assert equivariance_error(lambda x, _: gradient(Isotropic(), x), sample, twin) < 1e-12
    fixed = Linear(fields(1, 1, *axes * [6], seed=9)[0])
    # two maps that have nothing to do with each other differ by sqrt 2 of their norm
    assert equivariance_error(lambda x, _: gradient(fixed, x), sample, twin) == pytest.approx(np.sqrt(2), abs=0.2)
    assert equivariance_error(lambda x, _: Isotropic()(x), sample, twin) < 1e-12
    pooled = Pooled(1, axes)
    assert equivariance_error(lambda x, _: gradient(pooled, x), sample, twin) > 0.1  # its kernel has a direction
