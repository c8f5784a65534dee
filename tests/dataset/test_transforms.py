"""Steps of the chain: hand-computed, told as JSON and back, in orders that mean something."""

from __future__ import annotations

from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.synthetic import gaussian, tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.config import THEORIES
from weakfield.config.dataset import DatasetSettings
from weakfield.dataset import Band, Chain, Noise, RemoveMean, Scale, Standardise, Transform, build, open_dataset
from weakfield.dataset.chain import chain_of, ordered, transform_from_json

BOX = 160.0


def cube(seed: int = 0, n: int = 8) -> torch.Tensor:
    """A field with power in every mode and a mean."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, n, n))) + 0.3


numbers = st.floats(-10, 10)
steps = st.one_of(
    st.builds(Scale, st.sampled_from(THEORIES), numbers),
    st.builds(Band, st.none() | st.floats(0, 2), st.none() | st.floats(2.1, 9)),
    st.builds(Noise, st.floats(0.01, 10), st.integers(0, 9)),
)


@settings(deadline=None)  # kernels may be compiled on the way
@given(st.lists(steps, max_size=4))
def test_described_as_json_and_rebuilt(found: list[Transform]) -> None:
    chain = ordered(found)
    assert Chain.from_json(chain.as_json()) == chain
    again = Chain.from_json(chain.as_json()).before.apply(cube(), 3, "gr")
    assert torch.equal(again, chain.before.apply(cube(), 3, "gr"))


@pytest.mark.parametrize("factor", [0.0, 0.25, 0.5, 0.9, 0.99, 1.0, 1.05])
def test_one_theory_is_scaled(factor: float) -> None:
    step = Scale("newton", factor)
    assert torch.equal(step.apply(cube(), 3, "newton"), factor * cube())
    assert torch.equal(step.apply(cube(), 3, "gr"), cube())


@settings(deadline=None)  # kernels may be compiled on the way
@given(n=st.sampled_from([6, 7, 8, 16]), edges=st.tuples(st.integers(0, 30), st.integers(6, 60)))
def test_a_band_keeps_the_modes_between_its_edges(n: int, edges: tuple[int, int]) -> None:
    """Against NumPy's full transform, |n|^2 compared mode by mode."""
    field, low, high = cube(n=n), edges[0] / 10, sum(edges) / 10
    k = np.fft.fftfreq(n, 1 / n)
    squares = k[:, None, None] ** 2 + k[None, :, None] ** 2 + k[None, None, :] ** 2
    kept = (low**2 <= squares) & (squares < high**2)
    if n % 2 == 0:
        nyquist = np.abs(k) == n // 2
        kept &= ~(nyquist[:, None, None] | nyquist[None, :, None] | nyquist[None, None, :])
    expected = np.fft.ifftn(np.fft.fftn(field.numpy()) * kept).real
    assert np.abs(Band(low, high).apply(field, 1, "gr").numpy() - expected).max() < 1e-13  # two transforms' rounding


def test_bands_are_projections_that_add_up() -> None:
    field = cube(n=7)  # odd: no Nyquist planes, so that the bands hold everything
    low, high = Band(None, 2.0), Band(2.0, None)
    once = low.apply(field, 1, "gr")
    assert torch.allclose(low.apply(once, 1, "gr"), once, rtol=0, atol=1e-14)
    assert torch.allclose(once + high.apply(field, 1, "gr"), field, rtol=0, atol=1e-14)
    assert float(high.apply(once, 1, "gr").abs().max()) < 1e-14
    assert float(once.mean()) == pytest.approx(float(field.mean()), abs=1e-15)  # k = 0 is in the band without an edge


def test_the_lower_edge_is_closed_and_the_upper_one_open() -> None:
    x = torch.arange(8, dtype=torch.float64)
    wave = torch.cos(2 * pi * 2 * x / 8).expand(8, 8, 8).contiguous()  # |n| = 2
    assert torch.allclose(Band(2.0, 3.0).apply(wave, 1, "gr"), wave, rtol=0, atol=1e-15)
    assert float(Band(1.0, 2.0).apply(wave, 1, "gr").abs().max()) < 1e-15


def test_edges_in_either_unit() -> None:
    k_f = 2 * pi / BOX
    table = DatasetSettings.from_mapping(
        {"transforms": [{"kind": "band", "k_min_hmpc": 1.5 * k_f, "k_max_hmpc": 3.25 * k_f}]}
    )
    (band,) = chain_of(table.transforms, BOX).before.steps
    assert isinstance(band, Band)
    assert (band.k_min_kf, band.k_max_kf) == pytest.approx((1.5, 3.25), rel=1e-15)


def test_noise_is_the_same_again_and_differs_between_twins_and_seeds() -> None:
    step, zero = Noise(0.5), torch.zeros(16, 16, 16, dtype=torch.float64)
    drawn = step.apply(zero, 3, "gr")
    assert torch.equal(step.apply(zero, 3, "gr"), drawn)
    others = [step.apply(zero, 3, "newton"), step.apply(zero, 4, "gr"), Noise(0.5, 1).apply(zero, 3, "gr")]
    count = drawn.numel()
    for other in others:
        # five standard errors of the correlation of independent numbers
        assert abs(float((drawn * other).mean())) / 0.25 < 5 / np.sqrt(count)
    assert float(drawn.std()) == pytest.approx(0.5, rel=5 / np.sqrt(2 * count))


def test_the_mean_of_every_channel_is_removed() -> None:
    fields = torch.stack([cube(0), cube(1) + 5])
    removed = RemoveMean().apply(fields, 3, "gr")
    assert float(removed.mean(dim=(1, 2, 3)).abs().max()) < 1e-15
    assert torch.allclose(removed[1], cube(1) - cube(1).mean(), rtol=0, atol=1e-14)


def test_mean_removal_and_standardisation_come_last_by_themselves() -> None:
    kinds = [step.kind for step in ordered([Scale("gr", 2.0), Noise(1.0)]).steps]
    assert kinds == ["scale", "noise", "remove_mean", "standardise"]
    kinds = [step.kind for step in ordered([Scale("gr", 2.0), Standardise(), Noise(1.0)]).steps]
    assert kinds == ["scale", "remove_mean", "standardise", "noise"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([Standardise(), Scale("gr", 1.05)], r"hold scale after standardise, expected noise alone there"),
        ([Standardise(), Band(1.0, None)], r"hold band after standardise"),
        ([Standardise(), RemoveMean()], r"expected remove_mean just before standardise"),
        ([RemoveMean(), Noise(1.0)], r"expected remove_mean just before standardise"),
        ([RemoveMean(), RemoveMean()], r"hold remove_mean twice"),
        ([Standardise(), Noise(1.0), Standardise()], r"hold standardise twice"),
    ],
)
def test_impossible_orders_are_refused(found: list[Transform], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        ordered(found)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"kind": "bnad"}, r"dataset\.transforms\.0"),
        ({"kind": "scale", "theory": "mond", "factor": 1.0}, r"theory"),
        ({"kind": "scale", "theory": "gr"}, r"factor' is missing"),
        ({"kind": "band", "k_min_kf": 3.0, "k_max_kf": 2.0}, r"from 3 to 2 holds nothing"),
        ({"kind": "band", "k_min_kf": 3.0, "k_max_hmpc": 2.0}, r"edges in both units or in none"),
        ({"kind": "band"}, r"edges in both units or in none"),
        ({"kind": "noise", "sigma": -1.0}, r"sigma"),
        ({"kind": "scale", "theory": "gr", "facter": 1.0, "factor": 2.0}, r"unknown key .*facter"),
    ],
)
def test_steps_that_cannot_be_are_refused_by_key(step: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tiny_study(dataset={"transforms": [step]})


@pytest.mark.parametrize("step", [{"k_min_kf": 7.0}, {"k_min_kf": 1.1, "k_max_kf": 1.2}, {"k_min_hmpc": 2.0}])
def test_a_band_outside_the_modes_of_the_box_is_refused_before_anything_is_read(step: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=r"the band from .* k_F holds no mode of a cube of 8 cells a side"):
        build.check(tiny_study(dataset={"transforms": [{"kind": "band", **step}]}))


def test_an_unknown_step_of_a_description() -> None:
    with pytest.raises(BadInput, match="transform 'blur' is unknown, expected scale"):
        transform_from_json({"kind": "blur"})


def test_standardised_by_the_training_part_after_the_steps_before_it(tmp_path: Path) -> None:
    """Numbers of the chain as recorded, against NumPy over the training cubes themselves."""
    table = [{"kind": "band", "k_max_kf": 3.0}, {"kind": "scale", "theory": "gr", "factor": 3.0}]
    study = tiny_study(
        pairs=5, dataset={"transforms": [*table, {"kind": "standardise"}, {"kind": "noise", "sigma": 0.1}]}
    )
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    data = open_dataset(folder)
    plain = tiny_study(pairs=5)
    build.run(plain, folder)
    untouched = open_dataset(folder)
    train = data.part("train")
    assert train == untouched.part("train")
    values = []
    for seed in train:
        for theory, factor in zip(THEORIES, (1.0, 3.0), strict=True):
            field = factor * Band(None, 3.0).apply(untouched.raw(seed, theory), seed, theory)
            assert torch.allclose(data.raw(seed, theory), field, rtol=0, atol=1e-12 * float(field.abs().max()))
            values.append((field - field.mean()).numpy())
    recorded = data.description.transforms.mean_removed
    assert [step["kind"] for step in recorded] == ["band", "scale", "remove_mean", "standardise", "noise"]
    assert recorded[3]["std"] == pytest.approx(np.std(values), rel=1e-12)  # rounding of sums over some thousand cells
    kinds = [step["kind"] for step in data.description.transforms.mean_kept]
    assert kinds == ["band", "scale", "standardise", "noise"]
    # all but the noise has mean 0 and standard deviation 1; noise adds its own, to a standard error of 0.1 / sqrt(2 n)
    values = data.samples("train").in_memory().values.double()
    assert float(values.var(correction=0)) == pytest.approx(1 + 0.1**2, abs=0.01)


def test_transforms_in_place_of_those_of_the_study(tmp_path: Path) -> None:
    """The control that rescales Newton: half the amplitude is as if the study had said so."""
    half = [{"kind": "scale", "theory": "newton", "factor": 0.5}]
    study = tiny_study(pairs=4)
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    asked = open_dataset(folder).samples("test", transforms=[Scale("newton", 0.5)]).in_memory().values
    kept = open_dataset(folder).samples("test", keep_mean=True, transforms=[Scale("newton", 0.5)]).in_memory().values
    build.run(tiny_study(pairs=4, dataset={"transforms": half}), folder)
    assert torch.equal(open_dataset(folder).samples("test").in_memory().values, asked)
    assert torch.equal(open_dataset(folder).samples("test", keep_mean=True).in_memory().values, kept)
    with pytest.raises(BadInput, match="holds no mode"):
        open_dataset(folder).samples("test", transforms=[Band(50.0, None)])


def test_nothing_left_to_standardise_is_refused(tmp_path: Path) -> None:
    table = [{"kind": "scale", "theory": theory, "factor": 0.0} for theory in THEORIES]
    study = tiny_study(pairs=3, dataset={"transforms": table})
    with pytest.raises(BadInput, match="constant"):
        build.run(study, write_run(study, tmp_path))


def test_gaussian_fields_through_a_band_keep_their_shell_power() -> None:
    from weakfield.spectra import power_spectrum

    field = torch.from_numpy(gaussian(16, np.random.default_rng(1)))
    edges = np.arange(0.5, 8, 1.0)
    before = power_spectrum(field, BOX, bin_edges=edges).power
    after = power_spectrum(Band(2.5, 4.5).apply(field, 1, "gr"), BOX, bin_edges=edges).power
    assert after[2:4] == pytest.approx(before[2:4], rel=1e-12)
    assert np.abs(np.delete(after, [2, 3])).max() < 1e-25 * before.max()  # rounding, squared
