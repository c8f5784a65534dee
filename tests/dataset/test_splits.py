"""Splits: by seed, disjoint, complete, decided by the split seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.synthetic import tiny_study
from weakfield.base.errors import BadInput
from weakfield.dataset import PARTS, fold_seeds, place_seeds, split_seeds, study_split
from weakfield.dataset.splits import place

SHARES = (0.6, 0.2, 0.2)

many_seeds = st.lists(st.integers(0, 10**9), min_size=3, max_size=60, unique=True)
shares = st.tuples(*[st.floats(0.01, 1)] * 3).map(lambda parts: tuple(part / sum(parts) for part in parts))


@given(seeds=many_seeds, fractions=shares, split_seed=st.integers(0, 2**31))
def test_every_seed_is_in_exactly_one_part(
    seeds: list[int], fractions: tuple[float, float, float], split_seed: int
) -> None:
    split = split_seeds(seeds, fractions, split_seed)
    parts = [split.part(part) for part in PARTS]
    assert sorted(seed for part in parts for seed in part) == sorted(seeds)
    assert all(parts)
    assert split == split_seeds(list(reversed(seeds)), fractions, split_seed)


def test_shares_of_the_demo() -> None:
    split = split_seeds(range(1, 49), SHARES, 0)
    assert [len(split.part(part)) for part in PARTS] == [29, 9, 10]
    assert split != split_seeds(range(1, 49), SHARES, 1)


def test_a_small_share_still_gets_a_seed() -> None:
    split = split_seeds(range(4), (0.98, 0.01, 0.01), 0)
    assert [len(split.part(part)) for part in PARTS] == [2, 1, 1]


def test_too_few_or_repeated_seeds_are_refused() -> None:
    with pytest.raises(BadInput, match="2 seeds, expected at least 3"):
        split_seeds([1, 2], SHARES, 0)
    with pytest.raises(BadInput, match="twice"):
        split_seeds([1, 2, 2, 3], SHARES, 0)


RANGES: dict[str, object] = {"train": [3, 7], "validation": [10, 11], "test": [12, 12]}


def test_parts_by_first_and_last_seed() -> None:
    """Seeds 3 to 12; 8 and 9 are in no part."""
    split = study_split(tiny_study(dataset=RANGES))
    assert (split.train, split.validation, split.test) == ((3, 4, 5, 6, 7), (10, 11), (12,))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"test": [11, 12]}, r"dataset: validation is \[10, 11\] and test is \[11, 12\], expected parts that share no"),
        ({"test": [12, 13]}, r"dataset\.test is \[12, 13\], expected seeds of the study, 3 to 12"),
        ({"train": [2, 7]}, r"dataset\.train is \[2, 7\], expected seeds of the study"),
        ({"train": [7, 3]}, r"dataset: train is \[7, 3\], expected the first seed and then the last"),
        ({"test": None}, r"dataset: test is not given, expected .* all three parts or of none"),
    ],
)
def test_ranges_that_cannot_be_are_refused_by_key(changed: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tiny_study(dataset=RANGES | changed)


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(BadInput, match="'dev'"):
        split_seeds(range(4), SHARES, 0).part("dev")  # type: ignore[arg-type]


@given(
    seeds=st.lists(st.integers(0, 10**9), min_size=5, max_size=40, unique=True),
    folds=st.integers(3, 5),
    split_seed=st.integers(0, 2**31),
    alone=st.booleans(),
)
def test_over_all_folds_every_seed_is_tested_once(seeds: list[int], folds: int, split_seed: int, alone: bool) -> None:
    splits = [fold_seeds(seeds, folds, fold, split_seed, alone) for fold in range(folds)]
    for split in splits:
        assert sorted(seed for part in PARTS for seed in split.part(part)) == sorted(seeds)
    for part in ("test", "validation"):
        assert sorted(seed for split in splits for seed in split.part(part)) == sorted(seeds)
    assert splits == [fold_seeds(seeds[::-1], folds, fold, split_seed, alone) for fold in range(folds)]
    for fold, split in enumerate(splits):
        assert split.validation == splits[(fold + 1) % folds].test
    if not alone:
        sizes = [len(split.test) for split in splits]
        assert max(sizes) - min(sizes) <= 1


@given(
    seeds=many_seeds,
    fractions=shares,
    split_seed=st.integers(0, 2**31),
    chosen=st.data(),
)
def test_a_seed_by_itself_stays_in_its_part_whatever_arrives(
    seeds: list[int], fractions: tuple[float, float, float], split_seed: int, chosen: st.DataObject
) -> None:
    few = chosen.draw(st.lists(st.sampled_from(seeds), min_size=1, unique=True))
    early, late = place_seeds(few, fractions, split_seed), place_seeds(seeds, fractions, split_seed)
    assert sorted(seed for part in PARTS for seed in late.part(part)) == sorted(seeds)
    for part in PARTS:
        assert set(early.part(part)) == set(late.part(part)) & set(few)
    assert early == late.restricted(few)


@given(first=st.integers(0, 10**9), split_seed=st.integers(0, 2**31))
def test_places_of_consecutive_seeds_fill_the_interval_evenly(first: int, split_seed: int) -> None:
    """Of any 50 the parts get their shares to within 2 seeds: the discrepancy of multiples of the golden ratio."""
    split = place_seeds(range(first, first + 50), SHARES, split_seed)
    for part, share in zip(PARTS, SHARES, strict=True):
        assert abs(len(split.part(part)) - 50 * share) <= 2
    assert all(0 <= place(seed, split_seed) < 2**64 for seed in range(first, first + 50))


def test_split_seeds_decide_where_seeds_fall_alone() -> None:
    assert place_seeds(range(40), SHARES, 0) != place_seeds(range(40), SHARES, 1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fold": 1}, r"fold is 1 but folds is not given"),
        ({"folds": 4, "fold": 4}, r"fold is 4, expected a number from 0 to 3"),
        ({"folds": 2}, r"folds"),
        ({"folds": 4, **RANGES}, r"folds is given and so are first and last seeds"),
    ],
)
def test_folds_that_cannot_be_are_refused_by_key(changed: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tiny_study(dataset=changed)


def test_more_folds_than_seeds_are_refused() -> None:
    with pytest.raises(BadInput, match="4 seeds, expected at least as many as its 5 folds"):
        study_split(tiny_study(pairs=4, dataset={"folds": 5}))
