"""What is minimised, on samples or on pairs: sums over a batch, so that the shares of many processes add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.calibration import brier_terms, log_loss_terms
from weakfield.learning.plugins import load_own
from weakfield.learning.scores import Array, Scores

Terms = Callable[[Scores], Array]


def log_odds(outputs: Tensor) -> Tensor:
    """Log-odds of GR: (B,) as it is; from (B, classes), class 1 being GR, z_1 - ln sum of exp of the others."""
    if outputs.ndim == 1:
        return outputs
    others = torch.cat([outputs[:, :1], outputs[:, 2:]], dim=1)
    return outputs[:, 1] - torch.logsumexp(others, dim=1)


@dataclass(frozen=True)
class Judgement:
    """How a loss judges scores: ``terms`` (places,), their value for a network that knows nothing, and their unit."""

    terms: Terms
    chance: float
    unit: str


def pair_terms(scores: Scores) -> Array:
    """(places,): cross-entropy [nats] of which member of a pair is GR, from the difference of their logits."""
    return np.asarray(np.logaddexp(0, scores.newton - scores.gr))


CHANCE_LOSS = float(np.log(2))
BCE = Judgement(log_loss_terms, CHANCE_LOSS, "nats")
_JUDGEMENTS = {
    "bce": BCE,
    "cross_entropy": BCE,
    "pair": Judgement(pair_terms, CHANCE_LOSS, "nats a pair"),
    "mse": Judgement(brier_terms, 0.25, "squared probability"),
}


def judgement(settings: TrainingSettings, kept: Path | None = None) -> Judgement:
    """The judgement of the loss in the settings; ``kept`` as in ``Task``."""
    if "loss" not in settings.plugins:
        return _JUDGEMENTS[settings.loss]

    def terms(scores: Scores) -> Array:
        found = _own_terms(settings, torch.from_numpy(scores.newton), torch.from_numpy(scores.gr), kept)
        return np.asarray(found.detach().numpy(), dtype=np.float64)

    return Judgement(terms, float(terms(Scores((0,), np.zeros(1), np.zeros(1)))[0]), "of the loss")


def _own_terms(settings: TrainingSettings, newton: Tensor, gr: Tensor, kept: Path | None) -> Tensor:
    """The loss of every pair (n,) by the user's own function, from the log-odds of both members (n,)."""
    found = load_own("loss", settings, kept)(newton, gr)
    if not isinstance(found, Tensor) or found.shape != newton.shape:
        answer = f"a tensor of shape {tuple(found.shape)}" if isinstance(found, Tensor) else repr(found)
        raise BadInput(
            f"training.loss '{settings.loss}' answers {answer} to {len(newton)} pairs, expected a number for each pair"
        )
    return found


def training_loss(settings: TrainingSettings, outputs: Tensor, pairs: int, kept: Path | None = None) -> Tensor:
    """The share of these outputs in the mean loss of a batch of ``pairs``.

    ``outputs``: (2 n,) or (2 n, classes) for n of its pairs, Newton and GR in turn. ``mse`` is the squared error of the
    probability (of all classes, halved, so that two classes and one logit give the same); ``pair`` is the cross-entropy
    of which member is GR, from the difference of their log-odds. Label smoothing s replaces a label y by (1 - s)
    y + s / classes. A loss of the user's own is a function from the log-odds of both members to the loss of every pair.
    """
    if "loss" in settings.plugins:
        odds = log_odds(outputs)
        return _own_terms(settings, odds[0::2], odds[1::2], kept).sum() / pairs
    labels = torch.tensor([0, 1], device=outputs.device).repeat(len(outputs) // 2)
    smoothing, loss = settings.label_smoothing, settings.loss
    if loss == "pair":
        gap = log_odds(outputs)
        gap = gap[1::2] - gap[0::2]
        target = torch.full_like(gap, 1 - 0.5 * smoothing)
        return functional.binary_cross_entropy_with_logits(gap, target, reduction="sum") / pairs
    if loss == "cross_entropy":
        total = functional.cross_entropy(outputs, labels, label_smoothing=smoothing, reduction="sum")
    elif loss == "bce":
        target = labels.to(outputs.dtype) * (1 - smoothing) + 0.5 * smoothing
        total = functional.binary_cross_entropy_with_logits(outputs, target, reduction="sum")
    elif outputs.ndim == 1:
        target = labels.to(outputs.dtype) * (1 - smoothing) + 0.5 * smoothing
        total = (torch.sigmoid(outputs) - target).square().sum()
    else:
        classes = outputs.shape[1]
        target = functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
        total = 0.5 * (torch.softmax(outputs, dim=1) - target).square().sum()
    return total / (2 * pairs)


def validation_loss(settings: TrainingSettings, scores: Scores, kept: Path | None = None) -> float:
    """The loss of the settings on scores (log-odds of GR), without label smoothing: it chooses the best epoch."""
    if settings.loss == "mse":
        return float(0.5 * ((_sigmoid(scores.newton) ** 2).mean() + (_sigmoid(-scores.gr) ** 2).mean()))
    return float(judgement(settings, kept).terms(scores).mean())


def _sigmoid(values: Array) -> Array:
    result: Array = np.exp(-np.logaddexp(0, -values))
    return result
