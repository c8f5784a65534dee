"""The learning rate at every step, and when to stop: functions of the settings and the history, without state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.plugins import load_own

START_SHARE = 1 / 25  # share of the largest learning rate at which one cycle begins (arXiv:1708.07120)
END_SHARE = START_SHARE / 1e4  # share at which it ends


def learning_rate(
    settings: TrainingSettings, progress: float, losses: Sequence[float] = (), kept: Path | None = None
) -> float:
    """The learning rate of the step that brings the training to ``progress`` in (0, 1].

    Over the first share ``warmup`` of the training it rises linearly from 0 (one cycle: as half a cosine from 1/25 of
    the largest). After that it stays constant; or falls to 0 (one cycle: to 4e-6 of the largest) as half a cosine; or
    falls by ``decay_factor`` every ``decay_epochs`` epochs or whenever ``losses``, the validation losses so far, reach
    a plateau. The user's own schedule, a function (settings, progress, losses), decides all of it; ``kept`` as in
    ``Task``.
    """
    rate, schedule = settings.learning_rate, settings.schedule
    if "schedule" in settings.plugins:
        own = float(load_own("schedule", settings, kept)(settings, progress, losses))
        if not 0 <= own < math.inf:
            raise BadInput(f"training.schedule '{schedule}' gives {own} at {progress:.3g}, expected a learning rate")
        return own
    if progress < settings.warmup:
        share = progress / settings.warmup
        return rate * (_half_cosine(START_SHARE, 1.0, share) if schedule == "one_cycle" else share)
    share = (progress - settings.warmup) / (1 - settings.warmup)
    if schedule == "cosine":
        return rate * 0.5 * (1 + math.cos(math.pi * share))
    if schedule == "one_cycle":
        return rate * _half_cosine(1.0, END_SHARE, share)
    if schedule == "step":
        finished = math.ceil(progress * settings.epochs - 1e-9) - 1  # epochs before that of this step
        return rate * settings.decay_factor ** (max(finished, 0) // settings.decay_epochs)
    if schedule == "plateau":
        return rate * settings.decay_factor ** plateaus(losses, settings.decay_epochs)
    return rate


def plateaus(losses: Sequence[float], patience: int) -> int:
    """How often ``losses`` had ``patience`` epochs in a row without a value smaller than all before."""
    best, waited, count = math.inf, 0, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == patience:
            count, waited = count + 1, 0
    return count


def stops(losses: Sequence[float], patience: int | None) -> bool:
    """Whether none of the last ``patience`` epochs had a validation loss smaller than the best before them."""
    if patience is None or len(losses) <= patience:
        return False
    return min(losses[-patience:]) >= min(losses[:-patience])


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
