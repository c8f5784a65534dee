"""What is minimised, on samples or on pairs; sums over a batch, so that shares of it on many processes add up."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from weakfield.config.training import TrainingSettings
from weakfield.learning.metrics import Array, Scores, log_loss


def log_odds(outputs: Tensor) -> Tensor:
    """Of GR against the rest: (B,) as it is; of (B, classes), class 1 being GR, z_1 - ln sum of exp of the others."""
    if outputs.ndim == 1:
        return outputs
    others = torch.cat([outputs[:, :1], outputs[:, 2:]], dim=1)
    return outputs[:, 1] - torch.logsumexp(others, dim=1)


def training_loss(settings: TrainingSettings, outputs: Tensor, pairs: int) -> Tensor:
    """The share of these outputs in the mean loss of a batch of ``pairs``.

    ``outputs``: (2 n,) or (2 n, classes) of n of its pairs, Newton and GR in turn. ``mse`` is of the probability (of
    all classes, halved, so that two classes and one logit have the same); ``pair`` the cross-entropy of which member
    is GR, from the difference of their log-odds. Label smoothing s replaces a label y by (1 - s) y + s / classes.
    """
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


def validation_loss(settings: TrainingSettings, scores: Scores) -> float:
    """The loss of the settings on scores (log-odds of GR), labels not smoothed: what chooses the best epoch."""
    if settings.loss == "pair":
        return float(np.logaddexp(0, scores.newton - scores.gr).mean())
    if settings.loss == "mse":
        return float(0.5 * ((_sigmoid(scores.newton) ** 2).mean() + (_sigmoid(-scores.gr) ** 2).mean()))
    return log_loss(scores)


def _sigmoid(values: Array) -> Array:
    result: Array = np.exp(-np.logaddexp(0, -values))
    return result
