"""Parts of a cube: numbered without gaps, exact both ways, and made of the cells that their labels say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES
from weakfield.config.dataset import DatasetSettings
from weakfield.dataset import Index, SampleShape, Slices, SubCubes, WholeCube, sample_pairs, sample_shape_of
from weakfield.dataset.sample_shapes import AXES, sample_shape_from_json

grids = st.sampled_from([2, 3, 4, 6, 8])
Draw = Callable[[st.SearchStrategy], object]


@st.composite
def shapes(draw: Draw) -> SampleShape:
    n = draw(grids)
    stride = draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0]))
    kind = draw(st.sampled_from(["cube", "slice", "subcube"]))
    if kind == "cube":
        return WholeCube(n)
    if kind == "slice":
        axes = tuple(draw(st.permutations(AXES)))[: draw(st.integers(1, 3))]
        return Slices(n, axes, stride, draw(st.integers(1, n)))
    return SubCubes(n, draw(st.integers(2, n)), stride)


def cells(shape: SampleShape, labels: dict[str, object]) -> np.ndarray:
    """Which cells a part is made of, (n, n, n), by the definition of its labels."""
    place = np.indices((shape.n,) * 3)
    if isinstance(shape, Slices):
        return (place[AXES.index(labels["axis"])] - labels["slice"]) % shape.n < shape.thickness
    if isinstance(shape, SubCubes):
        corner = np.reshape([labels[axis] for axis in AXES], (3, 1, 1, 1))
        return ((place - corner) % shape.n < shape.size).all(axis=0)
    return np.ones((shape.n,) * 3, dtype=bool)


@settings(deadline=None)  # other work on the machine
@given(shape=shapes())
def test_every_part_is_the_mean_of_its_own_cells(shape: SampleShape) -> None:
    """Their sums, of random numbers: other cells would give another sum."""
    cube = torch.from_numpy(np.random.default_rng(0).standard_normal((2, *(shape.n,) * 3)))
    for number, part in enumerate(shape.parts(cube)):
        labels = shape.index.show(number)
        assert shape.index.find(**labels) == number
        assert part.shape == (2, *shape.sides)
        total = cube[1].numpy()[cells(shape, labels)].sum()
        layers = shape.thickness if isinstance(shape, Slices) else 1
        assert float(part[1].sum() * layers) == pytest.approx(float(total), abs=1e-12)  # sums of up to 512 numbers


@settings(deadline=None)  # other work on the machine
@given(shape=shapes(), seeds=st.lists(st.integers(0, 10**6), min_size=1, max_size=3, unique=True))
def test_samples_round_trip_over_the_whole_range(shape: SampleShape, seeds: list[int]) -> None:
    index = Index(seed=seeds, theory=THEORIES, **shape.labels)
    assert len(index) == len(seeds) * 2 * shape.count
    shown = [index.show(number) for number in range(len(index))]
    assert len({tuple(labels.items()) for labels in shown}) == len(index)
    assert [index.find(**labels) for labels in shown] == list(range(len(index)))
    assert Index.from_description(index.describe()).labels == index.labels


@settings(deadline=None)  # other work on the machine
@given(shape=shapes())
def test_every_cell_lies_in_equally_many_parts_if_the_stride_divides_their_size(shape: SampleShape) -> None:
    sizes = {"slice": "thickness", "subcube": "size"}
    assume(shape.kind == "cube" or getattr(shape, sizes[shape.kind]) % shape.stride == 0)
    count = np.zeros((shape.n,) * 3, dtype=int)
    for number in range(shape.count):
        count += cells(shape, shape.index.show(number))
    assert count.min() == count.max()


@settings(deadline=None)  # other work on the machine
@given(shape=shapes())
def test_described_as_json_and_rebuilt(shape: SampleShape) -> None:
    assert sample_shape_from_json(shape.as_json()) == shape


def test_slices_are_oriented_as_the_file() -> None:
    cube = torch.arange(64.0).reshape(4, 4, 4)
    shape = Slices(4)
    assert torch.equal(shape.take(cube, axis="z", slice=1), cube[1])
    assert torch.equal(shape.take(cube, axis="y", slice=2), cube[:, 2, :])
    assert torch.equal(shape.take(cube, axis="x", slice=3), cube[:, :, 3])
    thick = Slices(4, thickness=2)
    assert torch.equal(thick.take(cube, axis="x", slice=3), (cube[:, :, 3] + cube[:, :, 0]) / 2)
    corner = SubCubes(4, 3, 1).take(cube, z=2, y=0, x=3)
    assert torch.equal(corner, cube[[2, 3, 0]][:, :3][:, :, [3, 0, 1]])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"shape": "slice", "slice_stride": 3}, r"slice_stride is 3, expected a divisor of the 8 cells a side"),
        ({"shape": "slice", "slice_thickness": 9}, r"slice_thickness is 9, expected 1 to 8"),
        ({"shape": "subcube", "subcube_size": 9}, r"subcube_size is 9, expected 2 to 8"),
        ({"shape": "subcube", "subcube_size": 4, "subcube_stride": 3}, r"subcube_stride is 3, expected a divisor"),
        ({"shape": "subcube", "subcube_size": 3}, r"subcube_stride is 3, expected a divisor"),
    ],
)
def test_measures_that_do_not_fit_are_refused(table: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        sample_shape_of(DatasetSettings.from_mapping(table), 8)


def test_cubes_in_memory_need_no_run_folder() -> None:
    cubes = torch.arange(2 * 2 * 64.0).reshape(2, 2, 1, 4, 4, 4)
    pairs = sample_pairs(cubes, [5, 9], Slices(4, ("y",), 2))
    assert (pairs.seeds, pairs.shape) == ((5, 5, 9, 9), (1, 4, 4))
    assert torch.equal(pairs.load([3, 0]), torch.stack([cubes[1, :, :, :, 2], cubes[0, :, :, :, 0]]))
    assert pairs.labels(3) == {"seed": 9, "axis": "y", "slice": 2}
    with pytest.raises(BadInput, match=r"expected \(seeds, 2, channels, N, N, N\) with N = 8"):
        sample_pairs(cubes, [5, 9], WholeCube(8))
