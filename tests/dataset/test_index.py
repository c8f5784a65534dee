"""The index is a bijection onto 0 ... count - 1 over its whole range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES
from weakfield.dataset import Index

seeds = st.lists(st.integers(0, 10**6), min_size=1, max_size=7, unique=True)
redshifts = st.lists(st.floats(0, 100), min_size=1, max_size=3, unique=True)


@given(seeds=seeds, redshifts=redshifts, grid=st.integers(1, 9))
def test_slices_round_trip_over_the_whole_range(seeds: list[int], redshifts: list[float], grid: int) -> None:
    index = Index(seed=seeds, theory=THEORIES, redshift=redshifts, axis=("z", "y", "x"), slice=range(grid))
    assert len(index) == len(seeds) * 2 * len(redshifts) * 3 * grid
    shown = [index.show(number) for number in range(len(index))]
    assert len({tuple(labels.items()) for labels in shown}) == len(index)
    assert [index.find(**labels) for labels in shown] == list(range(len(index)))


@given(seeds=seeds)
def test_cubes_round_trip_and_survive_json(seeds: list[int]) -> None:
    index = Index(seed=seeds, theory=THEORIES)
    again = Index.from_description(index.describe())
    for seed in seeds:
        for theory in THEORIES:
            number = index.find(seed=seed, theory=theory)
            assert again.show(number) == {"seed": seed, "theory": theory}


def test_last_label_runs_fastest() -> None:
    index = Index(seed=(3, 8), theory=THEORIES)
    assert [tuple(index.show(i).values()) for i in range(4)] == [(3, "newton"), (3, "gr"), (8, "newton"), (8, "gr")]


@pytest.mark.parametrize("number", [-1, 4])
def test_numbers_outside_are_refused(number: int) -> None:
    with pytest.raises(BadInput, match="from 0 to 3"):
        Index(seed=(3, 8), theory=THEORIES).show(number)


def test_labels_are_checked() -> None:
    index = Index(seed=(3, 8), theory=THEORIES)
    with pytest.raises(BadInput, match="seed 4 is not in the data set, expected one of 3, 8"):
        index.find(seed=4, theory="gr")
    with pytest.raises(BadInput, match="'theory' is missing"):
        index.find(seed=3)
    with pytest.raises(BadInput, match=r"unknown label 'sed'.*did you mean 'seed'"):
        index.find(sed=3, theory="gr")
    with pytest.raises(BadInput, match="distinct"):
        Index(seed=(3, 3))
