"""Losses by hand, their shares over processes, and that the ones of scores and of outputs agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from weakfield.config.training import TrainingSettings
from weakfield.learning.losses import log_odds, training_loss, validation_loss
from weakfield.learning.metrics import Scores

LN3 = math.log(3.0)  # log-odds of probability 3/4


def settings(loss: str, classes: int = 1, smoothing: float = 0.0) -> TrainingSettings:
    return TrainingSettings.from_mapping({"loss": loss, "classes": classes, "label_smoothing": smoothing})


def value(loss: str, outputs: list[float], smoothing: float = 0.0) -> float:
    return float(training_loss(settings(loss, 1, smoothing), torch.tensor(outputs), len(outputs) // 2))


def test_by_hand() -> None:
    # Newton has probability 1/4 of GR (right by 3/4), GR 3/4
    assert value("bce", [-LN3, LN3]) == pytest.approx(-math.log(0.75))
    assert value("bce", [-LN3, LN3], 0.2) == pytest.approx(-0.9 * math.log(0.75) - 0.1 * math.log(0.25))
    assert value("mse", [-LN3, LN3]) == pytest.approx(1 / 16)
    assert value("pair", [1.0, 1.0 + LN3]) == pytest.approx(-math.log(0.75))  # only the difference counts
    assert value("pair", [0.0, LN3], 0.2) == pytest.approx(-0.9 * math.log(0.75) - 0.1 * math.log(0.25))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize(("one", "two"), [("bce", "cross_entropy"), ("mse", "mse"), ("pair", "pair")])
def test_two_classes_are_one_logit(one: str, two: str, smoothing: float) -> None:
    outputs = torch.randn(12, 2, generator=torch.Generator().manual_seed(1))
    gap = outputs[:, 1] - outputs[:, 0]
    torch.testing.assert_close(log_odds(outputs), gap)
    torch.testing.assert_close(
        training_loss(settings(two, 2, smoothing), outputs, 6), training_loss(settings(one, 1, smoothing), gap, 6)
    )


def test_log_odds_of_three_classes() -> None:
    probabilities = torch.tensor([[0.2, 0.5, 0.3]])
    torch.testing.assert_close(log_odds(probabilities.log()), torch.tensor([0.0]), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("loss", "classes"), [("bce", 1), ("cross_entropy", 3), ("mse", 1), ("mse", 3), ("pair", 1)])
def test_shares_of_a_batch_add_up(loss: str, classes: int) -> None:
    outputs = torch.randn(14, classes, generator=torch.Generator().manual_seed(2)).squeeze(1)
    made = settings(loss, classes, 0.1)
    parts = [training_loss(made, part, 7) for part in torch.split(outputs, [4, 0, 10])]
    torch.testing.assert_close(sum(parts), training_loss(made, outputs, 7))


@pytest.mark.parametrize("loss", ["bce", "mse", "pair"])
def test_the_loss_of_scores_is_that_of_outputs(loss: str) -> None:
    random = np.random.default_rng(0)
    newton, gr = random.standard_normal((2, 9)) * 5
    outputs = torch.from_numpy(np.stack([newton, gr], axis=1).ravel())
    expected = float(training_loss(settings(loss), outputs, 9))
    assert validation_loss(settings(loss), Scores(tuple(range(9)), newton, gr)) == pytest.approx(expected, rel=1e-12)
