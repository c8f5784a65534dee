"""Integrals of gradients along paths, refined where the logit bends until they equal the change of the logit.

The gradient of a network of rectifiers jumps along a path, so no rule with fixed nodes converges fast. A first
Gauss-Legendre rule over the whole path is enough where the network is smooth or the path is short. For samples whose
sum does not yet equal the difference of logits, the path is cut into panels; the integral over each panel is compared
with the change of the logit over it, and panels that are off are halved. In this way the nodes gather at the bends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.explain.response import MEMORY

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

#: how closely attributions have to sum to the difference of logits, relative to that difference
TOLERANCE = 1e-4
#: the most nodes a sample may take
MOST_STEPS = 1024
#: number of panels in the first cut, and number of nodes in each panel
PANELS, PANEL_STEPS = 8, 2


@dataclass(frozen=True)
class PathOptions:
    """How the gradient is integrated along a path.

    A sample first gets ``steps`` Gauss-Legendre nodes, and up to ``most_steps`` if its attributions do not yet sum to
    the difference of logits within ``tolerance`` of it; what is left is their ``residual``. The network is used in
    ``dtype``; ``memory`` [bytes] bounds the batches.
    """

    steps: int = 32
    tolerance: float = TOLERANCE
    most_steps: int = MOST_STEPS
    dtype: torch.dtype = torch.float64
    memory: int = MEMORY


@dataclass(frozen=True)
class Path:
    """A path of every sample, t from 0 to 1.

    ``terms(which, t)`` gives, for the samples ``which`` (M,) at ``t`` (M,), what the parts contribute to d logit / dt,
    (M, ...). ``logits(which, t)`` gives the logits there, (M,).
    """

    terms: Callable[[Integers, Reals], Tensor]
    logits: Callable[[Integers, Reals], Reals]


@lru_cache(maxsize=32)
def nodes(steps: int) -> tuple[Reals, Reals]:
    """Gauss-Legendre nodes and weights of the interval from 0 to 1."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    return (points + 1) / 2, weights / 2


def integrate(path: Path, change: Reals, scale: Reals, options: PathOptions, at_once: int) -> tuple[Tensor, Integers]:
    """The integral of ``path.terms`` over t for every sample, (B, ...), and the nodes each one took, (B,).

    ``change`` (B,) is what the sum over all axes but the first should be; a sample that is off by more than the
    tolerance times ``scale`` (B,) is refined. ``at_once`` panels are held in memory.
    """
    everyone, ones = np.arange(len(change)), np.ones(len(change))
    result: Tensor | None = None
    for point, weight in zip(*nodes(options.steps), strict=True):
        part = weight * path.terms(everyone, point * ones)
        result = part if result is None else result.add_(part)
    assert result is not None
    taken = np.full(len(change), options.steps, dtype=np.int64)
    for sample in np.flatnonzero(np.abs(_sums(result) - change) > options.tolerance * scale):
        if taken[sample] + PANELS * PANEL_STEPS <= options.most_steps:
            allowed = options.tolerance * float(scale[sample])
            result[sample], more = _refined(path, int(sample), allowed, options.most_steps - taken[sample], at_once)
            taken[sample] += more
    return result, taken


def _refined(path: Path, sample: int, allowed: float, most_steps: int, at_once: int) -> tuple[Tensor, int]:
    """The integral of one sample, and the nodes taken: panels halved until their errors add up to at most ``allowed``.

    The error of a panel is known: it is the difference between its integral and the change of the logit over it. Errors
    of many panels have either sign and may cancel, so both their sum and the root of the sum of their squares are
    brought down. The worst panels are halved first, and no more than ``most_steps`` and ``at_once`` leave room for.
    """
    cuts = np.linspace(0, 1, PANELS + 1)
    ends = path.logits(np.full(len(cuts), sample), cuts)
    low, high, at_low, at_high = cuts[:-1], cuts[1:], ends[:-1], ends[1:]
    done, taken, sum_done, squares_done = torch.zeros(()), 0, 0.0, 0.0
    while True:
        totals = _panels(path, np.full(len(low), sample), low, high)
        taken += PANEL_STEPS * len(low)
        missed = _sums(totals) - (at_high - at_low)
        room = min(at_once // 2, (most_steps - taken) // (2 * PANEL_STEPS))
        worst = np.argsort(-np.abs(missed), kind="stable")[: max(room, 0)]
        worst = worst[np.abs(missed[worst]) > allowed / (3 * np.sqrt(len(low)))]
        if abs(sum_done + missed.sum()) <= allowed and squares_done + (missed**2).sum() <= allowed**2:
            worst = worst[:0]
        kept = np.setdiff1d(np.arange(len(low)), worst)
        done = done + totals[torch.from_numpy(kept)].sum(dim=0)
        if len(worst) == 0:
            return done, taken
        sum_done, squares_done = sum_done + missed[kept].sum(), squares_done + (missed[kept] ** 2).sum()
        middle = (low + high)[worst] / 2
        at_middle = path.logits(np.full(len(worst), sample), middle)
        low, high = np.concatenate([low[worst], middle]), np.concatenate([middle, high[worst]])
        at_low, at_high = np.concatenate([at_low[worst], at_middle]), np.concatenate([at_middle, at_high[worst]])


def _panels(path: Path, which: Integers, low: Reals, high: Reals) -> Tensor:
    total: Tensor | None = None
    for point, weight in zip(*nodes(PANEL_STEPS), strict=True):
        terms = path.terms(which, low + point * (high - low))
        part = terms * torch.from_numpy(weight * (high - low)).reshape(-1, *[1] * (terms.ndim - 1))
        total = part if total is None else total.add_(part)
    assert total is not None
    return total


def _sums(parts: Tensor) -> Reals:
    return np.asarray(parts.flatten(1).numpy().sum(axis=1))
