"""What a network has to beat: logistic regression on the cube mean alone and on log P(k).

A new baseline is a function (dataset, seed, theory) -> features and a line in ``BASELINES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from weakfield.base.progress import bar
from weakfield.config import THEORIES, Theory
from weakfield.dataset import PARTS, Dataset, Part
from weakfield.learning.metrics import Array, Scores, log_loss

#: inverse regularisation strengths tried; the smallest validation loss decides
STRENGTHS = tuple(float(c) for c in np.logspace(-4, 4, 17))

Features = Callable[[Dataset, int, Theory], Array]


def cube_mean(dataset: Dataset, seed: int, theory: Theory) -> Array:
    """The mean of the normalised cube whose mean was kept."""
    return _mean(dataset, seed, theory, keep_mean=True)


def removed_mean(dataset: Dataset, seed: int, theory: Theory) -> Array:
    """What is left of the mean in the normalised cube whose mean was removed: rounding."""
    return _mean(dataset, seed, theory, keep_mean=False)


def log_power(dataset: Dataset, seed: int, theory: Theory) -> Array:
    """ln P(k) of the sample in shells one k_F wide around whole multiples of k_F, up to the Nyquist wavenumber."""
    from weakfield.spectra import power_spectrum

    edges = np.arange(0.5, dataset.grid / 2, 1.0)
    spectrum = power_spectrum(dataset.raw(seed, theory), dataset.box_size_mpch, bin_edges=edges)
    power: Array = np.asarray(spectrum.power, dtype=np.float64)
    return np.log(power)


BASELINES: dict[str, Features] = {
    "mean": cube_mean,
    "log_pk": log_power,
}


def score_baseline(dataset: Dataset, features: Features, label: str) -> dict[Part, Scores]:
    """Logistic regression on ``features``: fitted on training pairs, its regularisation chosen on validation pairs."""
    rows: dict[Part, Array] = {}
    with bar(label, len(dataset.seeds)) as progress:
        for part in PARTS:
            pairs = []
            for seed in dataset.part(part):
                pairs.append([features(dataset, seed, theory) for theory in THEORIES])
                progress.advance()
            rows[part] = np.array(pairs)
    return logistic(rows, {part: tuple(dataset.part(part)) for part in PARTS})


def logistic(rows: Mapping[Part, Array], seeds: Mapping[Part, tuple[int, ...]]) -> dict[Part, Scores]:
    """Scores from features (pairs, 2, F), standardised by the training part."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train = rows["train"]
    labels = np.tile([0, 1], len(train))
    best: dict[Part, Scores] = {}
    for strength in STRENGTHS:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=10_000))
        model.fit(train.reshape(-1, train.shape[-1]), labels)
        scores = {
            part: Scores(seeds[part], *(model.decision_function(rows[part][:, member]) for member in (0, 1)))
            for part in PARTS
        }
        if not best or log_loss(scores["validation"]) < log_loss(best["validation"]):
            best = scores
    return best


def _mean(dataset: Dataset, seed: int, theory: Theory, keep_mean: bool) -> Array:
    cube = dataset.cube(seed, theory, keep_mean=keep_mean)
    return np.array([cube.numpy().mean(dtype=np.float64)])
