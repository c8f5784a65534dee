"""Networks trained on twins that differ in one planted thing, with the test pairs that attributions are asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from helpers.planted_fields import gaussian_cubes
from weakfield.config.training import TrainingSettings
from weakfield.dataset.pairs import PairTensor
from weakfield.learning import Task, fit, score
from weakfield.learning.metrics import auc
from weakfield.mesh.threads import threads

N = 16


@dataclass(frozen=True)
class Trained:
    """A network that has learned to tell its twins apart, and its test pairs: ``logits`` (B, 2) of first and second."""

    network: nn.Module
    first: Tensor
    second: Tensor
    logits: np.ndarray


def trained(
    folder: Path, alter: Callable[[Tensor], Tensor], slope: float, counts: tuple[int, int, int], **settings: Any
) -> Trained:
    """Train on Gaussian cubes and their altered twins; ``counts`` of pairs for training, validation and test.

    Twins are drawn, altered and split by pairs. Attribution is judged only where the network has learned the signal: a
    test AUC of at most 0.9 is a failure.
    """
    pairs: dict[Any, PairTensor] = {}
    for number, (part, count) in enumerate(zip(("train", "validation", "test"), counts, strict=True)):
        cubes = gaussian_cubes(count, N, slope, seed=number)
        pairs[part] = PairTensor(
            range(1000 * number, 1000 * number + count), torch.stack([cubes, alter(cubes)], dim=1).float()
        )
    chosen = TrainingSettings(**{"batch_pairs": 8, "learning_rate": 4e-3, "weight_decay": 1e-3, **settings})
    with threads(1):  # a training gives the same weights for the same number of threads alone
        network = fit(Task(chosen, pairs, "planted"), folder)
    scores = score(network, pairs["test"])
    assert auc(scores) > 0.9  # below, an attribution says nothing
    return Trained(network, *pairs["test"].values.unbind(dim=1), np.stack([scores.newton, scores.gr], axis=1))
