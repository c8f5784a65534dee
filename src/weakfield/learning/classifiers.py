"""Small classifiers on summary statistics: logistic regression, linear discriminant, small network, paired logistic.

Each takes features ``rows`` by part, (pairs, 2, F) with Newton first, and the seeds of every part; it is fitted on the
training part, selected and calibrated on the validation part, and gives the scores of every part.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from weakfield.base.optional import from_extra
from weakfield.dataset import PARTS, Part
from weakfield.learning.calibration import temperature
from weakfield.learning.metrics import log_loss
from weakfield.learning.scores import Array, Scores

Rows = Mapping[Part, Array]
Seeds = Mapping[Part, tuple[int, ...]]
Decide = Callable[[Array], Array]
Classifier = Callable[[Rows, Seeds], dict[Part, Scores]]

#: inverse regularisation strengths tried; the smallest validation loss decides
STRENGTHS = tuple(float(c) for c in np.logspace(-4, 4, 17))
#: weight decays of the small network tried; the smallest validation loss decides
DECAYS = tuple(float(a) for a in np.logspace(-2, 2, 9))
HIDDEN = 8
NETWORK_SEED = 11
#: differences within pairs below this share of a feature are due to storing fields in single precision
ROUNDING = 1e-6


def logistic(rows: Rows, seeds: Seeds) -> dict[Part, Scores]:
    """Logistic regression on standardised features, with L2 regularisation chosen by validation loss."""
    with from_extra("learn", "the baselines of training"):
        from sklearn.linear_model import LogisticRegression

    rows = _standardised(rows)

    def fitted(strength: float) -> Decide:
        return _linear(LogisticRegression(C=strength, max_iter=10_000).fit(*_flat(rows["train"])))

    return _best((fitted(strength) for strength in STRENGTHS), rows, seeds)


def discriminant(rows: Rows, seeds: Seeds) -> dict[Part, Scores]:
    """Fisher's linear discriminant with the covariance of Ledoit and Wolf (2004), shrunk by how noisy it is."""
    with from_extra("learn", "the baselines of training"):
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rows = _standardised(rows)
    if len(rows["train"]) == 1:  # no scatter within a theory is known yet: along the line between the two cubes
        direction = rows["train"][0, 1] - rows["train"][0, 0]
        return _best([lambda features: np.asarray(features @ direction)], rows, seeds)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return _best([_linear(model.fit(*_flat(rows["train"])))], rows, seeds)


def small_network(rows: Rows, seeds: Seeds) -> dict[Part, Scores]:
    """One hidden layer of ``HIDDEN`` tanh units on standardised features, L-BFGS; validation loss sets weight decay."""
    with from_extra("learn", "the baselines of training"):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

    rows = _standardised(rows)

    def fitted(decay: float) -> Decide:
        model = MLPClassifier(
            (HIDDEN,), activation="tanh", solver="lbfgs", alpha=decay, max_iter=300, random_state=NETWORK_SEED
        )
        with warnings.catch_warnings():  # stopped early is one more regularisation; validation judges the outcome
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(*_flat(rows["train"]))
        (first, last), (shift, offset) = model.coefs_, model.intercepts_

        def decide(features: Array) -> Array:
            # the logit itself, because from probabilities that round to 1 it would be infinite
            hidden = np.tanh(features @ first + shift)
            logit: Array = (hidden @ last + offset)[:, 0]
            return logit

        return decide

    return _best((fitted(decay) for decay in DECAYS), rows, seeds)


def paired(rows: Rows, seeds: Seeds) -> dict[Part, Scores]:
    """Conditional logistic regression: the weights that best tell which member is GR, from f_GR - f_Newton alone.

    What the members share (cosmic variance) cancels in the fit. The share of test seeds on which it is right is the
    paired accuracy of its scores; as a classifier of single cubes it is only as good as its direction happens to be.
    Features are taken in units of their rms difference; the loss of the validation pairs sets the L2 regularisation.
    """
    with from_extra("learn", "the baselines of training"):
        from sklearn.linear_model import LogisticRegression

    gap = rows["train"][:, 1] - rows["train"][:, 0]
    scale = np.sqrt((gap**2).mean(axis=0))
    # a feature in which the members agree to rounding says nothing; in its own tiny unit it would drown all others
    differs = scale > ROUNDING * np.abs(rows["train"]).max(axis=(0, 1))
    scale = np.where(differs, scale, 1.0)
    middle = rows["train"].mean(axis=(0, 1))
    labels = np.repeat([1, 0], len(gap))

    def fitted(strength: float) -> Decide:
        model = LogisticRegression(C=strength, fit_intercept=False, max_iter=10_000)
        model.fit(np.concatenate([gap, -gap]) * differs / scale, labels)
        weights = model.coef_[0] * differs / scale
        return lambda features: np.asarray((features - middle) @ weights)

    def loss(scores: Scores) -> float:
        return float(np.logaddexp(0, scores.newton - scores.gr).mean())

    return _best((fitted(strength) for strength in STRENGTHS), rows, seeds, loss)


def _standardised(rows: Rows) -> Rows:
    """Every feature minus its mean, over its standard deviation, both of the training part; constant ones become 0."""
    mean, scale = rows["train"].mean(axis=(0, 1)), rows["train"].std(axis=(0, 1))
    scale = np.where(scale > 10 * np.finfo(float).eps * np.abs(mean), scale, 1.0)
    return {part: (values - mean) / scale for part, values in rows.items()}


def _linear(model: Any) -> Decide:
    """The logit of a fitted linear model of scikit-learn."""
    return lambda features: np.asarray(features @ model.coef_[0] + model.intercept_[0])


def _flat(pairs: Array) -> tuple[Array, Any]:
    """Features (2 pairs, F) and labels, 0 for Newton and 1 for GR, in turn."""
    return pairs.reshape(-1, pairs.shape[-1]), np.tile([0, 1], len(pairs))


def _best(
    candidates: Iterable[Decide], rows: Rows, seeds: Seeds, loss: Callable[[Scores], float] = log_loss
) -> dict[Part, Scores]:
    """The scores of the candidate with the smallest validation loss, divided by a temperature fitted on validation."""
    best: dict[Part, Scores] = {}
    for decide in candidates:
        scores = {part: Scores(seeds[part], *(decide(rows[part][:, member]) for member in (0, 1))) for part in PARTS}
        if not best or loss(scores["validation"]) < loss(best["validation"]):
            best = scores
    fitted = temperature(best["validation"])
    return {part: scores.divided(fitted) for part, scores in best.items()}
