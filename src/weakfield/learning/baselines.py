"""What a network has to beat: small classifiers on the mean, the variance, P(k), P(k) and B(k1, k2, k3), wavelets.

A new baseline is a line in ``BASELINES``: which summary statistics (``Summaries.rows``) and which classifier. A
baseline with a single feature appears as logistic regression only, because every classifier that is linear in one
number orders cubes alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weakfield.base.pool import mapped
from weakfield.base.progress import bar
from weakfield.base.trials import Trial
from weakfield.config import THEORIES, StudyConfig, Theory
from weakfield.dataset import PARTS, Dataset, Part
from weakfield.learning.classifiers import Classifier, discriminant, logistic, paired, small_network
from weakfield.learning.concurrency import one_thread
from weakfield.learning.scores import Array, Scores
from weakfield.learning.summaries import Summaries

Features = Callable[[Dataset, int, Theory], Array]


@dataclass(frozen=True)
class Baseline:
    """``classify`` on the summary statistics ``features``; ``label`` is what people read."""

    features: tuple[str, ...]
    classify: Classifier
    label: str


_POWER = ("log_power",)
_BOTH = ("log_power", "asinh_bispectrum")

BASELINES: dict[str, Baseline] = {
    "mean": Baseline(("mean",), logistic, "cube mean alone"),
    "variance": Baseline(("log_variance",), logistic, "variance alone"),
    "log_pk": Baseline(_POWER, logistic, "log P(k) alone"),
    "log_pk_lda": Baseline(_POWER, discriminant, "log P(k), linear discriminant"),
    "log_pk_mlp": Baseline(_POWER, small_network, "log P(k), small network"),
    "log_pk_twins": Baseline(_POWER, paired, "log P(k), fitted on pairs"),
    "pk_bk": Baseline(_BOTH, logistic, "P(k) and B"),
    "pk_bk_lda": Baseline(_BOTH, discriminant, "P(k) and B, linear discriminant"),
    "pk_bk_mlp": Baseline(_BOTH, small_network, "P(k) and B, small network"),
    "pk_bk_twins": Baseline(_BOTH, paired, "P(k) and B, fitted on pairs"),
    "scattering": Baseline(("scattering",), logistic, "wavelet scattering"),
    "wavelet_moments": Baseline(("wavelet_moments",), logistic, "wavelet moments"),
}


def baselines_of(study: StudyConfig) -> tuple[str, ...]:
    """The baselines of a study; those that are fitted on pairs need cubes that are paired."""
    return tuple(name for name, one in BASELINES.items() if study.paired or one.classify is not paired)


def score_baselines(
    summaries: Summaries,
    parts: Mapping[Part, Sequence[int]],
    names: Sequence[str] = tuple(BASELINES),
    trial: Trial | None = None,
    workers: int = 1,
) -> dict[str, dict[Part, Scores]]:
    """Scores of every baseline in ``names``, fitted on the seeds of the training part of ``parts``.

    ``workers`` of them are fitted at once. One that cannot be fitted to these data is left out, as ``trial`` says.
    """
    trial = trial or Trial()
    with bar("baselines", len(names)) as progress:
        found = mapped(baseline_work, (summaries, parts, trial.log), names, workers, lambda _: progress.advance())
    for _, said in found:
        trial.said |= said
    return {name: scores for name, (scores, _) in zip(names, found, strict=True) if scores is not None}


def baseline_work(
    summaries: Summaries, parts: Mapping[Part, Sequence[int]], log: Path | None
) -> Callable[[str], tuple[dict[Part, Scores] | None, dict[str, str]]]:
    """The work of scoring a baseline by its name: its scores, if it can be fitted, and what is said if it cannot."""
    seeds = {part: tuple(parts[part]) for part in PARTS}

    def work(name: str) -> tuple[dict[Part, Scores] | None, dict[str, str]]:
        def scored() -> dict[Part, Scores]:
            rows = {part: summaries.rows(BASELINES[name].features, seeds[part]) for part in PARTS}
            return BASELINES[name].classify(rows, seeds)

        trial = Trial(log)
        with one_thread():
            return trial.attempt(name, scored), trial.said

    return work


def score_baseline(
    dataset: Dataset, features: Features, label: str, classify: Classifier = logistic
) -> dict[Part, Scores]:
    """A classifier (default: logistic regression) on your own features, (dataset, seed, theory) -> (F,)."""
    rows: dict[Part, Array] = {}
    with bar(label, len(dataset.seeds)) as progress:
        for part in PARTS:
            pairs = []
            for seed in dataset.part(part):
                pairs.append([features(dataset, seed, theory) for theory in THEORIES])
                progress.advance()
            rows[part] = np.array(pairs)
    return classify(rows, {part: tuple(dataset.part(part)) for part in PARTS})


def cube_mean(dataset: Dataset, seed: int, theory: Theory) -> Array:
    """The mean of the normalised cube whose mean was kept."""
    return _mean(dataset, seed, theory, keep_mean=True)


def removed_mean(dataset: Dataset, seed: int, theory: Theory) -> Array:
    """What is left of the mean in the normalised cube whose mean was removed, which is rounding."""
    return _mean(dataset, seed, theory, keep_mean=False)


def _mean(dataset: Dataset, seed: int, theory: Theory, keep_mean: bool) -> Array:
    cube = dataset.cube(seed, theory, keep_mean=keep_mean)
    return np.array([cube.numpy().mean(dtype=np.float64)])
