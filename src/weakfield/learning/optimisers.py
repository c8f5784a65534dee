"""Optimisers by their name in the settings."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.plugins import load_own


def build_optimiser(network: nn.Module, settings: TrainingSettings, kept: Path | None = None) -> torch.optim.Optimizer:
    """The optimiser of a training; the learning rate is set anew at every step.

    ``nesterov`` looks ahead along the momentum before it takes the gradient. Weight decay is decoupled from the
    gradient in ``adamw`` alone (arXiv:1711.05101). The user's own optimiser is what their function
    (parameters, settings) returns; ``kept`` as in ``Task``.
    """
    parameters, rate, decay = list(network.parameters()), settings.learning_rate, settings.weight_decay
    name = settings.optimiser
    if "optimiser" in settings.plugins:
        own = load_own("optimiser", settings, kept)(parameters, settings)
        if not isinstance(own, torch.optim.Optimizer):
            raise BadInput(f"training.optimiser '{name}' gives {own!r}, expected a torch.optim.Optimizer")
        return own
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    if name == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=True)
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, weight_decay=decay)
    momentum = 0.0 if name == "sgd" else settings.momentum
    nesterov = name == "nesterov" and momentum > 0
    return torch.optim.SGD(parameters, lr=rate, momentum=momentum, nesterov=nesterov, weight_decay=decay)
