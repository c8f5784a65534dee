"""One region of the box is altered: a network that has learned to see it, and maps that must point there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers.synthetic import gaussian
from weakfield.config.training import TrainingSettings
from weakfield.dataset import PairTensor
from weakfield.explain.modes import pair_integrated_modes
from weakfield.explain.paths import PathOptions
from weakfield.explain.pixels import method
from weakfield.learning import Task, evaluate, fit, score
from weakfield.mesh.threads import threads

pytestmark = pytest.mark.slow

N, SIDE = 16, 6  # cells of the box and of the region
#: none of them is told where the twins differ: their baseline is the mean field
METHODS: dict[str, dict] = {
    "gradient": {},
    "smoothgrad": {"draws": 8},
    "occlusion": {"block": 2},
    "gradient_x_input": {},
    "integrated": {"steps": 16},
    "grad_cam": {},
    "guided_grad_cam": {},
    "deeplift": {},
}
#: gradients are sensitivities, also of cells around the region that a change there would bring into play; the others
#: say what the cells that are there are worth, and must point better
SENSITIVITIES = ("gradient", "smoothgrad")
ELSEWHERE = 99  # chance does what is demanded in one case of a hundred


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


@pytest.fixture(scope="module")
def found(trained) -> dict[str, np.ndarray]:
    """Maps of every method, (samples, N, N, N)."""
    network, test = trained
    gr = test.values[:, 1]
    return {name: smoothed(method(name)(network, gr, **options)) for name, options in METHODS.items()}


@pytest.fixture(scope="module")
def regions(trained) -> np.ndarray:
    return torch.stack([planted(seed)[1] for seed in trained[1].seeds]).numpy()


@pytest.mark.parametrize("name", METHODS)
def test_methods_point_at_the_region(found, regions, name):
    rank, overlap = pointed(found[name], regions)
    assert rank > 0.75  # nearer to 1, what a map has that knows the region, than to 0.5, that of one that knows nothing
    # and more than the same maps, as smooth as they are, have with regions elsewhere
    random = np.random.default_rng(1)
    elsewhere = [
        pointed(found[name], np.stack([np.roll(r, random.integers(N, size=3), axis=(0, 1, 2)) for r in regions]))
        for _ in range(ELSEWHERE)
    ]
    assert rank > max(each[0] for each in elsewhere)
    assert overlap > max(each[1] for each in elsewhere)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in SENSITIVITIES])
def test_what_cells_are_worth_points_better_than_a_gradient(found, regions, name):
    for value, gradient in zip(pointed(found[name], regions), pointed(found["gradient"], regions), strict=True):
        assert value > gradient


def test_modes_say_that_it_is_short_ones(trained):
    """Where in the box, no mode knows; the noise is white, so that shells differ the more, the more modes they have."""
    network, test = trained
    newton, gr = test.values.unbind(1)
    parts = pair_integrated_modes(network, newton, gr, PathOptions(tolerance=2e-2)).by_shell((0.5, 2.5, 4.5, 6.5))
    shares = parts.shells.sum(axis=0) / parts.total.sum()
    assert (np.diff(shares) > 0).all()
    assert shares.sum() < 0.5  # most modes of a cube are beyond, in its corners


def test_the_pair_integral_lies_in_the_region_and_adds_up(trained, regions):
    network, test = trained
    newton, gr = test.values.unbind(1)
    maps = method("pair_integrated")(network, gr, newton, most=8192)  # noise of 0.8 rms crosses many kinks
    assert float(maps[:, 0][torch.from_numpy(~regions)].abs().max()) < 1e-12  # the twins agree there
    with torch.no_grad():
        change = (network(gr) - network(newton)).double()
    torch.testing.assert_close(maps.flatten(1).sum(1), change, atol=1e-4, rtol=1e-5)


def test_a_map_that_knows_nothing_does_not_pass(regions):
    blind = torch.randn(10, 1, N, N, N, generator=torch.Generator().manual_seed(1))
    rank, overlap = pointed(smoothed(blind), regions)
    assert abs(rank - 0.5) < 0.1
    assert overlap < 0.1
