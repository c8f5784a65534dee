"""Calibration by hand, against scikit-learn, and the temperature where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from weakfield.learning.calibration import (
    brier_terms,
    calibrated,
    ece,
    probability,
    reliability,
    resampled_ece,
    temperature,
)
from weakfield.learning.metrics import evaluate, log_loss
from weakfield.learning.scores import Scores, bootstrap_weights


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def drawn(count: int, seed: int, scale: float = 1.0) -> Scores:
    """Scores whose logits are true before they are multiplied by ``scale``: normal with variance 2 and means -1, 1."""
    random = np.random.default_rng(seed)
    newton, gr = (random.normal(mean, np.sqrt(2), count) for mean in (-1.0, 1.0))
    return Scores(tuple(range(count)), scale * newton, scale * gr)


def test_ece_by_hand() -> None:
    # bin [0.2, 0.3): one Newton cube at 0.25; bin [0.7, 0.8): a Newton cube at 0.75 and GR cubes at 0.72, 0.78
    s = Scores((0, 1), np.array([logit(0.25), logit(0.75)]), np.array([logit(0.72), logit(0.78)]))
    expected = 1 / 4 * abs(0 - 0.25) + 3 / 4 * abs(2 / 3 - 0.75)
    assert ece(s) == pytest.approx(expected, abs=1e-12)
    assert ece(s, bins=1) == pytest.approx(abs(0.5 - (0.25 + 0.75 + 0.72 + 0.78) / 4), abs=1e-12)
    assert brier_terms(s).mean() == pytest.approx((0.25**2 + 0.75**2 + 0.28**2 + 0.22**2) / 4, abs=1e-12)


def test_certainty_is_in_the_last_bin_and_never_overflows() -> None:
    s = Scores((0, 1), np.array([-1e4, -800.0]), np.array([1e4, 800.0]))
    assert ece(s) == 0
    assert probability(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_reliability_and_brier_against_scikit_learn() -> None:
    s = drawn(300, 1)
    labels, chance = np.repeat([0, 1], 300), probability(np.concatenate([s.newton, s.gr]))
    share, mean = calibration_curve(labels, chance, n_bins=10)
    rows = reliability(s)
    assert [row.predicted for row in rows] == pytest.approx(mean.tolist(), abs=1e-12)
    assert [row.observed.value for row in rows] == pytest.approx(share.tolist(), abs=1e-12)
    assert sum(row.count for row in rows) == 600
    assert evaluate(s, 100)["brier"].value == pytest.approx(brier_score_loss(labels, chance), abs=1e-12)


def test_a_true_forecast_lies_on_the_diagonal() -> None:
    # logits with means -1, 1 and variance 2 are their own log likelihood ratio
    rows = reliability(drawn(20_000, 2))
    for row in rows:
        error = (row.observed.high - row.observed.low) / 3.92
        assert abs(row.observed.value - row.predicted) < 4 * error  # ten bins, four standard errors each
    assert ece(drawn(20_000, 2)) < 0.01


@pytest.mark.parametrize("scale", [0.1, 3.0, 50.0])
def test_the_temperature_undoes_a_factor(scale: float) -> None:
    fitted = temperature(drawn(4000, 3, scale))
    # the curvature of the loss gives the factor to about 1.5 / sqrt(8000) = 1.7 %; smoothed targets add 1/n
    assert fitted == pytest.approx(scale, rel=0.06)
    test = drawn(4000, 4, scale)
    plain, after = evaluate(test, 100), calibrated(test, fitted, 100)
    assert after["calibrated_log_loss"].value < plain["log_loss"].value
    assert after["calibrated_ece"].value < 0.03
    assert after["calibrated_log_loss"].value == pytest.approx(log_loss(drawn(4000, 4)), abs=2e-3)


def test_the_temperature_is_finite_where_scores_separate_or_know_nothing() -> None:
    perfect = Scores((0, 1, 2), np.array([-5.0, -6.0, -7.0]), np.array([5.0, 6.0, 7.0]))
    # three seeds of each are worth a probability of about (3 + 1) / (3 + 2)
    assert probability(perfect.gr / temperature(perfect)).mean() == pytest.approx(0.8, abs=0.01)
    assert temperature(Scores((0, 1), np.zeros(2), np.zeros(2))) == 1.0
    wrong = Scores((0, 1), np.array([1.0, 2.0]), np.array([-1.0, -2.0]))
    assert np.abs(wrong.gr / temperature(wrong)).max() < 0.01  # as near to saying nothing as it may


def test_resamples_of_whole_seeds_by_brute_force() -> None:
    random = np.random.default_rng(6)
    s = Scores((4, 4, 9, 9, 2), random.normal(size=5), random.normal(size=5))
    weights = np.array([[2.0, 0.0, 1.0]])  # of seeds 4, 9, 2
    places = [0, 1, 0, 1, 4]
    copy = Scores(tuple(range(5)), s.newton[places], s.gr[places])
    assert resampled_ece(s, weights)[0] == pytest.approx(ece(copy), abs=1e-12)
    assert bootstrap_weights(3, 10).sum(axis=1).tolist() == 10 * [3.0]
