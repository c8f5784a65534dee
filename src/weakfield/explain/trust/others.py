"""Networks trained for comparison: on labels that mean nothing, and from other initial weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from weakfield.base.pool import mapped
from weakfield.base.progress import bar
from weakfield.base.trials import Trial
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import Part, open_dataset
from weakfield.dataset.pairs import flip_half
from weakfield.learning import Estimate, Scores, Task, fit, score
from weakfield.learning.concurrency import threads_of_a_job
from weakfield.learning.metrics import evaluate
from weakfield.learning.training import task

SHUFFLE_SEED = 1810


def tasks(study: StudyConfig, plain: Task) -> dict[str, Task]:
    """``shuffled`` (label randomisation, arXiv:1810.03292) and ``network1``, ``network2``, ... by other seeds.

    They are trained like the main network, whose training is ``plain``, for ``explain.trust_epochs`` but not longer
    than it was.
    """
    epochs = min(study.explain.trust_epochs, plain.settings.epochs)
    settings = plain.settings.model_copy(update={"epochs": epochs})
    random = np.random.default_rng(SHUFFLE_SEED)
    parts: tuple[Part, ...] = ("train", "validation")
    shuffled = {part: flip_half(plain.pairs[part].in_memory(), random) for part in parts}
    pairs, data = {**plain.pairs, **shuffled}, f"{plain.data} labels shuffled for trust"
    found = {"shuffled": replace(plain, settings=settings, pairs=pairs, data=data)}
    for number in range(1, study.explain.networks + 1):
        again = settings.model_copy(update={"seed": settings.seed + number})
        found[f"network{number}"] = replace(plain, settings=again)
    return found


def others(study: StudyConfig, folder: RunFolder, trial: Trial, workers: int) -> dict[str, Scores]:
    """Train the networks of ``tasks``, ``workers`` at once, into ``explain/``; their scores on the unaltered test part.

    An interrupted training is continued, and one that fails is left out by ``trial``.
    """
    names = ["shuffled", *(f"network{number}" for number in range(1, study.explain.networks + 1))]
    with bar("networks of comparison", len(names)) as progress:
        found = mapped(other_work, (study, folder, trial.log), names, workers, lambda _: progress.advance())
    for _, said in found:
        trial.said |= said
    return {name: scores for name, (scores, _) in zip(names, found, strict=True) if scores is not None}


def other_work(
    study: StudyConfig, folder: RunFolder, log: Path | None
) -> Callable[[str], tuple[Scores | None, dict[str, str]]]:
    """The work of training a network of comparison by its name: its scores, and what is said if it fails."""
    dataset = open_dataset(folder)
    jobs = tasks(study, task(study, dataset, study.dataset.keep_mean))

    def work(name: str) -> tuple[Scores | None, dict[str, str]]:
        def trained() -> Scores:
            network = fit(jobs[name], folder.explain / name, f"training {name}")
            return score(network, jobs[name].pairs["test"])

        trial = Trial(log)
        with threads_of_a_job(study, jobs[name].shape):
            return trial.attempt(name, trained), trial.said

    return work


def auc_of(scores: Scores, resamples: int) -> Estimate:
    """AUC on the test part with its interval."""
    return evaluate(scores, resamples)["auc"]
