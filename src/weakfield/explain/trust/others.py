"""Networks trained for comparison: on labels that mean nothing, and from other initial weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from weakfield.config import StudyConfig
from weakfield.dataset import Part
from weakfield.dataset.pairs import flip_half
from weakfield.learning import Estimate, Scores, Task, fit, score
from weakfield.learning.metrics import evaluate

SHUFFLE_SEED = 1810


@dataclass(frozen=True)
class Other:
    """A network and its scores on the (unaltered) test part."""

    network: nn.Module
    scores: Scores


def others(study: StudyConfig, plain: Task, folder: Path) -> dict[str, Other]:
    """``shuffled`` (label randomisation, arXiv:1810.03292) and ``network1``, ``network2``, ... by other seeds.

    They are trained like the main network, whose training is ``plain``, for ``explain.trust_epochs`` but not longer
    than it was; an interrupted training is continued.
    """
    epochs = min(study.explain.trust_epochs, plain.settings.epochs)
    settings = plain.settings.model_copy(update={"epochs": epochs})
    random = np.random.default_rng(SHUFFLE_SEED)
    parts: tuple[Part, ...] = ("train", "validation")
    shuffled = {part: flip_half(plain.pairs[part].in_memory(), random) for part in parts}
    pairs, data = {**plain.pairs, **shuffled}, f"{plain.data} labels shuffled for trust"
    jobs = {"shuffled": replace(plain, settings=settings, pairs=pairs, data=data)}
    for number in range(1, study.explain.networks + 1):
        again = settings.model_copy(update={"seed": settings.seed + number})
        jobs[f"network{number}"] = replace(plain, settings=again)
    found = {}
    for name, job in jobs.items():
        network = fit(job, folder / name, f"training {name}")
        found[name] = Other(network, score(network, plain.pairs["test"]))
    return found


def auc_of(scores: Scores, resamples: int) -> Estimate:
    """AUC on the test part with its interval."""
    return evaluate(scores, resamples)["auc"]
