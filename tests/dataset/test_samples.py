"""Samples of every kind: what a place or a number holds is what is cut by hand of the fields on disk."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from helpers.synthetic import DATA, reference_output, tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.cosmology import potential_growth
from weakfield.dataset import PARTS, Dataset, build, open_dataset
from weakfield.formats import load_field
from weakfield.pairs.importing import import_reference
from weakfield.pairs.manifest import settings_hash

GRID = 8
SLICES: dict[str, Any] = {"shape": "slice", "axes": ["x", "z"], "slice_stride": 4, "slice_thickness": 3}
SUBCUBES: dict[str, Any] = {"shape": "subcube", "subcube_size": 6, "subcube_stride": 4}


def made(tmp_path: Path, pairs: int = 4, **dataset: Any) -> tuple[StudyConfig, Dataset]:
    """A study of drawn pairs with its data set built."""
    study = tiny_study(pairs=pairs, grid=GRID, dataset=dataset)
    folder = write_run(study, tmp_path / "run")
    build.run(study, folder)
    return study, open_dataset(folder)


def phi(folder: RunFolder, seed: int, theory: Any, output: int) -> np.ndarray:
    return load_field(folder.member(seed, theory) / f"snap{output:03d}_phi.h5")[0].double().numpy()


def normalised(study: StudyConfig, data: Dataset, seed: int, theory: Any) -> np.ndarray:
    """The difference cube of a universe without its mean, in the units recorded, from the files by NumPy alone."""
    early, late = potential_growth(study.cosmology, np.array([10.0, 1.0]))
    cube = phi(data.folder, seed, theory, 0) / early - phi(data.folder, seed, theory, 1) / late
    numbers = data.description.normalisation.mean_removed
    return ((cube - cube.mean() - numbers.mean) / numbers.std).astype(np.float32)


def rolled(cube: np.ndarray, labels: dict[str, Any]) -> np.ndarray:
    """The part with these labels, cut by shifting the periodic cube so that the part begins at its corner."""
    if "slice" in labels:
        axis = "zyx".index(labels["axis"])
        layers = np.roll(cube, -labels["slice"], axis).take(range(3), axis).astype(np.float64)
        return layers.mean(axis).astype(np.float32)
    return np.roll(cube, [-labels[a] for a in "zyx"], (0, 1, 2))[:6, :6, :6]


def close(found: Tensor, expected: np.ndarray) -> bool:
    """Float32 rounding of values of order one, and NumPy's order of summation in the mean of the cube."""
    return found.shape == expected.shape and float(np.abs(found.numpy() - expected).max()) < 1e-6


@pytest.mark.parametrize("shape", [SLICES, SUBCUBES])
def test_every_place_and_number_holds_what_is_cut_by_hand(tmp_path: Path, shape: dict[str, Any]) -> None:
    study, data = made(tmp_path, **shape)
    index = data.sample_index
    assert len(index) == 4 * 2 * (2 * 2 if shape is SLICES else 2**3)
    for part in PARTS:
        pairs = data.samples(part)
        assert tuple(pairs.shape) == data.shape == build.sample_shape(study)
        values = pairs.load(range(len(pairs)))
        for place in range(len(pairs)):
            labels = pairs.labels(place)
            assert labels.pop("seed") == pairs.seeds[place]
            for member, theory in enumerate(THEORIES):
                by_hand = rolled(normalised(study, data, pairs.seeds[place], theory), labels)
                assert close(values[place, member, 0], by_hand)
                number = index.find(seed=pairs.seeds[place], theory=theory, **labels)
                assert index.show(number) == {"seed": pairs.seeds[place], "theory": theory, **labels}
                assert torch.equal(data.sample_of(number), values[place, member])


def test_whole_cubes_are_those_of_pairs(tmp_path: Path) -> None:
    _, data = made(tmp_path)
    for kept in (False, True):
        pairs = data.samples("train", keep_mean=kept)
        assert pairs.seeds == data.split.train
        assert torch.equal(pairs.in_memory().values, data.pairs(data.part("train"), kept).values)
    assert torch.equal(data.samples([5, 3]).load([1, 0, 1]), data.pairs([3, 5, 3]).values)


def test_places_in_any_order_and_from_any_source_are_the_same_bits(tmp_path: Path) -> None:
    _, data = made(tmp_path, **SLICES)
    pairs = data.samples("train")
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0)).tolist()
    values = pairs.in_memory().values
    assert torch.equal(pairs.load(order), values[order])
    small = data.samples("train", room=1)  # every cube is dropped when the next one is read
    assert torch.equal(small.load(order), values[order])
    for _ in range(2):  # made, then read
        assert torch.equal(data.samples("train", on_disk=True).load(order), values[order])
    again = pickle.loads(pickle.dumps(data.samples("train", on_disk=True)))
    assert torch.equal(again.load(order), values[order])


def test_seeds_and_places_that_are_not_there(tmp_path: Path) -> None:
    _, data = made(tmp_path)
    with pytest.raises(BadInput, match="seed 99, theory 'newton' is not in the data set"):
        data.samples([3, 99])
    with pytest.raises(BadInput, match="expected each once"):
        data.samples([3, 3])
    with pytest.raises(BadInput, match="place 1 does not exist"):
        data.samples([3]).load([1])


KINDS: dict[str, dict[str, Any]] = {
    "raw": {"sample": "raw"},
    "channels": {"sample": "raw", "channel_redshifts": [1.0, 10.0]},
    "gradient of phi": {"sample": "raw", "derivative": "gradient"},
    "gradients of both": {"sample": "raw", "channel_redshifts": [10.0, 1.0], "derivative": "gradient"},
    "laplacian of phi": {"sample": "raw", "derivative": "laplacian"},
    "laplacian of the difference": {"derivative": "laplacian"},
}


def spectral(field: np.ndarray, kind: str) -> list[np.ndarray]:
    """Derivatives by NumPy's full transform, components x, y, z."""
    if kind == "none":
        return [field]
    k = 2 * np.pi * np.fft.fftfreq(GRID, 1 / GRID) / (20.0 * GRID)
    axes = [k[None, None, :], k[None, :, None], k[:, None, None]]
    modes = np.fft.fftn(field)
    if kind == "laplacian":
        return [np.fft.ifftn(-sum(a**2 for a in axes) * modes).real]
    k[GRID // 2] = 0
    return [np.fft.ifftn(1j * a * modes).real for a in axes]


@pytest.mark.parametrize("kind", KINDS)
def test_channels_of_every_kind(tmp_path: Path, kind: str) -> None:
    """In the units of the field, before transforms; then as normalised slices, whose numbers are in order too."""
    study, data = made(tmp_path, **KINDS[kind], shape="slice", slice_stride=4)
    settings = study.dataset
    outputs = {10.0: 0, 1.0: 1}
    wanted = settings.channel_redshifts or (1.0,)
    for theory in THEORIES:
        fields = [phi(data.folder, 4, theory, outputs[z]) for z in wanted]
        if settings.sample == "difference":
            early, late = potential_growth(study.cosmology, np.array([10.0, 1.0]))
            fields = [phi(data.folder, 4, theory, 0) / early - phi(data.folder, 4, theory, 1) / late]
        expected = np.stack([part for field in fields for part in spectral(field, settings.derivative)])
        found = data.fields(4, theory).numpy()
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-13 * np.abs(expected).max()  # rounding of two transforms
        raw = data.raw(4, theory)
        assert raw.shape == (expected.shape if len(expected) > 1 else (GRID,) * 3)
        assert torch.equal(data.raw_of(data.files(4, theory), 4, theory), raw)
    assert len(data.channels.names) == len(expected)
    assert data.shape == (len(expected), GRID, GRID)
    for number in range(len(data.sample_index)):
        labels = data.sample_index.show(number)
        assert data.sample_index.find(**labels) == number
        cube = data.pairs([labels["seed"]]).values[0, THEORIES.index(labels["theory"])]
        by_hand = cube.select(1 + "zyx".index(labels["axis"]), labels["slice"])
        assert torch.equal(data.sample_of(number), by_hand)


def test_names_of_channels(tmp_path: Path) -> None:
    _, data = made(tmp_path, **KINDS["gradients of both"])
    assert data.channels.names[:4] == ("d/dx phi(10)", "d/dy phi(10)", "d/dz phi(10)", "d/dx phi(1)")


def test_thick_slices_are_standardised_as_they_are(tmp_path: Path) -> None:
    _, data = made(tmp_path, **SLICES)
    values = data.samples("train").in_memory().values.double()
    # float32 rounding of values of order one
    assert float(values.mean()) == pytest.approx(0, abs=1e-6)
    assert float(values.std(correction=0)) == pytest.approx(1, abs=1e-6)


def test_what_was_made_with_what(tmp_path: Path) -> None:
    study, data = made(tmp_path)
    written = data.description
    assert set(written.provenance.pairs["software_version"]) == {written.provenance.software_version}
    assert written.provenance.pairs["settings"] == {settings_hash(study): 4}
    assert written.redshifts_of_files == {seed: (10.0, 1.0) for seed in range(3, 7)}
    assert (written.fields, written.theories) == (("phi",), ("newton", "gr"))
    assert set(written.hashes[4]) == {f"{t}/snap{i:03d}_phi.h5" for t in THEORIES for i in (0, 1)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"channel_redshifts": [10.0]}, r"channel_redshifts is given but sample is 'difference'"),
        ({"sample": "raw", "channel_redshifts": [10.0, 10.0]}, r"channel_redshifts holds .*, expected each once"),
        ({"sample": "raw", "channel_redshifts": [5.0]}, r"redshift 5 is used by a later stage"),
        ({"axes": ["z", "z"]}, r"axes holds .*, expected each once"),
        ({"axes": ["w"]}, r"axes"),
        ({"shape": "sphere"}, r"shape"),
    ],
)
def test_settings_that_cannot_be_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tiny_study(dataset=changed)


def test_the_settings_survive_a_study_file(tmp_path: Path) -> None:
    table = [{"kind": "band", "k_min_hmpc": 0.04}, {"kind": "noise", "sigma": 0.5}]
    study = tiny_study(dataset={**SLICES, "transforms": table, "folds": 5, "fold": 2})
    (tmp_path / "study.toml").write_text(study.to_toml())
    assert StudyConfig.from_toml(tmp_path / "study.toml") == study


def test_a_folder_of_the_reference_program(tmp_path: Path) -> None:
    """Imported runs, float64 and at redshifts a little past the requested ones, are a data set like any other."""
    run = RunFolder(tmp_path / "run")
    data = tmp_path / "data"
    for seed in (42, 43, 44):
        reference_output(data, seed)
    import_reference(data, run)
    values = StudyConfig.from_toml(run.study).model_dump()
    values["dataset"] |= {"shape": "slice", "slice_stride": 8}
    study = StudyConfig.from_mapping(values)
    build.run(study, run)
    found = open_dataset(run)
    assert found.description.provenance.imported == (42, 43, 44)
    assert found.description.redshifts_of_files[42] == pytest.approx([9.995300, 0.997956], abs=1e-6)
    assert found.samples("test").in_memory().values.shape == (6, 2, 1, 16, 16)
    reference = np.load(DATA / "stock16_gr" / "snapshots.npz")
    early, late = potential_growth(study.cosmology, reference["z"][[2, 3]])
    expected = reference["phi_2"] / early - reference["phi_3"] / late
    # the redshifts are known to the seven digits of the background file: 1e-6 of terms ten times the difference
    assert np.abs(found.raw(42, "gr").numpy() - expected).max() < 1e-5 * np.abs(expected).max()
