"""Amplitude against phase: constructed twins where the answer is known, and sums that have to hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from helpers.analytic import ShellPower, TriangleSums, noise
from weakfield.base.errors import BadInput
from weakfield.explain.amplitude_phase import amplitude_phase, polar
from weakfield.explain.modes import pair_integrated_modes

EDGES = (0.5, 1.5, 2.5, 4.0)
TRIANGLES = TriangleSums(8, 3, EDGES, {(0, 0, 1): 1.0, (0, 1, 2): -2.0}, {1: 0.5})


def twins(n: int, dimensions: int, channels: int = 1):
    shape = (2, channels, *(n,) * dimensions)
    first = noise(*shape)
    return first, first + 0.4 * noise(*shape, seed=2)


class Quartic(nn.Module):
    def forward(self, x):
        return (x + x**2 - x**3 / 3 + x**4 / 10).flatten(1).sum(dim=1)


@pytest.mark.parametrize(("n", "dimensions"), [(8, 3), (5, 3), (8, 2), (7, 2)])
def test_polar_form_gives_the_members_back(n, dimensions):
    first, second = twins(n, dimensions, channels=2)
    found = polar(first, second)
    torch.testing.assert_close(found.field(0, 0), first)
    torch.testing.assert_close(found.field(1, 1), second)
    torch.testing.assert_close(polar(second, first).field(1, 0), found.field(0, 1))
    assert float(found.turn.abs().max()) <= np.pi


@pytest.mark.parametrize("network", [TRIANGLES, Quartic()])
@pytest.mark.parametrize("order", ["shapley", "amplitude_first", "phase_first"])
def test_parts_add_up_to_the_logit(network, order):
    first, second = twins(8, 3)
    found = amplitude_phase(network, first, second, order=order)
    change = (network(second) - network(first)).numpy()
    np.testing.assert_allclose(found.change, change, rtol=1e-10)
    # 32 nodes for what is a product of four harmonic functions of at most half a turn each
    np.testing.assert_allclose(found.amplitude.total + found.phase.total, change, rtol=1e-9)
    assert np.abs(found.phase.total).min() > 1e-3 * np.abs(change).max()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_power_has_no_phase(dimensions):
    network = ShellPower(8, dimensions, EDGES, torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64))
    first, second = twins(8, dimensions)
    found = amplitude_phase(network, first, second)
    straight = pair_integrated_modes(network, first, second)
    scale = np.abs(straight.values).max()
    np.testing.assert_allclose(found.phase.values, 0, atol=1e-12 * scale)
    # |X|^2 of every mode, by whichever path
    np.testing.assert_allclose(found.amplitude.values, straight.values, atol=1e-12 * scale)


@pytest.mark.slow(minutes=0.1)
def test_where_only_amplitudes_differ_all_is_amplitude():
    first, second = twins(8, 3)
    other = polar(first, second).field(1, 0)
    found = amplitude_phase(TRIANGLES, first, other)
    scale = np.abs(found.amplitude.total)
    np.testing.assert_allclose(found.phase.total / scale, 0, atol=1e-12)
    np.testing.assert_allclose(found.amplitude.total / found.change, 1, rtol=1e-12)
    straight = pair_integrated_modes(TRIANGLES, first, other)  # the same straight path
    np.testing.assert_allclose(found.amplitude.values, straight.values, atol=1e-12 * scale.max())


def test_where_only_phases_differ_all_is_phase():
    first, second = twins(8, 3)
    other = polar(first, second).field(0, 1)
    found = amplitude_phase(TRIANGLES, first, other)
    np.testing.assert_allclose(found.amplitude.total / found.change, 0, atol=1e-12)
    np.testing.assert_allclose(found.phase.total / found.change, 1, rtol=1e-9)


def test_one_mode_by_hand():
    n, two_pi = 6, 2 * np.pi
    x = two_pi * 2 * torch.arange(n, dtype=torch.float64) / n

    class Slope(nn.Module):
        def forward(self, fields):
            return (fields[:, 0] * torch.cos(x)).sum(dim=(1, 2))

    first, second = (a * torch.cos(x + p).expand(1, 1, n, n) for a, p in ((1.0, 0.3), (3.0, -1.1)))
    # logit = n^2/2 A cos theta
    half, c0, c1 = n**2 / 2, np.cos(0.3), np.cos(1.1)
    expected = {
        "amplitude_first": (2 * c0, 3 * (c1 - c0)),
        "phase_first": (2 * c1, 1 * (c1 - c0)),
        "shapley": (c0 + c1, 2 * (c1 - c0)),
    }
    for order, (amplitude, phase) in expected.items():
        found = amplitude_phase(Slope(), first, second, order=order)
        assert found.amplitude.values[0, 0, 0, 2] == pytest.approx(half * amplitude)
        assert found.phase.values[0, 0, 0, 2] == pytest.approx(half * phase)
        assert found.phase.total[0] == pytest.approx(half * phase)


@pytest.mark.slow(minutes=0.1)
def test_half_a_turn_of_all_phases_and_modes_without_amplitude():
    first = noise(1, 1, 8, 8, 8)
    turned = amplitude_phase(TRIANGLES, first, -first)
    np.testing.assert_allclose(turned.amplitude.total + turned.phase.total, turned.change, rtol=1e-9)
    grown = amplitude_phase(TRIANGLES, torch.zeros_like(first), first)  # nothing has no phase
    np.testing.assert_allclose(grown.amplitude.total, grown.change, rtol=1e-10)
    np.testing.assert_allclose(grown.phase.values, 0, atol=1e-12)


def test_unknown_orders_and_unlike_twins_are_refused():
    with pytest.raises(BadInput, match="order is 'both'"):
        amplitude_phase(Quartic(), torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), order="both")
    with pytest.raises(BadInput, match="expected the same"):
        amplitude_phase(Quartic(), torch.ones(1, 1, 4, 4), torch.ones(2, 1, 4, 4))
