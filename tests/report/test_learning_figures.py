"""What the figures compute before they draw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakfield.learning import Scores
from weakfield.learning.metrics import wins
from weakfield.report.learning_figures import roc_band, roc_curve


def scores(newton, gr) -> Scores:
    return Scores(tuple(range(len(newton))), np.array(newton, float), np.array(gr, float))


def test_roc_by_hand():
    false, true = roc_curve(scores([0, 2], [1, 3]))
    assert false.tolist() == [0, 0, 0.5, 0.5, 1]
    assert true.tolist() == [0, 0.5, 0.5, 1, 1]


def test_roc_counts_seeds_with_their_weights():
    false, true = roc_curve(scores([0, 2], [1, 3]), np.array([2.0, 0.0]))
    assert false.tolist() == [0, 0, 0, 0, 1]
    assert true.tolist() == [0, 0, 0, 1, 1]


@given(st.integers(1, 8), st.integers(0, 1000))
def test_area_under_the_curve_is_the_share_of_wins(n, seed):
    random = np.random.default_rng(seed)
    drawn = scores(random.integers(0, 5, n), random.integers(0, 5, n))  # integers, so that ties happen
    false, true = roc_curve(drawn)
    assert np.trapezoid(true, false) == pytest.approx(wins(drawn).mean(), abs=1e-12)


def test_band_of_a_perfect_classifier_is_one():
    _, low, high = roc_band(scores([0, 0.1, 0.2], [1, 2, 3]))
    assert low.min() == high.max() == 1
