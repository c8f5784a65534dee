"""The symmetries of the periodic box: 48 or 8, exact to the bit, alike for twins or not, drawn by what they should."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weakfield import power_spectrum
from weakfield.learning.augmentation import SYMMETRIES, Symmetry, augmented, draw, identities, symmetries

CUBE = torch.arange(4**3, dtype=torch.float64).reshape(4, 4, 4)
SQUARE = torch.arange(16, dtype=torch.float64).reshape(4, 4)


@pytest.mark.parametrize(("sample", "count"), [(SQUARE, 8), (CUBE, 48)])
def test_there_are_as_many_different_ones_as_there_should_be(sample: torch.Tensor, count: int) -> None:
    images = {tuple(symmetry(sample).flatten().tolist()) for symmetry in symmetries(sample.ndim)}
    assert len(images) == len(symmetries(sample.ndim)) == count


def test_they_form_a_group() -> None:
    images = {tuple(symmetry(CUBE).flatten().tolist()) for symmetry in SYMMETRIES}
    for first in SYMMETRIES[::5]:
        for second in SYMMETRIES[::7]:
            assert tuple(second(first(CUBE)).flatten().tolist()) in images


@given(st.integers(0, 2**31), st.integers(0, 99), st.integers(0, 10**6), st.sampled_from([2, 3]))
def test_values_are_moved_never_changed(seed: int, epoch: int, sample: int, dims: int) -> None:
    field = CUBE if dims == 3 else SQUARE
    symmetry = draw(4, seed, epoch, sample, dims)
    assert sorted(symmetry(field).flatten().tolist()) == field.flatten().tolist()
    assert symmetry == draw(4, seed, epoch, sample, dims)


@pytest.mark.parametrize("dims", [2, 3])
def test_spectra_are_the_same_bits_with_their_modes_permuted(dims: int) -> None:
    """On 4 cells a side the phases are 1, i, -1, -i: transforms of small integers are exact, and so is P(k).

    The moved field has at k the power that the field has where the symmetry sends k: entry by entry, all symmetries.
    """
    field = torch.randint(-8, 9, (4,) * dims, generator=torch.Generator().manual_seed(1)).double()
    power = torch.fft.fftn(field).abs().square().round()
    for number, base in enumerate(symmetries(dims)):
        shift = tuple((number + 2 * axis) % 4 for axis in range(dims))
        moved = Symmetry(base.permutation, base.reflected, shift)(field)
        found = torch.fft.fftn(moved).abs().square()
        # a mode moves with the axes; one reversed becomes its opposite; a shift is a phase
        expected = power.permute(base.permutation)
        for axis in range(dims):
            if base.reflected[axis]:
                expected = expected.flip(axis).roll(1, axis)
        assert torch.equal(found.round(), expected)
        assert (found - expected).abs().max() < 1e-9  # abs() of a complex number takes a square root: 1e-16 of 1e4
        if dims == 3:
            before, after = (power_spectrum(f, 100.0, [0.5, 1.5, 2.5]) for f in (field, moved))
            assert before.power.tolist() == after.power.tolist()


@pytest.mark.parametrize("dims", [2, 3])
def test_neighbours_stay_neighbours(dims: int) -> None:
    positions = torch.stack(torch.meshgrid(*[torch.arange(5)] * dims, indexing="ij"))
    for sample in range(20):
        moved = draw(5, 1, 2, sample, dims)(positions)
        for axis in range(1, dims + 1):
            step = (moved - moved.roll(1, dims=axis)) % 5
            distance = torch.minimum(step, 5 - step).sum(dim=0)
            assert (distance == 1).all()


def test_both_twins_alike_when_asked() -> None:
    twin = torch.randn(5, 1, 2, 6, 6, 6, generator=torch.Generator().manual_seed(1)).expand(5, 2, 2, 6, 6, 6)
    samples = identities([3, 3, 4, 5, 5])
    alike = augmented(twin, samples, seed=0, epoch=1)
    assert torch.equal(alike[:, 0], alike[:, 1])
    assert torch.equal(alike[2, 1], draw(6, 0, 1, (4, 0))(twin[2, 1]))
    apart = augmented(twin, samples, seed=0, epoch=1, alike=False)
    assert not any(torch.equal(newton, gr) for newton, gr in apart)
    for moved in (alike, apart):  # all channels of a sample always alike
        sums = moved.sum(dim=2).flatten(2).sort(dim=2).values
        torch.testing.assert_close(sums, twin.sum(dim=2).flatten(2).sort(dim=2).values, rtol=0, atol=0)


def test_parts_are_not_shifted_and_vectors_not_turned() -> None:
    pairs = torch.randn(4, 2, 3, 6, 6, 6, generator=torch.Generator().manual_seed(1))
    samples = identities([1, 2, 3, 4])
    for moved, pair, sample in zip(augmented(pairs, samples, 0, 1, shifts=False), pairs, samples, strict=True):
        drawn = draw(6, 0, 1, sample)
        assert torch.equal(moved, Symmetry(drawn.permutation, drawn.reflected)(pair))
    for moved, pair, sample in zip(augmented(pairs, samples, 0, 1, turns=False), pairs, samples, strict=True):
        assert torch.equal(moved, Symmetry(shift=draw(6, 0, 1, sample).shift)(pair))


def test_samples_of_one_universe_are_told_apart() -> None:
    assert identities([7, 8, 7, 7]) == [(7, 0), (8, 0), (7, 1), (7, 2)]
    assert draw(32, 0, 1, (7, 0)) != draw(32, 0, 1, (7, 1))
    assert draw(32, 0, 1, (7, 0)) == draw(32, 0, 1, 7)


def test_a_shift_by_hand() -> None:
    shifted = Symmetry(shift=(1, 0, 2))(CUBE)
    assert shifted[1, 0, 2] == CUBE[0, 0, 0]


def test_draws_differ_between_epochs_and_samples() -> None:
    drawn = {draw(32, 0, epoch, sample) for epoch in range(10) for sample in range(10)}
    assert len(drawn) > 95  # 48 * 32^3 possibilities
