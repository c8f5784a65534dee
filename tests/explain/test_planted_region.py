"""One region of the box is altered: a network that has learned to see it, and maps that must point there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from synthetic import gaussian
from weakfield.config.training import TrainingSettings
from weakfield.dataset import PairTensor
from weakfield.explain.pixels import method
from weakfield.learning import Task, evaluate, fit, score
from weakfield.mesh.threads import threads

pytestmark = pytest.mark.slow

N, SIDE = 16, 6  # cells of the box and of the region
#: none of them is told where the twins differ: their baseline is the mean field. Options, and what must be exceeded by
#: the rank and the overlap (0.5 and 0.03 for a map that knows nothing, as the region is 5 % of the box). Gradients are
#: sensitivities, also of cells around the region that a change there would bring into play; blocks are coarse.
METHODS: dict[str, tuple[dict, float, float]] = {
    "gradient": ({}, 0.7, 0.1),
    "smoothgrad": ({"draws": 8}, 0.7, 0.1),
    "occlusion": ({"block": 2}, 0.75, 0.15),
    "gradient_x_input": ({}, 0.8, 0.25),
    "integrated": ({"steps": 16}, 0.8, 0.25),
    "grad_cam": ({}, 0.8, 0.25),
    "guided_grad_cam": ({}, 0.8, 0.25),
    "deeplift": ({}, 0.8, 0.25),
}


def planted(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Newton and GR (2, 1, N, N, N), GR with small-scale noise in one region; and the region, (N, N, N) bool."""
    random = np.random.default_rng([seed, 5])
    field = gaussian(N, random)
    region = np.zeros(3 * (N,), dtype=bool)
    region[:SIDE, :SIDE, :SIDE] = True
    region = np.roll(region, random.integers(N, size=3), axis=(0, 1, 2))
    noise = random.standard_normal(field.shape) * region
    noise -= noise.sum() / region.sum() * region  # the mean gives nothing away
    pair = np.stack([field, field + 0.8 * noise])[:, None]
    return torch.from_numpy(pair).float(), torch.from_numpy(region)


def pairs(seeds: range) -> PairTensor:
    return PairTensor(tuple(seeds), torch.stack([planted(seed)[0] for seed in seeds]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    parts = {"train": pairs(range(40)), "validation": pairs(range(40, 50)), "test": pairs(range(50, 60))}
    settings = TrainingSettings(channels=6, blocks=2, epochs=25, batch_pairs=4)
    with threads(1):  # a training gives the same weights for the same number of threads alone
        network = fit(Task(settings, parts, "planted region"), tmp_path_factory.mktemp("planted"))
    auc = evaluate(score(network, parts["test"]), 200)["auc"].value
    assert auc > 0.9  # attribution is judged only where the network has learned the signal
    return network, parts["test"]


def smoothed(maps: torch.Tensor) -> np.ndarray:
    """Periodic means over 3^3 cells of |A| (n, 1, N, N, N): (n, N, N, N)."""
    padded = F.pad(maps.abs(), (1,) * 6, mode="circular")
    return F.avg_pool3d(padded, 3, stride=1)[:, 0].numpy()


def pointed(maps: np.ndarray, regions: np.ndarray) -> tuple[float, float]:
    """Mean over samples of how often a cell of the region ranks above one outside, and of intersection over union of
    the region with as many of the strongest cells."""
    ranks, overlaps = [], []
    for values, region in zip(maps, regions, strict=True):
        inside, outside = values[region], np.sort(values[~region])
        ranks.append(np.searchsorted(outside, inside).mean() / len(outside))
        top = values >= np.sort(values.ravel())[-region.sum()]
        overlaps.append((top & region).sum() / (top | region).sum())
    return float(np.mean(ranks)), float(np.mean(overlaps))


@pytest.mark.parametrize("name", METHODS)
def test_methods_point_at_the_region(trained, name):
    network, test = trained
    gr = test.values[:, 1]
    regions = torch.stack([planted(seed)[1] for seed in test.seeds]).numpy()
    options, rank, overlap = METHODS[name]
    found = pointed(smoothed(method(name)(network, gr, **options)), regions)
    assert found[0] > rank, found
    assert found[1] > overlap, found


def test_the_pair_integral_lies_in_the_region_and_adds_up(trained):
    network, test = trained
    newton, gr = test.values.unbind(1)
    regions = torch.stack([planted(seed)[1] for seed in test.seeds])
    maps = method("pair_integrated")(network, gr, newton, most=8192)  # noise of 0.8 rms crosses many kinks
    assert float(maps[:, 0][~regions].abs().max()) < 1e-12  # the twins agree there
    with torch.no_grad():
        change = (network(gr) - network(newton)).double()
    torch.testing.assert_close(maps.flatten(1).sum(1), change, atol=1e-4, rtol=1e-5)


def test_a_map_that_knows_nothing_does_not_pass(trained):
    _, test = trained
    regions = torch.stack([planted(seed)[1] for seed in test.seeds]).numpy()
    blind = torch.randn(10, 1, N, N, N, generator=torch.Generator().manual_seed(1))
    rank, overlap = pointed(smoothed(blind), regions)
    assert abs(rank - 0.5) < 0.1
    assert overlap < 0.1
