"""Probabilities of chance: by hand, against scipy, and uniform where there is nothing to find."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from weakfield.learning.scores import Scores
from weakfield.learning.significance import EVERY, chance_of_auc, chance_of_order


def scores(newton: list[float], gr: list[float]) -> Scores:
    return Scores(tuple(range(len(newton))), np.array(newton), np.array(gr))


@pytest.mark.parametrize(("successes", "seeds", "share"), [(5, 5, 0.5), (7, 10, 0.5), (3, 8, 0.35), (1, 4, 0.5)])
def test_orders_are_binomial(successes: int, seeds: int, share: float) -> None:
    expected = binom.sf(successes - 1, seeds, share)
    assert chance_of_order(successes / seeds, seeds, share) == pytest.approx(expected)
    assert chance_of_order(0.0, seeds, share) == 1


def test_a_perfect_auc_is_one_exchange_of_all() -> None:
    assert chance_of_auc(scores([-1, -1, -1], [1, 1, 1])) == 1 / 8
    # the members of the first pair lie between those of the others, so that exchanging them alone changes nothing
    assert chance_of_auc(scores([-1, -2, -3], [1, 2, 3])) == 2 / 8
    assert chance_of_auc(scores(10 * [-1.0], 10 * [1.0])) == 1 / 2**10


def test_scores_that_are_all_alike_or_differ_by_a_hair_are_chance() -> None:
    assert chance_of_auc(scores(5 * [0.0], 5 * [0.0])) == 1
    assert chance_of_auc(scores([1, 2, 3, 4, 5, 6], [1.01, 2.01, 3.01, 4.01, 5.01, 6.01])) == 1


@pytest.mark.parametrize("seeds", [6, EVERY + 8])
def test_where_there_is_nothing_small_probabilities_are_as_rare_as_they_say(seeds: int) -> None:
    random = np.random.default_rng(seeds)
    found = np.array([chance_of_auc(scores(*random.standard_normal((2, seeds)).tolist())) for _ in range(200)])
    for level in (0.05, 0.2):
        # three standard errors of 200 draws
        assert (found <= level).mean() < level + 3 * np.sqrt(level * (1 - level) / 200)
