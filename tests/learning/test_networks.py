"""Networks: shapes, symmetry under shifts, no dependence on the batch, refusals."""

from __future__ import annotations

import pytest
import torch

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks import NETWORKS, build_network
from weakfield.learning.networks.cnn3d import CircularConv3d


def small(**values: object) -> TrainingSettings:
    return TrainingSettings.from_mapping({"channels": 4, "blocks": 2, **values})


def cubes(count: int, grid: int) -> torch.Tensor:
    return torch.randn(count, 1, grid, grid, grid, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("grid", [4, 8, 12])
def test_one_logit_a_cube(name: str, grid: int) -> None:
    network = build_network((1, *(grid,) * 3), small(network=name)).eval()
    assert network(cubes(3, grid)).shape == (3,)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_score_does_not_depend_on_the_company(name: str) -> None:
    network = build_network((1, *(8,) * 3), small(network=name)).eval()
    batch = cubes(5, 8)
    with torch.no_grad():
        together, alone = network(batch), torch.cat([network(cube[None]) for cube in batch])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)  # float32; convolutions may block differently


@pytest.mark.parametrize("name", NETWORKS)
def test_shifts_by_whole_strides_change_nothing(name: str) -> None:
    network = build_network((1, *(8,) * 3), small(network=name)).eval()
    batch = cubes(2, 8)
    with torch.no_grad():
        shifted = network(batch.roll((4, -4, 8), dims=(2, 3, 4)))
        torch.testing.assert_close(shifted, network(batch), rtol=0, atol=1e-6)  # float32 sums in another order


def test_convolution_wraps_around() -> None:
    layer = CircularConv3d(1, 1)
    with torch.no_grad():
        layer.convolution.weight.zero_()
        layer.convolution.bias.zero_()
        layer.convolution.weight[0, 0, 0, 1, 1] = 1.0  # the neighbour at z - 1
        cube = cubes(1, 4)
        assert torch.equal(layer(cube), cube.roll(1, dims=2))


def test_amplitude_and_mean_reach_the_logit() -> None:
    network = build_network((1, *(8,) * 3), small()).eval()
    batch = cubes(1, 8)
    with torch.no_grad():
        scores = [float(network(cube)) for cube in (batch, 1.5 * batch, batch + 0.5)]
    assert min(abs(scores[0] - scores[1]), abs(scores[0] - scores[2])) > 1e-4


def test_refusals() -> None:
    with pytest.raises(BadInput, match=r"blocks is 2 but the cubes have 6 cells a side.*2\^blocks = 4"):
        build_network((1, *(6,) * 3), small())
    with pytest.raises(BadInput, match=r"training.network is 'cnn3', .*did you mean 'cnn3d'"):
        build_network((1, *(8,) * 3), small(network="cnn3"))
