"""What scores are worth: AUC, accuracy, precision, calibration, with errors over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from weakfield.config import Theory
from weakfield.dataset import Part
from weakfield.learning.calibration import brier_terms, calibrated, ece, log_loss_terms, reliability, resampled_ece
from weakfield.learning.calibration import temperature as fitted_temperature
from weakfield.learning.results import Evaluation, Measures, Reliability, Share
from weakfield.learning.scores import (
    Array,
    Estimate,
    Scores,
    area_interval,
    auc,
    bootstrap_weights,
    cube_scores,
    each_once,
    interval,
    proportion,
    quadratic,
    resampled_auc,
    resampled_mean,
    right,
    seed_wins,
    wins,
)

__all__ = [
    "Array",
    "Estimate",
    "Scores",
    "accuracy",
    "auc",
    "auc_difference",
    "average_precision",
    "bootstrap_weights",
    "confusion",
    "cube_scores",
    "evaluate",
    "evaluation",
    "interval",
    "log_loss",
    "measures",
    "paired_accuracy",
    "proportion",
    "resampled_auc",
    "resampled_average_precision",
    "resampled_unpaired_auc",
    "seed_wins",
    "unpaired_auc",
    "wins",
]

#: numbers held at once while resamples are summed
CHUNK = 4_000_000


def unpaired_auc(scores: Scores) -> float:
    """The AUC between universes, without comparisons within a pair, whose members are not independent draws.

    Those comparisons can add up to 1 / (2 seeds) to the AUC, so that the AUC of a score that orders the members of a
    pair by a hair and knows nothing else is not 1/2; here it is. A single seed has no other universe, so its members
    are compared with each other.
    """
    return float(resampled_unpaired_auc(scores, each_once(scores))[0])


def accuracy(scores: Scores) -> float:
    """Share of samples on the right side of logit 0; a logit of exactly 0 counts half."""
    return float(_hits(scores).mean())


def paired_accuracy(scores: Scores) -> float:
    """Share of places whose GR member scores above the Newtonian one; ties count half."""
    return float(_ordered(scores).mean())


def average_precision(scores: Scores) -> float:
    """Area under the precision-recall curve of GR as a sum of steps, ties taken together; 1/2 is chance."""
    return float(resampled_average_precision(scores, each_once(scores))[0])


def evaluate(scores: Scores, resamples: int, paired: bool = True) -> dict[str, Estimate]:
    """Every measure of the scores of the two theories, with its 95 % interval over seeds.

    Intervals are binomial (``scores.proportion``) for the three accuracies, which are shares of seeds, and for areas of
    exactly 0 or 1 or of few seeds (``scores.area_interval``); they are percentiles of bootstraps over seeds for all
    else. ``auc``, ``unpaired_auc``, ``accuracy``, ``balanced_accuracy`` (the mean of the shares of right answers under
    each theory: the same number as long as every seed has both), ``paired_accuracy``, ``average_precision``; and for
    the probability 1 / (1 + exp(-logit)) that a sample is GR: ``brier`` (mean squared error), ``ece`` (expected
    calibration error), ``log_loss`` (binary cross-entropy in nats). All but ``log_loss`` lie between 0 and 1. Unless
    the members of a place are ``paired``, there is no ``paired_accuracy``.
    """
    weights = bootstrap_weights(len(scores.distinct), resamples)

    def mean(values: Array) -> Estimate:
        return interval(float(values.mean()), resampled_mean(scores, values, weights))

    def share(values: Array) -> Estimate:
        return proportion(float(values.mean()), len(scores.distinct))

    ordered = {"paired_accuracy": share(_ordered(scores))} if paired else {}

    def area(value: float, resamples: Array) -> Estimate:
        return area_interval(value, resamples, len(scores.distinct))

    return {
        "auc": area(auc(scores), resampled_auc(scores, weights)),
        "unpaired_auc": area(unpaired_auc(scores), resampled_unpaired_auc(scores, weights)),
        "accuracy": share(_hits(scores)),
        "balanced_accuracy": share(0.5 * (right(scores.gr) + right(-scores.newton))),
        **ordered,
        "average_precision": area(average_precision(scores), resampled_average_precision(scores, weights)),
        "brier": mean(brier_terms(scores)),
        "ece": interval(ece(scores), resampled_ece(scores, weights)),
        "log_loss": mean(log_loss_terms(scores)),
    }


def confusion(scores: Scores) -> dict[Theory, dict[Theory, Share]]:
    """For each theory, how many samples were called ``newton`` and ``gr``, and which share, with its binomial interval.

    A logit of exactly 0 counts half in both columns. The outer keys are the true theories.
    """

    def share(answer: Array) -> Share:
        found = proportion(float(answer.mean()), len(scores.distinct))
        return Share(count=float(answer.sum()), **found.as_json())

    members: dict[Theory, Array] = {"newton": scores.newton, "gr": scores.gr}
    return {theory: {"newton": share(right(-logits)), "gr": share(right(logits))} for theory, logits in members.items()}


def measures(scores: Scores, temperature: float, resamples: int, paired: bool = True) -> Measures:
    """All of ``evaluate``, and what probabilities are worth after the logits are divided by a ``temperature``."""
    return evaluate(scores, resamples, paired) | calibrated(scores, temperature, resamples)


def evaluation(scores: Mapping[Part, Scores], resamples: int, paired: bool = True) -> Evaluation:
    """The measures of the validation and the test part, with a temperature fitted on the validation part.

    Confusion and reliability are those of the test part, reliability both as scored and after the temperature.
    """
    temperature, test = fitted_temperature(scores["validation"]), scores["test"]
    return Evaluation(
        validation=measures(scores["validation"], temperature, resamples, paired),
        test=measures(test, temperature, resamples, paired),
        temperature=temperature,
        confusion=confusion(test),
        reliability=Reliability(raw=reliability(test), calibrated=reliability(test.divided(temperature))),
    )


def auc_difference(first: Scores, second: Scores, resamples: int) -> Estimate:
    """AUC of ``first`` minus AUC of ``second`` on the same seeds, each resample used for both.

    One may be for slices and the other for cubes, as long as the seeds come in the same order.
    """
    if first.distinct != second.distinct:
        raise ValueError("two classifiers can be compared on the same seeds only")
    weights = bootstrap_weights(len(first.distinct), resamples)
    return interval(auc(first) - auc(second), resampled_auc(first, weights) - resampled_auc(second, weights))


def resampled_unpaired_auc(scores: Scores, weights: Array) -> Array:
    """The AUC between universes of every resample; a seed drawn twice is not compared with its own copy."""
    table = seed_wins(scores)
    within = np.diagonal(table)
    products = quadratic(weights, table - np.diag(within))
    count = (weights @ scores.sizes) ** 2 - weights**2 @ scores.sizes**2
    # where one seed alone was drawn there is no other universe, and its own other member stands in
    result: Array = (weights @ (within / scores.sizes)) / (weights @ scores.sizes)
    np.divide(products, count, out=result, where=count > 0)
    return result


def resampled_average_precision(scores: Scores, weights: Array) -> Array:
    """The average precision of every resample: sum of precision times the step in recall over falling thresholds."""
    logits = np.concatenate([scores.gr, scores.newton])
    order = np.argsort(-logits, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(logits[order])), len(order) - 1)  # last of each group of ties
    owner, is_gr = np.tile(scores.owner, 2)[order], order < len(scores.gr)
    parts = []
    for chunk in _chunks(weights, len(order)):
        taken = chunk[:, owner]
        found = np.cumsum(taken * is_gr, axis=1)[:, ends]
        called = np.cumsum(taken, axis=1)[:, ends]
        precision = np.divide(found, called, out=np.ones_like(found), where=called > 0)
        parts.append((precision * np.diff(found, axis=1, prepend=0.0)).sum(axis=1) / found[:, -1])
    return np.concatenate(parts)


def log_loss(scores: Scores) -> float:
    """Mean binary cross-entropy of the logits."""
    return float(log_loss_terms(scores).mean())


def _hits(scores: Scores) -> Array:
    """(places,): the share of the two members of a pair that lie on the right side of 0."""
    return 0.25 * (2.0 + np.sign(scores.gr) - np.sign(scores.newton))


def _ordered(scores: Scores) -> Array:
    """(places,): 1 where the GR member scores above the Newtonian one, 1/2 for a tie."""
    return right(scores.gr - scores.newton)


def _chunks(weights: Array, columns: int) -> Iterator[Array]:
    """Rows of ``weights``, as many at once as fit in memory for tables with this many columns."""
    step = max(1, CHUNK // columns)
    for start in range(0, len(weights), step):
        yield weights[start : start + step]
