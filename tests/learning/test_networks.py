"""Networks: shapes in two and three dimensions, symmetry under shifts, parameters counted by hand, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import nn

from helpers.drawn_task import task
from helpers.synthetic import tiny_study
from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash
from weakfield.config.training import Activation, Normalisation, TrainingSettings
from weakfield.learning import fit, score, training
from weakfield.learning.networks import NETWORKS, arrange, build_network
from weakfield.learning.networks.layers import CircularConvolution, SharedDropout, activation, normalisation
from weakfield.learning.networks.mlp import Summaries
from weakfield.learning.plugins import plugin_sources

DIMS = {"cnn2d": (2,), "cnn3d": (3,)}
CASES = [(name, dims) for name in NETWORKS for dims in DIMS.get(name, (2, 3))]


def small(**values: object) -> TrainingSettings:
    return TrainingSettings.from_mapping({"channels": 4, **values})


def shallow(name: str, **values: object) -> TrainingSettings:
    """Two blocks, or for camels one: what 8 cells a side allow of every network."""
    return small(network=name, blocks=1 if name == "camels" else 2, **values)


def samples(count: int, grid: int, dims: int = 3, channels: int = 1) -> torch.Tensor:
    return torch.randn(count, channels, *(grid,) * dims, generator=torch.Generator().manual_seed(2))


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(("name", "dims"), CASES)
@pytest.mark.parametrize("channels", [1, 3])
def test_one_logit_a_sample(name: str, dims: int, channels: int) -> None:
    network = build_network((channels, *(8,) * dims), shallow(name)).eval()
    assert network(samples(3, 8, dims, channels)).shape == (3,)


@pytest.mark.parametrize(("name", "dims"), CASES)
def test_any_number_of_classes(name: str, dims: int) -> None:
    network = build_network((1, *(8,) * dims), shallow(name, classes=4, loss="cross_entropy")).eval()
    assert network(samples(3, 8, dims)).shape == (3, 4)


@pytest.mark.parametrize(("name", "dims"), CASES)
@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
def test_a_score_does_not_depend_on_company_or_layout(name: str, dims: int, layout: str) -> None:
    network = build_network((1, *(8,) * dims), shallow(name)).eval()
    batch = samples(5, 8, dims)
    with torch.no_grad():
        together = network(batch)
        alone = torch.cat([arrange(network, layout)(cube[None]) for cube in batch])
    torch.testing.assert_close(together, alone, rtol=0, atol=2e-6)  # float32; convolutions may block differently


@pytest.mark.parametrize(("name", "dims"), [case for case in CASES if case[0] not in ("camels", "penguin")])
def test_shifts_by_whole_strides_change_nothing(name: str, dims: int) -> None:
    network = build_network((1, *(8,) * dims), shallow(name)).eval()
    batch = samples(2, 8, dims)
    with torch.no_grad():
        shifted = network(batch.roll((4, -4, 8)[:dims], dims=(2, 3, 4)[:dims]))
        torch.testing.assert_close(shifted, network(batch), rtol=0, atol=2e-6)  # float32 sums in another order


@pytest.mark.parametrize(("name", "dims"), CASES)
def test_amplitude_and_mean_reach_the_logit(name: str, dims: int) -> None:
    torch.manual_seed(0)
    network = build_network((1, *(8,) * dims), shallow(name)).eval()
    batch = samples(1, 8, dims)
    with torch.no_grad():
        scores = [float(network(cube)) for cube in (batch, 1.5 * batch, batch + 0.5)]
    assert min(abs(scores[0] - scores[1]), abs(scores[0] - scores[2])) > 1e-5  # rounding is 1e-7


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "cnn2d"])
@pytest.mark.parametrize("kind", get_args(Normalisation))
@pytest.mark.parametrize("act", get_args(Activation))
def test_every_activation_and_normalisation_trains(name: str, kind: Normalisation, act: Activation) -> None:
    network = build_network((1, 8, 8, 8), shallow(name, activation=act, normalisation=kind, dropout=0.1))
    network(samples(4, 8)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_the_networks_of_the_study_has_its_8_46_million_parameters() -> None:
    h, convolutions, norms, before = 6, 0, 0, 1
    for c in (2 * h, 4 * h, 8 * h, 16 * h, 32 * h, 64 * h):
        convolutions += (9 * before * c + c) + (9 * c * c + c) + (4 * c * c + c)
        norms += 3 * 2 * c
        before = c
    last = 16 * 64 * h * 128 * h + 128 * h + 2 * 128 * h
    dense = (128 * h * 64 * h + 64 * h) + (64 * h + 1)
    expected = convolutions + norms + last + dense
    assert expected == 8_462_641
    assert parameters(build_network((1, 256, 256), TrainingSettings(network="camels"))) == expected


@pytest.mark.parametrize(("grid", "dims", "blocks"), [(8, 3, 1), (32, 3, 3), (64, 2, 4), (48, 2, 3), (40, 3, 3)])
def test_camels_takes_as_many_blocks_as_the_grid_has(grid: int, dims: int, blocks: int) -> None:
    network = build_network((1, *(grid,) * dims), small(network="camels"))
    strided = [m for m in network.modules() if getattr(m, "stride", (1,))[0] == 2]
    assert len(strided) == blocks
    assert network.eval()(samples(1, grid, dims)).shape == (1,)


def test_sizes_grow() -> None:
    for name, dims in CASES:
        counts = [
            parameters(
                build_network((1, *(16,) * dims), TrainingSettings.from_mapping({"network": name, "size": size}))
            )
            for size in ("small", "base", "large")
        ]
        assert counts == sorted(set(counts)), name


def test_cnn3d_is_what_it_was() -> None:
    """The demo's network: names, order of drawing and count of its weights, from before there were others."""
    torch.manual_seed(0)
    network = build_network((1, 8, 8, 8), TrainingSettings())
    torch.manual_seed(0)
    first = nn.Conv3d(1, 8, kernel_size=3)
    state = network.state_dict()
    assert torch.equal(state["features.0.convolution.weight"], first.weight)
    assert {"features.2.weight", "features.10.bias", "head.0.weight", "head.3.bias"} <= set(state)
    counted = sum(27 * i * o + o + 8 * o * o + o for i, o in ((1, 8), (8, 16), (16, 32))) + 32 * 32 + 32 + 33
    assert parameters(network) == counted


@pytest.mark.parametrize("dims", [2, 3])
def test_convolution_wraps_around(dims: int) -> None:
    layer = CircularConvolution(dims, 1, 1)
    with torch.no_grad():
        layer.convolution.weight.zero_()
        layer.convolution.bias.zero_()
        layer.convolution.weight[(0, 0, 0, *(1,) * (dims - 1))] = 1.0  # the neighbour below on the first axis
        sample = samples(1, 4, dims)
        assert torch.equal(layer(sample), sample.roll(1, dims=2))


def test_activations_by_hand() -> None:
    x = torch.tensor([-1.0, 2.0])
    e, scale, alpha = torch.e, 1.0507009873554805, 1.6732632423543772
    expected = {
        "linear": [-1, 2],
        "sigmoid": [1 / (1 + e), 1 / (1 + e**-2)],
        "tanh": [-0.7615941560, 0.9640275801],
        "relu": [0, 2],
        "leaky_relu": [-0.2, 2],
        "prelu": [-0.25, 2],
        "elu": [1 / e - 1, 2],
        "selu": [scale * alpha * (1 / e - 1), scale * 2],
    }
    assert set(expected) == set(get_args(Activation))
    for name, values in expected.items():
        torch.testing.assert_close(activation(name)(x), torch.tensor(values, dtype=torch.float32), rtol=1e-6, atol=1e-7)


def test_groups_hold_at_least_four_channels() -> None:
    for channels, groups in ((12, 2), (64, 8), (16, 4), (6, 1), (7, 1)):
        assert normalisation(3, "group", channels)[0].num_groups == groups


def test_shares_of_a_batch_lose_what_the_batch_loses() -> None:
    layer, x = SharedDropout(0.4), torch.rand(6, 50, generator=torch.Generator().manual_seed(1)) + 1
    masked = []
    for rows in (None, ([0, 1, 4, 5], 6), ([2, 3], 6)):
        torch.manual_seed(7)
        layer.rows = rows
        masked.append(layer(x if rows is None else x[rows[0]]))
    assert 0.3 < float((masked[0] == 0).float().mean()) < 0.5  # 300 draws of 0.4: three standard errors are 0.085
    torch.testing.assert_close(torch.cat([masked[1][:2], masked[2], masked[1][2:]]), masked[0], rtol=1e-6, atol=0)
    assert torch.equal(layer.eval()(x), x)


def test_summaries_of_a_plane_wave() -> None:
    """a cos(2 k_F x) + m: mean m, variance a^2 / 2, and two modes of |f|^2 = a^2 / 4 in the second shell."""
    x = torch.arange(8) * (2 * torch.pi / 8)
    wave = (3.0 * torch.cos(2 * x) + 0.5).expand(1, 1, 8, 8, 8)
    mean, variance, *spectrum = Summaries((1, 8, 8, 8))(wave)[0].double().tolist()
    modes = sum(
        1
        for z in range(-4, 4)
        for y in range(-4, 4)
        for k in range(-4, 4)
        if 1.5 <= (z * z + y * y + k * k) ** 0.5 < 2.5
    )
    assert mean == pytest.approx(0.5, abs=1e-6)  # float32 sums of 512 numbers
    assert variance == pytest.approx(torch.log(torch.tensor(4.5)).item(), abs=1e-6)
    assert spectrum[1] == pytest.approx(torch.log(torch.tensor(2 * 2.25 / modes)).item(), abs=1e-5)
    assert max(spectrum[0], spectrum[2]) < -20  # the logarithm of rounding


def test_mlp_standardises_by_what_it_is_prepared_with() -> None:
    batch = 7.0 + 2.0 * samples(20, 6, 2)
    network = build_network((1, 6, 6), small(network="mlp"))
    network.prepare([batch[:12], batch[12:]])
    rows = (network.summaries(batch) - network.offset) / network.spread
    assert rows.mean(dim=0).abs().max() < 1e-4  # float32, offsets of order ten
    torch.testing.assert_close(rows.std(dim=0, correction=0), torch.ones(rows.shape[1]), rtol=1e-3, atol=0)
    assert build_network((9,), small(network="mlp"))(torch.ones(2, 9)).shape == (2,)


OWN = """
import torch
from torch import nn

class Mean(nn.Module):
    def __init__(self, shape, settings):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(float(settings.channels * len(shape))))
    def forward(self, x):
        return self.gain * x.flatten(1).mean(1)

class Bare(nn.Module):
    def forward(self, x):
        return x.flatten(1).sum(1)

number = 3
"""


def test_a_module_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_networks_of_a_test.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    settings = small(network="own_networks_of_a_test:Mean")
    ones = torch.ones(2, 1, 4, 4)
    assert build_network((1, 4, 4), settings)(ones).tolist() == [12.0, 12.0]
    assert build_network((1, 4, 4), small(network="own_networks_of_a_test:Bare"))(ones).tolist() == [16.0, 16.0]
    assert plugin_sources(settings) == {"network": file_hash(tmp_path / "own_networks_of_a_test.py")}
    assert plugin_sources(small()) == {}
    for name in ("own_networks_of_a_test:number", "own_networks_of_a_test:Other", "no_such_module_here:X"):
        with pytest.raises(BadInput, match=r"training.network is '.*expected"):
            build_network((1, 4, 4), small(network=name))


def test_refusals() -> None:
    with pytest.raises(BadInput, match=r"blocks is 2 but the cubes have 6 cells a side.*2\^blocks = 4"):
        build_network((1, *(6,) * 3), small(blocks=2))
    with pytest.raises(BadInput, match=r"training.network is 'cnn3', .*did you mean 'cnn3d'"):
        build_network((1, *(8,) * 3), small(network="cnn3"))
    with pytest.raises(BadInput, match=r"network cnn3d was given samples of shape \(1, 8, 8\).*expected cubes"):
        build_network((1, 8, 8), small())
    with pytest.raises(BadInput, match=r"36 cells a side, expected 4 to 7 times a power of 2"):
        build_network((1, 36, 36), small(network="camels"))
    with pytest.raises(BadInput, match=r"4 cells a side, expected 4 to 7 times a power of 2, from 8"):
        build_network((1, 4, 4), small(network="camels"))
    with pytest.raises(BadInput, match=r"leave at most 7"):
        build_network((1, 32, 32), small(network="camels", blocks=1))
    with pytest.raises(BadInput, match=r"flatten 2097152 features of 64 cells"):
        build_network((1, *(128,) * 3), small(network="penguin", blocks=1, channels=8))
    with pytest.raises(BadInput, match=r"loss is 'cross_entropy' with classes = 1"):
        small(loss="cross_entropy")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "Maps",
            r"answers \(2, 3, 8, 8, 8\) to two samples, expected a tensor of shape \(2,\) for training.classes = 1",
        ),
        ("Broken", r"two samples of shape \(1, 8, 8, 8\), and it ended with RuntimeError \(mat1 and mat2"),
    ],
)
def test_a_network_of_ones_own_that_does_not_answer_with_a_number_is_refused_at_once(name, sentence):
    with pytest.raises(BadInput, match=sentence):
        training.check(tiny_study(training={"network": f"helpers.own_networks:{name}"}))


def test_networks_of_ones_own_are_asked_without_a_trace():
    state = torch.random.get_rng_state()
    for name in ("Base", "InPlace", "Measured", "Tuple"):
        training.check(tiny_study(training={"network": f"helpers.own_networks:{name}"}))
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", ["InPlace", "Functional", "Tuple"])
def test_a_network_that_writes_into_its_input_or_has_odd_layers_changes_no_data(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the code that a run names is trusted
    job = task(network=f"helpers.own_networks:{name}", epochs=1)
    before = {part: pairs.values.clone() for part, pairs in job.pairs.items()}
    score(fit(job, tmp_path), job.pairs["test"])
    for part, pairs in job.pairs.items():
        assert torch.equal(pairs.values, before[part])
