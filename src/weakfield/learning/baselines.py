"""What a network has to beat: small classifiers on the mean, the variance, P(k), and P(k) and B(k1, k2, k3) together.

A new baseline is a line in ``BASELINES``: which summary statistics (``Summaries.rows``) and which classifier. A
baseline with a single feature appears as logistic regression only, because every classifier that is linear in one
number orders cubes alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from weakfield.base.progress import bar
from weakfield.config import THEORIES, Theory
from weakfield.dataset import PARTS, Dataset, Part
from weakfield.learning.classifiers import Classifier, discriminant, logistic, paired, small_network
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
}


def score_baselines(
    summaries: Summaries, parts: Mapping[Part, Sequence[int]], names: Sequence[str] = tuple(BASELINES)
) -> dict[str, dict[Part, Scores]]:
    """Scores of every baseline in ``names``, fitted on the seeds of the training part of ``parts``."""
    seeds = {part: tuple(parts[part]) for part in PARTS}
    found = {}
    with bar("baselines", len(names)) as progress:
        for name in names:
            rows = {part: summaries.rows(BASELINES[name].features, seeds[part]) for part in PARTS}
            found[name] = BASELINES[name].classify(rows, seeds)
            progress.advance()
    return found


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
