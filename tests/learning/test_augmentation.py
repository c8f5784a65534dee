"""The symmetries of the periodic cube: 48, exact, alike for both twins, decided by (seed, epoch, sample)."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from weakfield.learning.augmentation import SYMMETRIES, Symmetry, draw

CUBE = torch.arange(4**3, dtype=torch.float64).reshape(4, 4, 4)


def test_there_are_48_different_ones() -> None:
    images = {tuple(symmetry(CUBE).flatten().tolist()) for symmetry in SYMMETRIES}
    assert len(images) == 48


def test_they_form_a_group() -> None:
    images = {tuple(symmetry(CUBE).flatten().tolist()) for symmetry in SYMMETRIES}
    for first in SYMMETRIES[::5]:
        for second in SYMMETRIES[::7]:
            assert tuple(second(first(CUBE)).flatten().tolist()) in images


@given(st.integers(0, 2**31), st.integers(0, 99), st.integers(0, 10**6))
def test_values_are_moved_never_changed(seed: int, epoch: int, sample: int) -> None:
    symmetry = draw(4, seed, epoch, sample)
    assert sorted(symmetry(CUBE).flatten().tolist()) == CUBE.flatten().tolist()
    assert symmetry == draw(4, seed, epoch, sample)


def test_neighbours_stay_neighbours() -> None:
    positions = torch.stack(torch.meshgrid(*[torch.arange(5)] * 3, indexing="ij"))
    for sample in range(20):
        moved = draw(5, 1, 2, sample)(positions)
        for axis in (1, 2, 3):
            step = (moved - moved.roll(1, dims=axis)) % 5
            distance = torch.minimum(step, 5 - step).sum(dim=0)
            assert (distance == 1).all()


def test_both_twins_alike() -> None:
    pair = torch.randn(2, 6, 6, 6, generator=torch.Generator().manual_seed(1))
    symmetry = draw(6, 3, 4, 5)
    both = symmetry(pair)
    assert torch.equal(both[0], symmetry(pair[0]))
    assert torch.equal(both[1], symmetry(pair[1]))


def test_a_shift_by_hand() -> None:
    shifted = Symmetry(shift=(1, 0, 2))(CUBE)
    assert shifted[1, 0, 2] == CUBE[0, 0, 0]


def test_draws_differ_between_epochs_and_samples() -> None:
    drawn = {draw(32, 0, epoch, sample) for epoch in range(10) for sample in range(10)}
    assert len(drawn) > 95  # 48 * 32^3 possibilities
