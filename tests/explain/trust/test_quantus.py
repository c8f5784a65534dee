"""Measures of Quantus on maps whose answers are known by hand, and on a region that is planted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from weakfield.explain.trust import quantus_measures
from weakfield.explain.trust.quantus_measures import complexity, localisation, relative_stability, sensitivity_n

pytest.importorskip("quantus", reason="Quantus is not installed (pip install 'weakfield[quantus]')")

N, PAIRS = 4, 6


class Linear(nn.Module):
    """The logit w x, with w given for every cell."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights.clone())

    def forward(self, samples: Tensor) -> Tensor:
        return (samples * self.weights).flatten(1).sum(1)


@pytest.fixture
def pairs() -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(3)
    newton, change = random.standard_normal((2, PAIRS, 1, N, N, N))
    return torch.from_numpy(newton).float(), torch.from_numpy(newton + 0.3 * change).float()


def test_a_single_cell_is_as_simple_as_a_map_can_be(pairs: tuple[Tensor, Tensor]) -> None:
    newton, _ = pairs
    single, alike = torch.zeros_like(newton), torch.ones_like(newton, dtype=torch.float64)
    single[:, 0, 1, 2, 3] = 5.0
    alike[:, 0, 0, 0, 0] = 1.0 + 1e-9  # Quantus refuses maps of a single number
    found = {name: complexity(newton, maps) for name, maps in {"single": single, "alike": alike}.items()}
    assert found["single"]["complexity"] == pytest.approx(0, abs=1e-6)
    assert found["alike"]["complexity"] == pytest.approx(np.log(N**3), rel=1e-5)
    assert found["single"]["sparseness"] == pytest.approx(1 - 1 / N**3, rel=1e-5)
    assert found["alike"]["sparseness"] == pytest.approx(0, abs=1e-6)


def test_a_map_that_noise_does_not_change_is_perfectly_stable(pairs: tuple[Tensor, Tensor]) -> None:
    _, gr = pairs
    weights = torch.from_numpy(np.random.default_rng(5).standard_normal((1, N, N, N))).float()
    network = Linear(weights)

    def gradient(samples: Tensor) -> Tensor:
        return weights.expand(samples.shape).double()

    def product(samples: Tensor) -> Tensor:
        return (weights * samples).double()

    steady = relative_stability(network, gr, gradient(gr), gradient)
    assert steady.tolist() == PAIRS * [0.0]
    # x w changes as x does, cell by cell
    assert relative_stability(network, gr, product(gr), product) == pytest.approx(1, rel=1e-3)


def test_sums_of_a_linear_network_follow_its_logit(pairs: tuple[Tensor, Tensor]) -> None:
    newton, gr = pairs
    weights = torch.from_numpy(np.random.default_rng(6).standard_normal((1, N, N, N))).float()
    right = (weights * (gr - newton)).double()
    wrong = right[torch.randperm(PAIRS, generator=torch.Generator().manual_seed(0))].flip(-1)
    follows, does_not = (sensitivity_n(Linear(weights), newton, gr, maps) for maps in (right, wrong))
    assert follows is not None
    assert does_not is not None
    assert follows > 0.5 > does_not
    assert sensitivity_n(Linear(weights), newton[:1], gr[:1], right[:1]) is None


def test_a_map_that_points_at_the_planted_region_is_local(pairs: tuple[Tensor, Tensor]) -> None:
    newton, gr = pairs
    regions = torch.zeros(PAIRS, N, N, N, dtype=torch.bool)
    regions[:, :2, :2, :2] = True
    maps = torch.where(regions[:, None], 2.0, 0.1 + 0.01 * newton.abs()).double()
    found = localisation(gr, maps, regions)
    assert found["rank"].tolist() == found["auc"].tolist() == PAIRS * [1.0]
    inside = (maps * regions[:, None]).flatten(1).sum(1) / maps.flatten(1).sum(1)
    assert found["mass"] == pytest.approx(inside.numpy())
    away = localisation(gr, maps, ~regions)
    assert (away["auc"] == 0).all()


def test_all_of_it_for_a_method(pairs: tuple[Tensor, Tensor]) -> None:
    newton, gr = pairs
    weights = torch.ones(1, N, N, N)
    found = quantus_measures.measured(Linear(weights), newton, gr, lambda x: (x - newton).double(), 2, 64.0)
    assert found.sensitivity_n is not None
    assert found.complexity.error is not None
    assert 0 < found.sparseness.value < 1
    again = quantus_measures.measured(Linear(weights), newton, gr, lambda x: (x - newton).double(), 2, 64.0)
    assert again == found
