"""Bits beyond summaries: channels whose information is known, none for a function of the summaries, seeds left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.planted_fields import gaussian_cubes
from weakfield.audit.information import OUTER, held_out, information, triangle_rows
from weakfield.audit.records import Unit
from weakfield.audit.regression import folds
from weakfield.dataset import PairTensor
from weakfield.fourier.altered import group_power, match_power, power_groups
from weakfield.learning import Scores

UNITS: tuple[Unit, ...] = ("cube", "pair")


def entropy(p: float) -> float:
    """Of a coin that falls on one side with probability ``p`` [bits]."""
    return float(-p * np.log2(p) - (1 - p) * np.log2(1 - p))


def scored(values: np.ndarray) -> Scores:
    return Scores(tuple(range(len(values))), values[:, 0], values[:, 1])


@pytest.mark.parametrize("unit", UNITS)
def test_a_binary_channel_has_its_capacity(unit: Unit) -> None:
    """The score is the label, wrong one time in ten, and the summaries are noise."""
    random = np.random.default_rng(1)
    wrong = random.random((400, 2)) < 0.1
    scores = scored(np.where(wrong, -1.0, 1.0) * np.array([-1.0, 1.0]))
    features, others = random.standard_normal((2, 400, 2, 3))
    found = information(scores, features, others, "noise", unit)
    same, both_wrong = 2 * 0.1 * 0.9, 0.1**2
    expected = {"cube": 1 - entropy(0.1), "pair": (1 - same) * (1 - entropy(both_wrong / (1 - same)))}[unit]
    assert found.found
    assert found.bits.low < expected < found.bits.high  # within two standard errors: the seed is fixed
    assert found.bits.high - found.bits.low < 0.2
    assert abs(found.known) < 0.02  # noise tells nothing; what fitting it costs is small


@pytest.mark.parametrize("unit", UNITS)
def test_a_function_of_the_summaries_adds_nothing_however_badly_they_were_used(unit: Unit) -> None:
    """The score knows the best direction in 20 features; regressions on 30 other seeds do not."""
    random = np.random.default_rng(2)
    features, others = random.standard_normal((60, 2, 20)), random.standard_normal((30, 2, 20))
    for table in (features, others):
        table[:, 1] += 0.3
    scores = scored(features.sum(axis=-1))
    found = information(scores, features, others, "all of it", unit)
    assert found.known > 0.2
    assert not found.found
    assert found.limit < 0.05


def test_what_all_pairs_show_alike_is_not_counted_twice() -> None:
    """GR has more power by one factor in every pair, and the score says the same again."""
    random = np.random.default_rng(6)
    features, others = random.standard_normal((2, 40, 1, 6)).repeat(2, axis=2)
    for table in (features, others):
        table[:, 1, 2] += 0.1
    found = information(scored(features[..., 2] * 3.0), features, others, "P", "pair")
    assert found.known > 0.9  # 32 pairs: Platt's targets stop at 33/34
    assert not found.found


def test_what_differs_by_rounding_does_not_disturb() -> None:
    """Members of equal power: differences of the last bits, one of them far larger than those fitted."""
    random = np.random.default_rng(7)
    features, others = random.standard_normal((2, 40, 1, 6)).repeat(2, axis=2)
    for table in (features, others):
        table[:, 1] += 1e-9 * random.standard_normal((40, 6))
    features[3, 1] += 1e-7
    values = random.standard_normal((40, 1)) + np.array([0.0, 0.2]) + 0.1 * random.standard_normal((40, 2))
    given = information(scored(values), features, others, "P", "pair")
    nothing = information(scored(values), 0 * features, 0 * others, "", "pair")
    assert given.bits == nothing.bits
    assert given.found


@pytest.mark.parametrize("unit", UNITS)
def test_where_nothing_is_added_there_is_hardly_ever_a_yes(unit: Unit) -> None:
    """Label and score both depend on the summaries, and not on each other given these: 20 data sets of 40 seeds."""
    random = np.random.default_rng(3)
    yes = 0
    for _ in range(20):
        features, others = random.standard_normal((40, 2, 4)), random.standard_normal((60, 2, 4))
        for table in (features, others):
            table[:, 1, 0] += 1.0
        scores = scored(features[..., 0] + random.standard_normal((40, 2)))
        yes += information(scores, features, others, "P", unit).found
    assert yes <= 2  # 2.5 % each are allowed: three or more of 20 happen one time in 77


@pytest.mark.parametrize("unit", UNITS)
def test_a_seed_is_predicted_by_others_alone(unit: Unit) -> None:
    random = np.random.default_rng(4)
    features, others = random.standard_normal((15, 2, 3)), random.standard_normal((20, 2, 3))
    values = random.standard_normal((15, 2)) + np.array([0.0, 0.5])
    before = held_out(scored(values), features, others, unit)
    part = next(fold for fold in folds(15, 0, OUTER) if 7 in fold)
    together = np.setdiff1d(part, [7])
    # its members exchanged, the classifiers that it is shown to stay as they are
    features[7], values[7] = features[7, ::-1].copy(), values[7, ::-1].copy()
    after = held_out(scored(values), features, others, unit)
    for first, second in zip(before, after, strict=True):
        mirrored = -first[7] if unit == "pair" else first[7, ::-1]
        np.testing.assert_allclose(second[7], mirrored, rtol=1e-9)  # products of matrices in another order
        np.testing.assert_array_equal(second[together], first[together])
    rest = np.setdiff1d(np.arange(15), part)
    assert (after[1][rest] != before[1][rest]).any()


def test_triangles_reach_the_nyquist_wavenumber_and_change_sign_with_the_field() -> None:
    values = torch.randn(2, 2, 1, 8, 8, 8, generator=torch.Generator().manual_seed(5))
    rows = triangle_rows(PairTensor((0, 1), values), 100.0)
    assert rows.shape == (2, 2, 10)  # all of three shells: 0.5 to 3.5
    np.testing.assert_allclose(triangle_rows(PairTensor((0, 1), -values), 100.0), -rows, atol=1e-9)


def test_a_closed_triangle_of_three_waves_is_the_only_one_that_stands_out() -> None:
    """(3, 0, 0) + (-2, 2, 0) + (-1, -2, 0) = 0: below the Nyquist wavenumber of 4, two sides beyond 2/3 of it."""
    place = 2 * np.pi * np.indices((8, 8, 8)) / 8
    wave = sum(np.cos(np.tensordot(n, place, 1)) for n in ((3, 0, 0), (-2, 2, 0), (-1, -2, 0)))
    values = torch.from_numpy(np.broadcast_to(wave, (1, 2, 1, 8, 8, 8)).copy())
    found = triangle_rows(PairTensor((0,), values), 100.0)[0, 0]
    expected = 8  # of (0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 1), ... the triangle of shells 1, 2, 2
    assert found.argmax() == expected
    assert np.sinh(found[expected]) > 10  # in an empty shell, rounding over its own error is of order 1


@pytest.mark.parametrize("g_nl", [0.05, 0.0])
def test_a_trispectrum_alone_is_found_and_independent_universes_of_equal_power_are_alike(g_nl: float) -> None:
    """g + g_NL (g^3 - 3 g) at the power of g, mode by mode, which is odd in g; the score is the mean fourth power."""
    first = gaussian_cubes(36, 16, -1.0, seed=8)
    second = first + g_nl * (first**3 - 3 * first) if g_nl else gaussian_cubes(36, 16, -1.0, seed=9)
    values = torch.stack([match_power(cubes, first, finest=True) for cubes in (first, second)], dim=1)
    pairs = PairTensor(range(36), values.float())
    power = np.log(group_power(pairs.values, power_groups(16))[:, :, 0])
    features = np.concatenate([power, triangle_rows(pairs, 320.0)], axis=-1)
    fourth = scored((values**4).mean(dim=(2, 3, 4, 5)).numpy()[16:])
    for unit in UNITS:
        found = information(fourth, features[16:], features[:16], "P(k) and B", unit)
        assert found.found == (g_nl > 0)
        assert found.known < 0.05
