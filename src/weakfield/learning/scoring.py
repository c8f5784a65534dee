"""Logits of samples: single precision, eval mode, batches of fixed size, so that a score depends only on its sample."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from weakfield.dataset import Pairs
from weakfield.learning.losses import log_odds
from weakfield.learning.metrics import Scores

SCORING_BATCH = 16  # fixed, so that a score does not depend on what else is scored

Logits = np.ndarray[Any, np.dtype[np.float64]]


def score(network: nn.Module, pairs: Pairs) -> Scores:
    """Log-odds of pairs, positive for GR."""
    rows = logits_of_pairs(network, (pairs.load(places) for places in scoring_batches(len(pairs))))
    return Scores(pairs.seeds, rows[:, 0], rows[:, 1])


def scoring_batches(count: int) -> list[range]:
    """The places that are scored together."""
    return [range(start, min(start + SCORING_BATCH, count)) for start in range(0, count, SCORING_BATCH)]


def logits_of_pairs(network: nn.Module, batches: Iterable[Tensor]) -> Logits:
    """(n, 2) from batches (m, 2, *shape) of pairs, only one of which is in memory at a time."""
    rows = [np.stack([logits(network, batch[:, member]) for member in (0, 1)], axis=1) for batch in batches]
    return np.concatenate(rows) if rows else np.empty((0, 2))


def logits(network: nn.Module, samples: Tensor) -> Logits:
    """Log-odds (n,) float64 of normalised samples (n, channels, N, N[, N]), in eval mode and batches of fixed size."""
    training, first = network.training, next(network.parameters(), None)
    device = samples.device if first is None else first.device
    network.eval()
    with torch.no_grad():
        parts = [log_odds(network(batch.to(device))) for batch in torch.split(samples, SCORING_BATCH)]
    network.train(training)
    return torch.cat(parts).to("cpu", torch.float64).numpy()
