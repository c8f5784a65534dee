"""Gradients of networks that can be differentiated by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from weakfield.config.training import TrainingSettings
from weakfield.explain.saliency import gradient, projections
from weakfield.learning.networks import build_network


class Weighted(nn.Module):
    """logit = sum w x^2 / 2, so that d logit / dx = w x."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights * x[:, 0] ** 2 / 2).sum(dim=(1, 2, 3))


def cubes(count: int = 2, n: int = 8) -> Tensor:
    return torch.randn(count, n, n, n, generator=torch.Generator().manual_seed(3))


def test_gradient_by_hand_with_its_sign():
    weights, inputs = cubes(1)[0] - 0.5, cubes()
    torch.testing.assert_close(gradient(Weighted(weights), inputs), (weights * inputs).double())


def test_gradient_of_a_network_agrees_with_finite_differences():
    network = build_network((1, *(8,) * 3), TrainingSettings(channels=2, blocks=2)).double()
    inputs = cubes(1).double()
    found = gradient(network, inputs)
    step = 1e-6
    for cell in [(0, 0, 0, 0), (0, 3, 1, 7), (0, 7, 7, 7)]:
        moved = [inputs.clone(), inputs.clone()]
        for sign, cube in zip((-1, 1), moved, strict=True):
            cube[cell] += sign * step
        with torch.no_grad():
            low, high = (float(network.eval()(cube[:, None])) for cube in moved)
        # double precision: rounding 1e-16 / step leaves 1e-10
        assert float(found[cell]) == pytest.approx((high - low) / (2 * step), abs=1e-9)


def test_a_cube_does_not_depend_on_its_company_nor_the_network_on_being_asked():
    network = build_network((1, *(8,) * 3), TrainingSettings(channels=2, blocks=2, dropout=0.5)).train()
    inputs = cubes()
    torch.testing.assert_close(gradient(network, inputs)[1], gradient(network, inputs[1:])[0], rtol=1e-5, atol=1e-9)
    assert network.training


def test_projections_by_hand():
    cube = torch.zeros(4, 4, 4, dtype=torch.float64)
    cube[1, 2, 3], cube[0, 2, 3] = 5.0, 1.0
    along_z, along_y, along_x = projections(cube)
    assert (along_z[2, 3], along_y[1, 3], along_x[0, 2]) == (6.0, 5.0, 1.0)
    assert along_z.sum() == along_y.sum() == along_x.sum() == 6.0
