"""The bound: limits known in closed form, brute force with chi-squares, and the classifier that reaches it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from helpers.synthetic import gaussian
from weakfield.learning.bound import gaussian_auc, global_factor_auc, measured_bound
from weakfield.learning.metrics import Scores, auc
from weakfield.learning.summaries import Summaries, mode_counts, summarise

BOX = 160.0


@pytest.mark.parametrize(("excess", "modes"), [(0.01, 14_000), (0.002, 100_000), (-0.01, 5_000)])
def test_a_global_factor_is_worth_what_first_order_says(excess: float, modes: int) -> None:
    # d' = eps sqrt(2 n); the next order changes d' by a relative eps
    exact = gaussian_auc(np.array([(1 + excess) ** 2]), np.array([modes]))
    assert exact == pytest.approx(ndtr(abs(excess) * np.sqrt(2 * modes) / np.sqrt(2)), abs=3 * abs(excess) * 0.25)
    assert exact == pytest.approx(global_factor_auc(excess, modes), abs=0.002)


def test_one_percent_at_32_cells_is_worth_an_auc_of_088() -> None:
    assert global_factor_auc(0.01, 14_000) == pytest.approx(0.88, abs=0.005)  # as the two digits say


def test_it_does_not_matter_which_theory_has_more_power_or_how_shells_are_cut() -> None:
    ratio, modes = np.array([1.1, 0.9, 1.0]), np.array([100.0, 60.0, 500.0])
    assert gaussian_auc(1 / ratio, modes) == pytest.approx(gaussian_auc(ratio, modes), abs=1e-9)
    assert gaussian_auc(ratio[[0, 0, 1]], np.array([30.0, 70.0, 60.0])) == pytest.approx(
        gaussian_auc(ratio, modes), abs=1e-9
    )
    assert gaussian_auc(np.ones(3), modes) == 0.5


def test_two_normal_numbers_are_worth_phi_of_their_distance() -> None:
    assert gaussian_auc(np.ones(1), np.ones(1), 1.3) == pytest.approx(ndtr(1.3 / np.sqrt(2)), abs=1e-9)
    both = gaussian_auc(np.array([1.02]), np.array([5000.0]), 1.0)
    alone = np.sqrt(2) * 0.01 * np.sqrt(5000)  # squares of distances add
    assert both == pytest.approx(ndtr(np.hypot(1.0, alone) / np.sqrt(2)), abs=0.005)  # to first order in 0.01


@pytest.mark.parametrize("modes", [[12.0, 8.0], [300.0, 100.0]])
def test_against_brute_force(modes: list[float]) -> None:
    ratio, random, count = np.array([1.4, 0.8]), np.random.default_rng(1), 200_000
    shells = random.chisquare(modes, (2, count, 2))
    score = 0.5 * ((1 - 1 / ratio) * shells * np.array([np.ones(2), ratio])[:, None]).sum(axis=2)
    found = (np.sort(score[0]).searchsorted(score[1]) / count).mean()
    # the standard error of an AUC of n draws each is below 1 / sqrt(3 n) = 1.3e-3
    assert gaussian_auc(ratio, np.array(modes)) == pytest.approx(found, abs=4e-3)


def test_the_likelihood_ratio_of_gaussian_fields_reaches_it() -> None:
    """Fields on a lattice through the project's own spectra: 300 pairs of other seeds, GR 1.05 times its own field."""
    grid, count, factor = 8, 300, 1.05
    random = np.random.default_rng(8)
    modes = mode_counts(grid)
    newton, gr = (
        np.array([summarise(f * gaussian(grid, random), BOX)["power"] for _ in range(count)]) for f in (1, factor)
    )
    expected = newton.mean(axis=0)
    weight = 0.5 * modes / expected * (1 - 1 / factor**2)
    scores = Scores(tuple(range(count)), newton @ weight, gr @ weight)
    bound = gaussian_auc(np.full(len(modes), factor**2), modes)
    assert 0.85 < bound < 0.95
    # three standard errors of the AUC of 300 and 300 draws (Hanley and McNeil: 0.013 at 0.9); the spectrum by which
    # modes are weighed is known to 1/sqrt(300) of a mode's scatter, which costs less
    assert auc(scores) == pytest.approx(bound, abs=0.04)
    assert auc(Scores(scores.seeds, newton[:, :2] @ weight[:2], gr[:, :2] @ weight[:2])) < bound - 0.1  # few modes


def made(scale: float, count: int = 40, mean: float = 0.0, seed: int = 3) -> Summaries:
    """Pairs of one field each, GR ``scale`` times its twin with some noise of its own, and a mean."""
    random = np.random.default_rng(seed)
    tables = []
    for _ in range(count):
        field = gaussian(8, random)
        pair = [field, scale * (field + 0.002 * gaussian(8, random)) + mean]
        tables.append([summarise(cube, BOX) for cube in pair])
    names = tables[0][0]
    stacked = {name: np.array([[[member[name]] for member in pair] for pair in tables]) for name in names}
    return Summaries(tuple(range(count)), 8, mode_counts(8), stacked)


def test_the_measured_bound_is_that_of_the_planted_factor() -> None:
    found = measured_bound(made(1.05), list(range(40)), keep_mean=False)
    expected = gaussian_auc(np.array([1.05**2]), np.array([511.0]))
    assert found.modes == 511
    assert found.auc.value == pytest.approx(expected, abs=0.01)  # twins share their variance: r is exact to 1e-3
    assert found.auc.low <= found.auc.value <= found.auc.high
    assert found.auc.high - found.auc.low < 0.02
    shells = mode_counts(8)[:3].sum()
    assert found.modes_shells == shells
    assert found.auc_shells.value == pytest.approx(gaussian_auc(np.array([1.05**2]), np.array([shells])), abs=0.02)
    # by the exchanges of 40 twins r scatters by 2 eps / sqrt(40) = 1.6 %, common to all modes: E |N(0, 1)| of it
    assert 0.5 < found.null < 0.62


def test_where_the_theories_agree_the_bound_is_its_own_noise() -> None:
    found = measured_bound(made(1.0), list(range(40)), keep_mean=False)
    assert found.auc.value == pytest.approx(found.null, abs=0.02)
    assert found.auc.value < 0.53  # the noise of 0.2 % that was put in


def test_a_mean_that_only_gr_has_decides_when_it_is_kept() -> None:
    summaries = made(1.0, mean=0.5)
    assert measured_bound(summaries, list(range(40)), keep_mean=True).auc.value == pytest.approx(1.0, abs=1e-9)
    assert measured_bound(summaries, list(range(40)), keep_mean=False).auc.value < 0.53


@pytest.mark.parametrize("count", [1, 40])
def test_what_is_below_the_rounding_of_the_samples_tells_nothing(count: int) -> None:
    """A band-pass leaves powers of rounding, whose ratio is anything: with few seeds as with many."""
    summaries = made(1.0, count)
    total = (summaries.tables["power"][:, 0, 0].mean(axis=0) @ summaries.modes) / summaries.modes.sum()
    for level, expected_one in ((0.1e-14, False), (10e-14, True)):
        tables = {name: table.copy() for name, table in summaries.tables.items()}
        tables["power"][:, 0, 0, 1] = level * total
        tables["power"][:, 1, 0, 1] = 3 * level * total
        changed = Summaries(summaries.seeds, summaries.grid, summaries.modes, tables)
        found = measured_bound(changed, list(range(count)), keep_mean=False)
        assert (found.auc.value > 0.99) == expected_one
