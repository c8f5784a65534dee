"""The network with the symmetry of the cube: orbits counted by hand, layers that turn, a logit that does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from helpers.drawn_task import task
from weakfield.config.training import Normalisation, TrainingSettings
from weakfield.learning import fit
from weakfield.learning.augmentation import symmetries
from weakfield.learning.networks import build_network
from weakfield.learning.networks.symmetric import SymmetricConvolution, orbits


def samples(count: int, grid: int, dims: int = 3, dtype: torch.dtype = torch.float64) -> Tensor:
    """Noise of amplitudes from 0.3 to 2, so that logits spread as those of a trained network do."""
    random = torch.Generator().manual_seed(2)
    height = torch.linspace(0.3, 2.0, count).view(-1, *[1] * (dims + 1))
    return (height * torch.randn(count, 1, *(grid,) * dims, generator=random)).to(dtype)


def network(dims: int = 3, grid: int = 8, **values: object) -> nn.Module:
    torch.manual_seed(3)
    settings = TrainingSettings.from_mapping({"network": "symmetric", "channels": 2, "blocks": 2, **values})
    return build_network((1, *(grid,) * dims), settings).eval()


def error(made: nn.Module, batch: Tensor) -> float:
    """Largest change of a logit by any symmetry, over the standard deviation of the logits."""
    with torch.no_grad():
        plain = made(batch)
        turned = torch.stack([made(symmetry(batch)) for symmetry in symmetries(batch.ndim - 2)])
    return float((turned - plain).abs().max() / plain.std())


@pytest.mark.parametrize("dims", [2, 3])
def test_the_logit_is_the_same_for_all_symmetries(dims: int) -> None:
    assert error(network(dims).double(), samples(8, 8, dims)) < 1e-12


def test_a_trained_network_in_single_precision_keeps_its_symmetry(tmp_path: Path) -> None:
    """Initial weights give logits that hardly differ; those of a training spread by more than they are rounded."""
    job = task(network="symmetric", channels=2, epochs=20, learning_rate=1e-2, dropout=0.0)
    made = fit(job, tmp_path)
    cubes = job.pairs["test"].values.flatten(0, 1)
    assert float(made(cubes).detach().std()) > 1
    assert error(made, cubes) < 1e-6


@pytest.mark.parametrize("kind", get_args(Normalisation))
def test_normalisations_keep_the_symmetry(kind: Normalisation) -> None:
    made = network(normalisation=kind, activation="prelu").double().train()
    made(samples(8, 8))  # running means that are not 0
    assert error(made.eval(), samples(8, 8)) < 1e-12


def test_a_plain_network_has_not_this_symmetry() -> None:
    assert error(network(network="cnn3d").double(), samples(8, 8)) > 1e-2


@pytest.mark.parametrize(("dims", "kernel", "directed", "count"), [
    (3, 3, False, 9),  # on the axis at -1, 0, 1, each with 0, 1 or 2 others: 3 x 3
    (3, 2, False, 2),  # before or behind
    (2, 3, False, 6),
    (3, 1, True, 3),  # the same direction, the opposite one, across
    (2, 2, True, 8),  # before or behind for the first two; all four cells for the last
    (3, 2, True, 8),
    (3, 3, True, 36),  # 9 for each of the first two; 3 x 3 x 2 for the last, whose symmetry is one mirror
])  # fmt: skip
def test_orbits_by_hand(dims: int, kernel: int, directed: bool, count: int) -> None:
    found = orbits(dims, kernel, directed)
    assert found.shape == (2 * dims, 2 * dims if directed else 1, kernel**dims)
    assert set(found.ravel().tolist()) == set(range(count))


@pytest.mark.parametrize("dims", [2, 3])
def test_orbits_are_counted_by_burnside(dims: int) -> None:
    """As many orbits as entries that stay in place, on average over the group."""
    stay = 0
    for symmetry in symmetries(dims):
        fixed = [
            not r and p == axis
            for axis, (p, r) in enumerate(zip(symmetry.permutation, symmetry.reflected, strict=True))
        ]
        directions = 2 * sum(fixed)
        # places that stay: one number for each cycle of axes that returns with its sign, 0 in the others
        places = torch.arange(3**dims).view(1, 1, *(3,) * dims)
        stay += directions**2 * int((symmetry(places) == places).sum())
    assert orbits(dims, 3, True).max() + 1 == stay / len(symmetries(dims))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("kernel", "directed"), [(3, False), (3, True), (2, True)])
def test_layers_turn_with_what_they_see(dims: int, kernel: int, directed: bool) -> None:
    """Maps and their directions of a turned sample are those of the sample, turned."""
    torch.manual_seed(1)
    layer = SymmetricConvolution(dims, 2, 3, kernel, directed).double()
    x = torch.randn(2, 2 * layer.before, *(6,) * dims, dtype=torch.float64)
    for symmetry in symmetries(dims):
        axes = [symmetry.permutation.index(axis) for axis in range(dims)]  # where each axis goes
        moved = [axes[u % dims] + dims * ((u >= dims) != symmetry.reflected[axes[u % dims]]) for u in range(2 * dims)]

        def turned(maps: Tensor, channels: int) -> Tensor:
            whole = symmetry(maps).unflatten(1, (channels, -1))  # noqa: B023
            if whole.shape[2] > 1:
                whole = torch.empty_like(whole).index_copy_(2, torch.tensor(moved), whole)  # noqa: B023
            return whole.flatten(1, 2)

        with torch.no_grad():
            torch.testing.assert_close(layer(turned(x, 2)), turned(layer(x), 3), rtol=0, atol=1e-12)


def test_whole_strides_and_nothing_else() -> None:
    made, batch = network().double(), samples(3, 8)
    still = symmetries(3)[0]
    with torch.no_grad():
        plain = made(batch)
        shifts = {s: float((made(replace(still, shift=(s, 0, s))(batch)) - plain).abs().max()) for s in (1, 4)}
    assert shifts[4] < 1e-12 < shifts[1]


def test_parameters_by_hand() -> None:
    """One block on cubes of one channel: orbits of both kernels between 2 channels, biases, dense layers."""
    made = network(blocks=1)
    counted = (2 * 9 + 2) + (4 * 8 + 2) + (2 * 8 + 8) + (8 + 1)
    assert sum(p.numel() for p in made.parameters()) == counted
