"""Integrated gradients with respect to modes: exact where the logit is a formula, complete everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from helpers.analytic import ShellPower, noise
from weakfield import fourier
from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.explain.modes import integrated_modes, pair_integrated_modes
from weakfield.explain.over_seeds import mean_over_seeds, share_over_seeds
from weakfield.explain.paths import PathOptions
from weakfield.fourier.directions import cubic_harmonic
from weakfield.fourier.shells import shells
from weakfield.learning.networks import build_network

EDGES = (0.5, 1.5, 2.5, 4.0)


class Bowl(nn.Module):
    """logit = sum_cells (w x + x^2 (1 + w) / 2 + x^4 / 50): not invariant under shifts, different in every channel."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, x: Tensor) -> Tensor:
        w = self.weights
        return (w * x + (1 + w) * x**2 / 2 + x**4 / 50).flatten(1).sum(dim=1)


def pair(channels: int, n: int, dimensions: int, count: int = 3) -> tuple[Tensor, Tensor]:
    shape = (count, channels, *(n,) * dimensions)
    newton = noise(*shape)
    return newton, newton + 0.3 * noise(*shape, seed=2) + 0.1


@pytest.mark.parametrize(("n", "dimensions"), [(8, 3), (7, 3), (8, 2), (9, 2)])
def test_the_logit_that_is_a_shell_power_is_attributed_to_rounding(n, dimensions):
    weight = torch.tensor([[2.0, 0.0, -1.0], [0.0, 3.0, 0.5]], dtype=torch.float64)
    network = ShellPower(n, dimensions, EDGES, weight)
    newton, gr = pair(2, n, dimensions)
    found = pair_integrated_modes(
        network, newton, gr, PathOptions(steps=2)
    )  # two nodes are exact for a quadratic logit

    def power(fields):
        modes = fourier.forward(fields, dimensions).numpy() / float(n) ** dimensions
        shell = shells(n, EDGES, dimensions)
        return np.array([[shell.sums(abs(c) ** 2) for c in sample] for sample in modes])

    expected = weight.numpy() * (power(gr) - power(newton))
    parts = found.by_shell(EDGES)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(parts.shells, expected.sum(axis=1), atol=1e-12 * scale)
    np.testing.assert_allclose(found.by_channel(), expected.sum(axis=2), atol=1e-12 * scale)
    np.testing.assert_allclose([parts.mean, parts.rest], 0, atol=1e-12 * scale)
    np.testing.assert_allclose(found.residual, 0, atol=1e-12 * scale)


@pytest.mark.parametrize(("n", "dimensions"), [(6, 3), (7, 3), (8, 2), (5, 2)])
def test_modes_add_up_to_cells_and_to_the_logit(n, dimensions):
    newton, gr = pair(2, n, dimensions)
    network = Bowl(noise(2, *(n,) * dimensions, seed=5))
    found = pair_integrated_modes(
        network, newton, gr, PathOptions(steps=4)
    )  # exact: the gradient is cubic along the path
    np.testing.assert_allclose(found.total, found.change, rtol=1e-12)
    difference = network(gr) - network(newton)
    np.testing.assert_allclose(found.change, difference.detach().numpy(), rtol=1e-12)
    for edges in (None, (0.0, 1.0, 2.0), EDGES):
        np.testing.assert_allclose(found.by_shell(edges).total, found.total, rtol=1e-12)
        np.testing.assert_allclose(found.by_shell_and_direction(edges).total, found.total, rtol=1e-12)
        directions = found.by_shell_and_direction(edges, (0, 0.5, 1), "x")
        np.testing.assert_allclose(directions.shells.sum(axis=2), found.by_shell(edges).shells, atol=1e-12)
        assert (directions.modes.sum(axis=1) == found.by_shell(edges).modes).all()
    np.testing.assert_allclose(sum(found.channel(c).total for c in (0, 1)), found.total, rtol=1e-12)


def test_one_plane_wave_by_hand():
    n = 8
    y = torch.arange(n, dtype=torch.float64)
    wave = torch.cos(2 * np.pi * 2 * y / n)[None, :, None].expand(n, n, n)

    class Slope(nn.Module):
        def forward(self, x):  # logit = sum (3 + 2 cos) x: only these two modes are answered to
            return ((3 + 2 * wave) * x[:, 0]).sum(dim=(1, 2, 3))

    sample = (0.5 + wave + torch.cos(2 * np.pi * 3 * y / n))[None]
    found = integrated_modes(Slope(), sample, options=PathOptions(steps=1))
    values = found.values[0, 0]
    assert values[0, 0, 0] == pytest.approx(3 * 0.5 * n**3)
    # 2 sum cos^2 = n^3, half in k and half in -k, which both stand on the plane n_x = 0
    assert values[0, 2, 0] == pytest.approx(n**3 / 2)
    assert values[0, 6, 0] == pytest.approx(n**3 / 2)
    assert found.total[0] == pytest.approx(2.5 * n**3)
    assert np.abs(values).sum() == pytest.approx(2.5 * n**3)
    along_y = found.by_shell_and_direction((0.5, 2.5), axis="y").shells[0, 0]
    np.testing.assert_allclose(along_y, [0, 0, n**3], atol=1e-9)
    fourth = found.by_shell_and_harmonic((1.5, 2.5), orders=(0, 4)).shells[0, 0]
    assert fourth[0] == pytest.approx(n**3)
    assert fourth[1] > n**3  # K4 along an axis is 2.29, less its mean over the shell


@pytest.mark.parametrize("dimensions", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_trained_shape_of_network_is_complete_and_left_as_it_was(dimensions):
    if dimensions == 3:
        network = build_network((2, 8, 8, 8), TrainingSettings(channels=4, blocks=2, dropout=0.5)).train()
    else:
        torch.manual_seed(3)
        network = nn.Sequential(
            nn.Conv2d(2, 6, 3), nn.LeakyReLU(0.2), nn.Conv2d(6, 6, 3), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(96, 2)
        ).train()
    newton, gr = (fields.float() for fields in pair(2, 8, dimensions))
    gr = gr + newton.mean() + 0.5  # a difference that networks without training answer to
    found = pair_integrated_modes(network, newton, gr, PathOptions(most_steps=2**13))
    # the tolerance asked for by default: nodes were added until it held
    assert (np.abs(found.residual) <= 1e-4 * np.abs(found.change)).all()
    assert network.training
    assert all(weight.grad is None and weight.dtype == torch.float32 for weight in network.parameters())
    # one sample at a time or all, without adding nodes, of which less memory would hold fewer
    whole, small = (pair_integrated_modes(network, newton, gr, PathOptions(most_steps=1, memory=m)) for m in (2**30, 1))
    one = pair_integrated_modes(network, newton[1], gr[1], PathOptions(most_steps=1))
    atol = 1e-12 * np.abs(whole.values).max()
    np.testing.assert_allclose(small.values, whole.values, rtol=1e-9, atol=atol)
    np.testing.assert_allclose(one.values[0], whole.values[1], rtol=1e-9, atol=atol)
    single = pair_integrated_modes(network, newton, gr, PathOptions(dtype=torch.float32, tolerance=1e-3))
    assert (np.abs(single.residual) <= 1e-3 * np.abs(single.change)).all()


def test_nodes_are_added_where_they_are_needed_only():
    network = nn.Sequential(nn.Flatten(), nn.Linear(512, 1), nn.Softplus(beta=20)).double()
    samples = 10 * torch.ones(2, 1, 8, 8, 8)  # the path crosses the bend of one sample and not of the other
    torch.nn.init.constant_(network[1].weight, 1e-3)
    torch.nn.init.constant_(network[1].bias, -2.0)
    samples[1] = 0.0
    found = integrated_modes(network, samples, options=PathOptions(steps=2))
    assert found.steps[0] > 2 == found.steps[1]
    few = integrated_modes(network, samples, options=PathOptions(steps=2, most_steps=2))
    assert abs(few.residual[0]) > 1e-4 * abs(few.change[0])  # and the residual says so


def test_opposite_path_and_shifts_of_the_box():
    network = ShellPower(8, 3, EDGES, torch.tensor([[1.0, -2.0, 0.3]], dtype=torch.float64))
    newton, gr = pair(1, 8, 3)
    found = pair_integrated_modes(network, newton, gr)
    back = pair_integrated_modes(network, gr, newton)
    np.testing.assert_allclose(back.values, -found.values, atol=1e-15)
    moved = pair_integrated_modes(network, *(field.roll((1, 3, 2), (2, 3, 4)) for field in (newton, gr)))
    # a shift turns phases of gradient and field alike
    np.testing.assert_allclose(moved.values, found.values, atol=1e-14)


@pytest.mark.parametrize(("dimensions", "last"), [(2, 8), (3, 6)])
def test_harmonics_are_orthonormal_over_directions(dimensions, last):
    n = 64
    shell = shells(n, (20.0, 31.0), dimensions)
    values = [cubic_harmonic(n, dimensions, order) for order in (0, 4, last)]
    products = [[shell.sums(a * b)[0] / shell.modes[0] for a in values] for b in values]
    # a shell of many modes stands for all directions, up to the roughness of its edge: 2000 modes and more
    np.testing.assert_allclose(products, np.eye(3), atol=0.06)
    with pytest.raises(BadInput, match="order of a harmonic"):
        cubic_harmonic(n, dimensions, 5)


def test_attribution_alike_in_all_modes_has_no_moments():
    newton = noise(1, 1, 8, 8, 8)
    found = integrated_modes(ShellPower(8, 3, EDGES, torch.ones(1, 3, dtype=torch.float64)), newton)
    weight = np.broadcast_to(fourier.half_axis_weights(8), (8, 8, 5))
    alike = type(found)(weight[None, None], found.change, found.steps)
    parts = alike.by_shell_and_harmonic(EDGES).shells[0]
    np.testing.assert_allclose(parts[:, 0], shells(8, EDGES).modes)
    np.testing.assert_allclose(parts[:, 1:], 0, atol=1e-10)


@given(st.integers(3, 9), st.integers(2, 3), st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_transforms_keep_sums(n, dimensions, seed):
    fields = noise(2, *(n,) * dimensions, seed=seed)
    modes = fourier.forward(fields, dimensions)
    torch.testing.assert_close(fourier.backward(modes, n, dimensions), fields)
    power = (torch.from_numpy(fourier.half_axis_weights(n)) * modes.abs() ** 2).sum() / n**dimensions
    assert float(power) == pytest.approx(float((fields**2).sum()))


def test_errors_over_seeds_by_hand():
    values = np.array([[1.0], [2.0], [6.0]])
    found = mean_over_seeds(values)
    assert (found.value[0], found.seeds) == (3.0, 3)
    assert found.error[0] == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3))
    doubled = mean_over_seeds(np.repeat(values, 2, axis=0), [7, 7, 1, 1, 4, 4])  # samples of a seed add no draws
    assert doubled.error[0] == pytest.approx(found.error[0])
    share = share_over_seeds(2 * values, values[:, 0])
    assert (share.value[0], share.error[0]) == (2.0, pytest.approx(0, abs=1e-12))


@pytest.mark.parametrize(
    ("samples", "baseline", "message"),
    [
        (torch.zeros(2, 1, 4, 4, 5), None, "expected real"),
        (torch.full((1, 1, 4, 4, 4), torch.nan), None, "NaN"),
        (torch.zeros(2, 1, 4, 4, 4), torch.zeros(1, 1, 4, 4, 4), "baseline has shape"),
    ],
)
def test_bad_samples_are_refused(samples, baseline, message):
    with pytest.raises(BadInput, match=message):
        integrated_modes(Bowl(torch.zeros(())), samples, baseline)


def test_bad_directions_and_answers_are_refused():
    found = integrated_modes(Bowl(torch.zeros((), dtype=torch.float64)), torch.ones(1, 1, 4, 4))
    with pytest.raises(BadInput, match="axis is 'z'"):
        found.by_shell_and_direction((0.5, 1.5), axis="z")
    with pytest.raises(BadInput, match="mu_edges"):
        found.by_shell_and_direction((0.5, 1.5), (0, 0.4))
    with pytest.raises(BadInput, match="the network answers"):
        integrated_modes(nn.Identity(), torch.ones(1, 1, 4, 4))
