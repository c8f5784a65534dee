"""Scores: hand-computed cases, ties, and the bootstrap over seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from weakfield.base.errors import WeakfieldError
from weakfield.learning.calibration import reliability
from weakfield.learning.metrics import (
    Estimate,
    Scores,
    accuracy,
    auc,
    auc_difference,
    average_precision,
    confusion,
    cube_scores,
    evaluate,
    log_loss,
    paired_accuracy,
    proportion,
    resampled_auc,
    resampled_average_precision,
    resampled_unpaired_auc,
    unpaired_auc,
    wins,
)
from weakfield.learning.scores import NO_SPREAD


def scores(newton: list[float], gr: list[float]) -> Scores:
    return Scores(tuple(range(len(newton))), np.array(newton, float), np.array(gr, float))


numbers = st.integers(-3, 3).map(float)  # few values, so that ties occur
many_scores = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12).map(
    lambda rows: scores([n for n, _ in rows], [g for _, g in rows])
)


def test_by_hand() -> None:
    s = scores(newton=[-1.0, 2.0], gr=[1.0, 3.0])
    assert auc(s) == 0.75  # 1 > -1, 1 < 2, 3 > -1, 3 > 2
    assert unpaired_auc(s) == 0.5  # between universes: 1 < 2, 3 > -1
    assert accuracy(s) == 0.75  # newton 2 is on the wrong side
    assert paired_accuracy(s) == 1.0


def test_ties_count_half() -> None:
    s = scores(newton=[0.0, 0.0], gr=[0.0, 0.0])
    assert auc(s) == unpaired_auc(s) == accuracy(s) == paired_accuracy(s) == 0.5


@given(many_scores)
def test_against_scikit_learn(s: Scores) -> None:
    labels = np.repeat([0, 1], len(s.seeds))
    logits = np.concatenate([s.newton, s.gr])
    assert roc_auc_score(labels, logits) == pytest.approx(auc(s), abs=1e-12)
    n = len(s.seeds)
    if n > 1:  # n of the n^2 comparisons are between twins
        assert n * auc(s) == pytest.approx((n - 1) * unpaired_auc(s) + paired_accuracy(s), abs=1e-9)
    probability = 1 / (1 + np.exp(-logits))
    assert log_loss(s) == pytest.approx(sklearn_log_loss(labels, probability, labels=[0, 1]), rel=1e-9)


@given(many_scores)
def test_intervals_are_finite_and_hold_the_value(s: Scores) -> None:
    for name, estimate in evaluate(s, resamples=100).items():
        assert 0 <= estimate.low <= estimate.value <= estimate.high
        assert estimate.high <= 1 or name == "log_loss"
    assert evaluate(s, resamples=100) == evaluate(s, resamples=100)
    unpaired = evaluate(s, resamples=100, paired=False)
    assert unpaired | {"paired_accuracy": evaluate(s, resamples=100)["paired_accuracy"]} == evaluate(s, resamples=100)
    assert "paired_accuracy" not in unpaired


@given(many_scores)
def test_exchanging_the_theories_mirrors_everything(s: Scores) -> None:
    mirrored = Scores(s.seeds, s.gr, s.newton)
    assert auc(mirrored) == pytest.approx(1 - auc(s), abs=1e-12)
    assert unpaired_auc(mirrored) == pytest.approx(1 - unpaired_auc(s), abs=1e-12)
    assert paired_accuracy(mirrored) == pytest.approx(1 - paired_accuracy(s), abs=1e-12)


def test_every_seed_drawn_once_gives_the_value_itself() -> None:
    s = scores([0.1, 0.4, 0.2, 0.9], [0.3, 0.35, 0.8, 0.7])
    assert resampled_auc(s, np.ones((1, 4)))[0] == pytest.approx(auc(s), abs=1e-15)
    assert resampled_unpaired_auc(s, np.ones((1, 4)))[0] == pytest.approx(unpaired_auc(s), abs=1e-15)


def test_one_seed_drawn_alone_is_compared_with_its_twin() -> None:
    s = scores([0.1, 0.9], [0.3, 0.2])
    assert resampled_unpaired_auc(s, np.array([[2.0, 0.0], [0.0, 2.0]])).tolist() == [1.0, 0.0]


def test_twins_in_order_are_no_evidence_about_a_single_cube() -> None:
    # every GR member a hair above its twin: knowing one score says nothing, knowing both says everything
    newton = np.random.default_rng(4).standard_normal(20)
    result = evaluate(scores(newton.tolist(), (newton + 1e-9).tolist()), resamples=1000)
    assert result["auc"].value == pytest.approx(0.5 + 1 / 40, abs=1e-12)
    assert result["unpaired_auc"].value == pytest.approx(0.5, abs=1e-12)
    assert result["unpaired_auc"].high - result["unpaired_auc"].low < 1e-9
    assert result["paired_accuracy"].low == pytest.approx(0.025 ** (1 / 20))


def test_the_interval_covers() -> None:
    # 200 experiments of 30 independent pairs with true AUC Phi(1/sqrt 2) = 0.760
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        s = scores(random.normal(0, 1, 30).tolist(), random.normal(1, 1, 30).tolist())
        estimate = evaluate(s, resamples=300)["auc"]
        covered += estimate.low <= 0.7602 <= estimate.high
    assert 0.88 <= covered / 200 <= 0.99  # 95 % nominal; percentile intervals at n = 30 cover a little less


def test_a_difference_of_aucs_cancels_what_is_common() -> None:
    random = np.random.default_rng(6)
    s = scores(random.normal(0, 1, 12).tolist(), random.normal(1, 1, 12).tolist())
    same = auc_difference(s, Scores(s.seeds, 3 * s.newton + 1, 3 * s.gr + 1), resamples=200)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    perfect = scores([-1.0] * 12, [1.0] * 12)
    assert auc_difference(perfect, s, resamples=200).value == pytest.approx(1 - auc(s))
    with pytest.raises(ValueError, match="same seeds"):
        auc_difference(s, scores([0.0], [1.0]), resamples=200)


def test_scores_round_trip_as_json_and_must_be_finite() -> None:
    s = scores([0.5, 0.1], [0.2, 0.3])
    again = Scores.from_json(s.as_json())
    assert again.seeds == s.seeds
    assert (again.newton == s.newton).all()
    assert (again.gr == s.gr).all()
    with pytest.raises(WeakfieldError, match="not finite"):
        scores([np.nan], [1.0])


slices = st.lists(st.tuples(st.integers(0, 3), numbers, numbers), min_size=1, max_size=12).map(
    lambda rows: Scores(
        tuple(seed for seed, _, _ in rows),
        np.array([n for _, n, _ in rows], float),
        np.array([g for _, _, g in rows], float),
    )
)
draws = st.lists(st.integers(0, 3), min_size=4, max_size=4)


def copied(s: Scores, weights: np.ndarray) -> Scores:
    """The places of the seeds that were drawn, as often as they were."""
    places = [p for p, o in enumerate(s.owner) for _ in range(int(weights[o]))]
    return Scores(tuple(range(len(places))), s.newton[places], s.gr[places])


@given(slices, draws)
def test_slices_are_resampled_by_whole_seeds(s: Scores, drawn: list[int]) -> None:
    weights = np.array([drawn[: len(s.distinct)]], dtype=float)
    if weights.sum() == 0:
        return
    by_hand = copied(s, weights[0])
    assert resampled_auc(s, weights)[0] == pytest.approx(wins(by_hand).mean(), abs=1e-12)
    labels = np.repeat([1, 0], len(by_hand.seeds))
    logits = np.concatenate([by_hand.gr, by_hand.newton])
    expected = average_precision_score(labels, logits)
    assert resampled_average_precision(s, weights)[0] == pytest.approx(expected, abs=1e-12)
    matrix, same = wins(s), s.owner[:, None] == s.owner[None, :]
    pairs = np.outer(weights[0][s.owner], weights[0][s.owner]) * ~same
    if pairs.sum() > 0:
        assert resampled_unpaired_auc(s, weights)[0] == pytest.approx((matrix * pairs).sum() / pairs.sum(), abs=1e-12)


@given(many_scores)
def test_average_precision_against_scikit_learn(s: Scores) -> None:
    labels = np.repeat([0, 1], len(s.seeds))
    expected = average_precision_score(labels, np.concatenate([s.newton, s.gr]))
    assert average_precision(s) == pytest.approx(expected, abs=1e-12)


def test_a_slice_is_no_independent_draw() -> None:
    # 8 seeds of 100 slices that all say the same have the errors of 8 seeds, not of 800
    random = np.random.default_rng(7)
    newton, gr = random.normal(0, 1, 8), random.normal(1, 1, 8)
    cubes = scores(newton.tolist(), gr.tolist())
    many = Scores(tuple(np.repeat(range(8), 100)), np.repeat(newton, 100), np.repeat(gr, 100))
    for name, estimate in evaluate(cubes, resamples=200).items():
        other = evaluate(many, resamples=200)[name]
        for value in ("value", "low", "high"):
            assert getattr(other, value) == pytest.approx(getattr(estimate, value), abs=1e-9), name
    assert cube_scores(many).seeds == cubes.seeds
    np.testing.assert_allclose(cube_scores(many).gr, gr, rtol=1e-14)


def test_the_score_of_a_cube_is_the_mean_of_its_slices() -> None:
    s = Scores((5, 2, 5), np.array([1.0, 7.0, 4.0]), np.array([2.0, -1.0, 0.0]))
    cubes = cube_scores(s)
    assert cubes.seeds == (5, 2)
    assert cubes.newton.tolist() == [2.5, 7.0]
    assert cubes.gr.tolist() == [1.0, -1.0]
    assert s.sizes.tolist() == [2.0, 1.0]


def test_the_error_of_a_share_is_that_of_its_seeds() -> None:
    right = np.where(np.arange(100) < 70, 1.0, -1.0)
    estimate = evaluate(scores((-right).tolist(), right.tolist()), resamples=100)["accuracy"]
    assert estimate.value == 0.7
    error = np.sqrt(0.7 * 0.3 / 100)  # twins are right or wrong together
    # the exact interval is wider than the normal one by about one success
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * error, abs=0.015)


@pytest.mark.parametrize("seeds", [1, 2, 5, 40])
def test_one_interval_for_every_share_of_right_answers_however_few_the_seeds(seeds: int) -> None:
    """Resamples of seeds that all agree do not scatter, and said 1.00 (1.00 to 1.00) of two seeds."""
    perfect = scores([-1.0] * seeds, [1.0] * seeds)
    found = evaluate(perfect, resamples=100)
    expected = proportion(1.0, seeds)
    assert expected.low == pytest.approx(0.025 ** (1 / seeds))
    for name in ("accuracy", "balanced_accuracy", "paired_accuracy"):
        assert found[name] == expected, name
    table = confusion(perfect)
    for called in (table["gr"]["gr"], table["newton"]["newton"]):
        assert (called.value, called.low, called.high) == (1.0, expected.low, 1.0)
    assert all(row.observed.low < row.observed.high for row in reliability(perfect))
    for name in ("auc", "unpaired_auc", "average_precision"):
        assert found[name] == expected, name
    wrong = evaluate(scores([1.0] * seeds, [-1.0] * seeds), resamples=100)
    assert wrong["auc"] == wrong["paired_accuracy"] == proportion(0.0, seeds)
    assert found["brier"].range == NO_SPREAD  # no share of seeds: nothing is known of its error


def test_an_area_of_a_half_because_all_scores_are_alike_is_not_widened() -> None:
    constant = evaluate(scores([0.0] * 6, [0.0] * 6), resamples=100)["unpaired_auc"]
    assert (constant.value, constant.range) == (0.5, NO_SPREAD)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.25, 1.0, "0.25 to 1.00"),
        (0.9996, 1.0, "0.9996 to 1.0000"),
        (0.5, 0.5, "no spread"),
        (0.0, 1e-9, "0.00e+00 to 1.00e-09"),
        (0.50017, 0.50023, "0.50017 to 0.50023"),
    ],
)
def test_an_interval_is_not_printed_as_certain(low: float, high: float, said: str) -> None:
    assert Estimate(high, low, high).range == said


def test_confusion_by_hand() -> None:
    table = confusion(scores([-1.0, 2.0, 0.0], [1.0, 3.0, -1.0]))
    assert [table["newton"][called].count for called in ("newton", "gr")] == [1.5, 1.5]  # 0 counts half
    assert [table["gr"][called].count for called in ("newton", "gr")] == [1.0, 2.0]
    assert table["gr"]["gr"].value == pytest.approx(2 / 3)
    for row in table.values():
        assert row["newton"].value + row["gr"].value == pytest.approx(1.0)
        assert all(entry.low <= entry.value <= entry.high for entry in row.values())


def test_slices_and_cubes_of_the_same_seeds_can_be_compared() -> None:
    cubes = scores([0.0, 1.0], [2.0, 0.5])
    many = Scores((0, 0, 1, 1), np.array([0.0, 0.0, 1.0, 1.0]), np.array([2.0, 2.0, 0.5, 0.5]))
    assert auc_difference(many, cubes, resamples=100).value == 0
