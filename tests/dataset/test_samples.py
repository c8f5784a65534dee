"""Samples of every kind: what a place or a number holds is what is cut by hand of the fields on disk."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, RunFolder, StudyConfig
from weakfield.cosmology import potential_growth
from weakfield.dataset import PARTS, Dataset, build, open_dataset
from weakfield.formats import load_field

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
    numbers = data.description["normalisation"]["mean_removed"]
    return ((cube - cube.mean() - numbers["mean"]) / numbers["std"]).astype(np.float32)


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
