"""Two steps of every optimiser on a quadratic, by the formulas that define them."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import nn

from weakfield.config.training import Optimiser, TrainingSettings
from weakfield.learning.optimisers import build_optimiser

RATE, DECAY, MOMENTUM = 0.1, 0.5, 0.9


def by_formula(name: str, w: float) -> float:
    """Two steps on the loss 3 w^2 / 2, gradient 3 w."""
    velocity = mean = square = 0.0
    for step in (1, 2):
        gradient = 3 * w + (0 if name == "adamw" else DECAY * w)
        if name == "sgd":
            w -= RATE * gradient
        elif name in ("momentum", "nesterov"):
            velocity = MOMENTUM * velocity + gradient
            w -= RATE * (velocity if name == "momentum" else gradient + MOMENTUM * velocity)
        elif name == "rmsprop":
            square = 0.99 * square + 0.01 * gradient**2
            w -= RATE * gradient / (math.sqrt(square) + 1e-8)
        else:
            if name == "adamw":
                w -= RATE * DECAY * w
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            corrected = mean / (1 - 0.9**step), square / (1 - 0.999**step)
            w -= RATE * corrected[0] / (math.sqrt(corrected[1]) + 1e-8)
    return w


@pytest.mark.parametrize("name", get_args(Optimiser))
def test_two_steps(name: str) -> None:
    network = nn.Module()
    network.w = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
    values = {"optimiser": name, "learning_rate": RATE, "weight_decay": DECAY, "momentum": MOMENTUM}
    optimiser = build_optimiser(network, TrainingSettings.from_mapping(values))
    for _ in range(2):
        optimiser.zero_grad()
        (1.5 * network.w**2).backward()
        optimiser.step()
    assert network.w.item() == pytest.approx(by_formula(name, 2.0), rel=1e-12)
