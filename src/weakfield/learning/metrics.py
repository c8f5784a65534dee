"""What scores are worth: AUC, accuracy, paired accuracy, with errors from a bootstrap over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import WeakfieldError

Array = NDArray[np.float64]

CONFIDENCE = 0.95
BOOTSTRAP_SEED = 20_240


@dataclass(frozen=True)
class Scores:
    """Logits of the two members of each pair, positive for GR."""

    seeds: tuple[int, ...]
    newton: Array
    gr: Array

    def as_json(self) -> dict[str, Any]:
        return {"seeds": list(self.seeds), "newton": self.newton.tolist(), "gr": self.gr.tolist()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scores:
        return cls(tuple(value["seeds"]), np.array(value["newton"], float), np.array(value["gr"], float))

    def __post_init__(self) -> None:
        if not (np.isfinite(self.newton).all() and np.isfinite(self.gr).all()):
            raise WeakfieldError("a classifier gave scores that are not finite; training diverged")


@dataclass(frozen=True)
class Estimate:
    """A value and its percentile interval; low <= value <= high."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def wins(scores: Scores) -> Array:
    """(n, n): 1 where GR member i scores above Newton member j, 1/2 for a tie, 0 below."""
    gap = scores.gr[:, None] - scores.newton[None, :]
    return 0.5 * (1.0 + np.sign(gap))


def auc(scores: Scores) -> float:
    """Area under the ROC curve: how often a GR cube scores above a Newton cube, ties counted half."""
    return float(wins(scores).mean())


def unpaired_auc(scores: Scores) -> float:
    """The AUC between universes: without the comparisons of twins, which are no independent draws.

    Twins alone add up to 1 / (2 seeds) to the AUC, so that a score which orders twins by a hair and knows nothing
    else lies off 1/2; here it does not. A single seed has no other universe and is compared with its twin.
    """
    return float(resampled_unpaired_auc(scores, np.ones((1, len(scores.seeds))))[0])


def accuracy(scores: Scores) -> float:
    """Share of cubes on the right side of logit 0; a logit of exactly 0 counts half."""
    return float(_hits(scores).mean())


def paired_accuracy(scores: Scores) -> float:
    """Share of seeds whose GR member scores above its Newtonian twin; ties count half."""
    return float(np.diagonal(wins(scores)).mean())


def evaluate(scores: Scores, resamples: int) -> dict[str, Estimate]:
    """AUC, AUC between universes, accuracy and paired accuracy.

    Each with its 95 % percentile interval from ``resamples`` bootstraps over seeds.
    """
    weights = bootstrap_weights(len(scores.seeds), resamples)
    n = len(scores.seeds)
    twins = np.diagonal(wins(scores))
    return {
        "auc": interval(auc(scores), resampled_auc(scores, weights)),
        "unpaired_auc": interval(unpaired_auc(scores), resampled_unpaired_auc(scores, weights)),
        "accuracy": interval(accuracy(scores), weights @ _hits(scores) / n),
        "paired_accuracy": interval(paired_accuracy(scores), weights @ twins / n),
    }


def auc_difference(first: Scores, second: Scores, resamples: int) -> Estimate:
    """AUC of ``first`` minus AUC of ``second`` on the same seeds, each resample used for both."""
    if first.seeds != second.seeds:
        raise ValueError("two classifiers can be compared on the same seeds only")
    weights = bootstrap_weights(len(first.seeds), resamples)
    return interval(auc(first) - auc(second), resampled_auc(first, weights) - resampled_auc(second, weights))


def bootstrap_weights(seeds: int, resamples: int) -> Array:
    """(resamples, seeds): how often each seed is drawn when as many are drawn with replacement; fixed random seed."""
    random = np.random.default_rng(BOOTSTRAP_SEED)
    return random.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=resamples).astype(float)


def resampled_auc(scores: Scores, weights: Array) -> Array:
    """The AUC of every resample."""
    n = len(scores.seeds)
    result: Array = np.einsum("bi,ij,bj->b", weights, wins(scores), weights, optimize=True) / n**2
    return result


def resampled_unpaired_auc(scores: Scores, weights: Array) -> Array:
    """The AUC between universes of every resample; a seed drawn twice is not compared with its own copy."""
    matrix = wins(scores)
    twins = np.diagonal(matrix)
    products = np.einsum("bi,ij,bj->b", weights, matrix - np.diag(twins), weights, optimize=True)
    count = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    result: Array = weights @ twins / len(twins)  # stands where one seed was drawn alone
    np.divide(products, count, out=result, where=count > 0)
    return result


def interval(value: float, resamples: Array) -> Estimate:
    """Percentile interval of the resamples, widened to hold the value itself."""
    low, high = np.quantile(resamples, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


def log_loss(scores: Scores) -> float:
    """Mean binary cross-entropy of the logits."""
    return float(0.5 * (np.logaddexp(0, scores.newton).mean() + np.logaddexp(0, -scores.gr).mean()))


def _hits(scores: Scores) -> Array:
    """(n,): mean over the two members of a pair of being on the right side of 0."""
    return 0.25 * (2.0 + np.sign(scores.gr) - np.sign(scores.newton))
