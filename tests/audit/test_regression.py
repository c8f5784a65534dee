"""Regressions that cannot overfit few seeds, and the answer in words: never a yes where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.synthetic import tiny_study
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.regression import (
    STRENGTHS,
    Evidence,
    answer,
    left_over,
    left_over_difference,
    partial_correlation,
    regressed,
    ridge,
)
from weakfield.config import RunFolder
from weakfield.learning import Scores


class Given(AuditRun):
    """A context whose network has given scores."""

    given: Scores

    def scores(self, who: str = "network", part: str = "test", model: str | None = None) -> Scores:
        return self.given


def context(scores: Scores, tmp_path) -> Given:
    made = Given(tiny_study(audit={"bootstrap": 400}), RunFolder(tmp_path))
    made.given = scores
    return made


def drawn(seeds: int, shift: float, random: np.random.Generator, twins: float = 0.0) -> Scores:
    """Logits of universes with spread 1, GR above by ``shift``; twins share them up to ``twins``."""
    common = random.standard_normal(seeds)
    noise = twins * random.standard_normal((2, seeds))
    return Scores(tuple(range(seeds)), common + noise[0], common + shift + noise[1])


def test_features_that_say_all_leave_nothing_and_features_of_noise_leave_all() -> None:
    random = np.random.default_rng(1)
    features = random.standard_normal((30, 2, 4))
    values = features @ np.array([1.0, -2.0, 0.5, 0.0])
    assert np.abs(left_over(values, features)).max() < 0.1 * values.std()  # the ridge shrinks by a per mille
    noise = random.standard_normal((12, 2, 40))  # more features than rows
    left = left_over(values[:12], noise)
    assert 0.8 < left.std() / values[:12].std() < 1.3
    assert (left_over(values[:1], features[:1]) == values[:1]).all()  # one seed: nothing to predict it from
    assert (left_over_difference(values[:1, 0], features[:1, 0]) == values[:1, 0]).all()


def leave_out(x: np.ndarray, y: np.ndarray, penalty: float, rows: list[int], centred: bool) -> np.ndarray:
    """What is wrong with the prediction of ``rows`` by a ridge regression on all others."""
    rest = np.setdiff1d(np.arange(len(y)), rows)
    a, b = x[rest], y[rest]
    shift, centre = (a.mean(0), b.mean()) if centred else (0.0, 0.0)
    weights = np.linalg.solve((a - shift).T @ (a - shift) + penalty * np.eye(x.shape[1]), (a - shift).T @ (b - centre))
    return np.asarray(y[rows] - centre - (x[rows] - shift) @ weights)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("features", [3, 30])  # fewer and more than rows
def test_the_strength_is_that_which_predicts_whole_pairs_best(members: int, features: int) -> None:
    """Against regressions done again without each pair; twins share most of everything, as pairs do."""
    random = np.random.default_rng(8)
    x = np.repeat(random.standard_normal((9, features)), members, axis=0)
    x += 0.1 * random.standard_normal(x.shape)
    y = np.repeat(random.standard_normal(9), members) + 0.5 * x[:, 0] + 0.1 * random.standard_normal(len(x))
    centred = members == 2
    x = x - x.mean(0) if centred else x
    pairs = [list(range(start, start + members)) for start in range(0, len(y), members)]
    losses = [
        sum(float((leave_out(x, y, strength * len(y), rows, centred) ** 2).sum()) for rows in pairs)
        for strength in STRENGTHS
    ]
    penalty = STRENGTHS[int(np.argmin(losses))] * len(y)
    weights, centre = ridge(x, y, members, centred)
    expected = np.linalg.solve(x.T @ x + penalty * np.eye(features), x.T @ (y - centre))
    np.testing.assert_allclose(weights, expected, rtol=1e-9, atol=1e-12)  # two routes to one solution, in double
    assert centre == (y.mean() if centred else 0.0)


@pytest.mark.parametrize("draw", range(4))
def test_features_that_name_the_seed_and_nothing_else_explain_nothing(draw: int) -> None:
    """Twins share logits and 20 features, both noise: a twin left in the fit would vouch for what is overfitted."""
    random = np.random.default_rng([9, draw])
    shared, features = random.standard_normal(30), random.standard_normal((30, 1, 20))
    values = shared[:, None] + 1e-3 * random.standard_normal((30, 2))
    left = left_over(values, features + 1e-3 * random.standard_normal((30, 2, 20)))
    # nothing predicted leaves 1.04: means of 27 seeds miss the other three; overfitting 27 by 20 adds all of 20 / 6
    assert left.std() / values.std() < 1.3


def test_twins_are_freed_of_what_predicts_their_difference() -> None:
    random = np.random.default_rng(2)
    features = 0.3 + random.standard_normal((25, 3))
    explained = features @ np.array([1.0, 0.0, -1.0])
    assert np.abs(left_over_difference(explained, features)).max() < 0.05 * np.abs(explained).max()
    left = left_over_difference(explained + 2.0, random.standard_normal((25, 3)))
    assert left.mean() == pytest.approx(2.0, abs=1.0)  # a constant that no feature knows stays: 25 draws of spread 1.4


def test_a_logit_that_is_power_has_no_partial_correlation_and_another_has(tmp_path) -> None:
    random = np.random.default_rng(3)
    power = random.standard_normal((60, 2, 3))
    power[:, 1, 0] += 1.0  # the label is in the power
    scores = Scores(tuple(range(60)), *(power[..., 0] + 0.1 * random.standard_normal((60, 2))).T)
    given = context(scores, tmp_path)
    assert partial_correlation(given, scores, power).high < 0.25
    assert given.unpaired_auc(scores).low > 0.6
    assert given.unpaired_auc(regressed(scores, power)).low < 0.55
    more = Scores(scores.seeds, scores.newton, scores.gr + 0.5)  # and something that power does not hold
    assert partial_correlation(given, more, power).low > 0.25
    assert given.unpaired_auc(regressed(more, power)).low > 0.6


def test_yes_needs_a_signal(tmp_path) -> None:
    random = np.random.default_rng(4)
    network = drawn(40, 1.0, random)
    given = context(network, tmp_path)
    assert answer(given, [Evidence("a", network)]) == "yes"
    assert answer(given, [Evidence("a", drawn(40, 1e-3, random))]) == "yes"  # twins in order, every one
    assert answer(given, [Evidence("a", network, identical=True)]) == "no"
    few = drawn(4, 1.0, random)
    assert answer(given, [Evidence("a", few)]) == "not at this sample size"


def test_no_needs_seeds_and_a_network_that_tells_something(tmp_path) -> None:
    random = np.random.default_rng(5)
    values = random.standard_normal(600)
    nothing = Scores(tuple(range(600)), values, random.permutation(values))
    assert answer(context(drawn(600, 1.0, random), tmp_path), [Evidence("a", nothing)]) == "no"
    assert answer(context(nothing, tmp_path), [Evidence("a", nothing)]) == "not at this sample size"
    small = Scores(tuple(range(20)), *random.standard_normal((2, 20)))
    assert answer(context(drawn(20, 2.0, random), tmp_path), [Evidence("a", small)]) == "not at this sample size"


def test_where_nothing_is_there_is_hardly_ever_a_yes(tmp_path) -> None:
    """Two classifiers, 300 studies of 12 seeds: the family's error is 5 %, of which 2.5 % upwards."""
    random = np.random.default_rng(6)
    given = context(drawn(12, 1.0, random), tmp_path)
    answers = [answer(given, [Evidence(n, drawn(12, 0.0, random, twins=0.5)) for n in "ab"]) for _ in range(300)]
    assert answers.count("yes") <= 20  # 6.7 %: bootstrap intervals of 12 seeds are somewhat narrow
