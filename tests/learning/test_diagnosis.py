"""Under- and overfitting named from synthetic histories whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from helpers import drawn_task
from weakfield.learning.diagnosis import diagnose
from weakfield.learning.losses import CHANCE_LOSS
from weakfield.learning.results import History
from weakfield.learning.scores import Scores


def history(train: list[float], validation: list[float]) -> History:
    rows = [
        {"epoch": number, "train_loss": a, "validation_loss": b}
        for number, (a, b) in enumerate(zip(train, validation, strict=True))
    ]
    return drawn_task.history(rows, int(np.argmin(validation)))


def scores(separation: float, count: int = 60, seed: int = 0) -> Scores:
    """Calibrated logits of normal distributions ``separation`` standard deviations apart: larger is better known."""
    random = np.random.default_rng(seed)
    half = 0.5 * separation**2
    newton, gr = (random.normal(mean, separation, count) for mean in (-half, half))
    return Scores(tuple(range(count)), newton, gr)


def quantiles(separation: float, count: int, seed: int) -> Scores:
    """The same distributions without the luck of a draw: their quantiles, in random order."""
    random = np.random.default_rng(seed)
    levels = norm.ppf((np.arange(count) + 0.5) / count)
    half = 0.5 * separation**2
    newton, gr = (mean + separation * random.permutation(levels) for mean in (-half, half))
    return Scores(tuple(range(count)), newton, gr)


FALLING = [0.69, 0.5, 0.4, 0.35, 0.34, 0.34, 0.34, 0.34]


def test_nothing_learnt_is_underfitting() -> None:
    flat = 8 * [CHANCE_LOSS]
    found = diagnose(history(flat, flat), scores(0.05), scores(0.05, seed=1), 500)
    assert found.verdict == "underfitting"
    assert "not below the 0.693 of guessing" in found.words


def test_nothing_is_said_of_the_fit_of_a_network_at_chance() -> None:
    validation = [0.69, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3]
    found = diagnose(history(FALLING, validation), scores(5.0), scores(0.01, seed=1), 500)
    assert (found.verdict, found.gap.low > 0) == ("chance", True)
    assert "At chance: on 60 validation seeds" in found.words
    assert "verfit" not in found.words
    few = diagnose(history(FALLING, FALLING), scores(5.0), scores(5.0, count=4), 500)
    assert few.verdict == "chance"  # four seeds in order are one chance in sixteen


def test_cubes_without_pairs_have_no_order_to_be_known_by() -> None:
    """In the right order by chance: each score of the one class is a hair above that of the other at the same place."""
    newton = np.random.default_rng(5).normal(size=60)
    ordered = Scores(tuple(range(60)), newton, newton + 1e-3)
    assert diagnose(history(FALLING, FALLING), scores(5.0), ordered, 500).verdict != "chance"
    found = diagnose(history(FALLING, FALLING), scores(5.0), ordered, 500, paired=False)
    assert found.verdict == "chance"
    assert "pairs" not in found.words


def test_a_training_part_known_better_is_overfitting() -> None:
    found = diagnose(history(FALLING, FALLING), scores(5.0), scores(1.0, seed=1), 500)
    assert found.verdict == "overfitting"
    assert found.gap.low > 0
    assert "known better" in found.words


def test_a_validation_loss_that_turns_up_is_overfitting_later() -> None:
    validation = [0.69, 0.5, 0.42, 0.45, 0.6, 0.8, 1.0, 1.2]
    train = [0.69, 0.5, 0.42, 0.3, 0.2, 0.1, 0.05, 0.02]
    found = diagnose(history(train, validation), scores(2.0), scores(2.0, seed=1), 500)
    assert found.verdict == "overfitting"
    assert "After epoch 3," in found.words
    assert "known better" not in found.words


def test_a_rise_within_the_error_of_the_gap_is_not_named() -> None:
    validation = [*FALLING[:-1], FALLING[-1] + 0.01]
    found = diagnose(history(FALLING, validation), scores(2.0), scores(2.0, seed=1), 500)
    assert found.verdict == "neither"


def test_a_loss_that_both_parts_see_rise_is_no_overfitting() -> None:
    rising = [0.69, 0.4, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5]  # training went wrong, for both parts
    assert diagnose(history(rising, rising), scores(2.0), scores(2.0, seed=1), 500).verdict == "neither"


def test_a_loss_still_falling_at_the_end_is_unfinished() -> None:
    falling = [0.69, 0.69, 0.65, 0.6, 0.55, 0.5, 0.3, 0.1]
    found = diagnose(history(falling, falling), scores(2.0), scores(2.0, seed=1), 500)
    assert found.verdict == "unfinished"
    assert "more epochs" in found.words


@pytest.mark.parametrize("seed", range(5))
def test_a_good_fit_is_neither(seed: int) -> None:
    found = diagnose(history(FALLING, FALLING), scores(2.0, seed=seed), scores(2.0, seed=seed + 50), 500)
    assert found.verdict == "neither"
    assert found.gap.low <= found.gap.value <= found.gap.high


def test_fewer_seeds_let_less_be_named() -> None:
    # the same gap, because scores are the quantiles of their distributions, is seen in 2000 seeds and not in 12
    many, few = (
        diagnose(history(FALLING, FALLING), quantiles(2.0, count, 0), quantiles(1.6, count, 1), 500)
        for count in (2000, 12)
    )
    assert few.gap.value == pytest.approx(many.gap.value, abs=0.02)  # 12 quantiles lack the tails
    assert (many.verdict, few.verdict) == ("overfitting", "neither")
