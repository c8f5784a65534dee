"""Whether a probability means what it says: reliability, expected calibration error, Brier score, temperature.

The probability that a sample is GR is 1 / (1 + exp(-logit)). A temperature divides every logit; it changes neither the
order of the samples nor what is called GR, and so no AUC or accuracy (Guo et al. 2017, arXiv:1706.04599).
"""

from __future__ import annotations

import numpy as np

from weakfield.learning.results import Bin, Measures
from weakfield.learning.scores import Array, Scores, bootstrap_weights, interval, proportion, resampled_mean

#: bins of equal width in probability
BINS = 10
#: the temperature is searched for between these multiples of the rms logit
TEMPERATURES = (1e-3, 1e4)


def probability(logits: Array) -> Array:
    """1 / (1 + exp(-logit)), exact at both ends."""
    return np.exp(-np.logaddexp(0.0, -logits))


def brier_terms(scores: Scores) -> Array:
    """(places,): squared error of the probability, averaged over the two members."""
    return 0.5 * (probability(scores.newton) ** 2 + (1 - probability(scores.gr)) ** 2)


def log_loss_terms(scores: Scores) -> Array:
    """(places,): binary cross-entropy [nats], averaged over the two members."""
    return 0.5 * (np.logaddexp(0, scores.newton) + np.logaddexp(0, -scores.gr))


def ece(scores: Scores, bins: int = BINS) -> float:
    """Expected calibration error: the mean over samples of |share of GR - mean probability| of their bin.

    Bins have equal width in the probability of GR; the lower edge is closed, and so is the upper edge of the last bin.
    The error is positive even for a perfect forecaster, by about the scatter of a share in a bin, so that with few
    seeds the floor is high.
    """
    return float(resampled_ece(scores, np.ones((1, len(scores.distinct))), bins)[0])


def resampled_ece(scores: Scores, weights: Array, bins: int = BINS) -> Array:
    """The ECE of every resample of whole seeds, ``weights`` (resamples, distinct seeds)."""
    _, predicted, observed = _sums(scores, bins)
    total = 2 * (weights @ scores.sizes)
    result: Array = np.abs(weights @ (observed - predicted)).sum(axis=1) / total
    return result


def reliability(scores: Scores, bins: int = BINS) -> tuple[Bin, ...]:
    """The reliability curve: every bin that holds samples, with the binomial interval of the seeds that are in it."""
    counts, predicted, observed = _sums(scores, bins)
    rows = []
    for place in np.flatnonzero(counts.sum(axis=0)):
        share = float(observed[:, place].sum() / counts[:, place].sum())
        rows.append(
            Bin(
                lower=float(place / bins),
                upper=float((place + 1) / bins),
                count=int(counts[:, place].sum()),
                predicted=float(predicted[:, place].sum() / counts[:, place].sum()),
                observed=proportion(share, int((counts[:, place] > 0).sum())),
            )
        )
    return tuple(rows)


def temperature(validation: Scores) -> float:
    """The temperature T that makes ``validation.divided(T)`` fit best, by cross-entropy.

    Targets are (n + 1) / (n + 2) and 1 / (n + 2) for n seeds instead of 1 and 0 (Platt 1999): without this, scores that
    separate the validation part would be made certain, however few they are. The temperature is 1 where every logit is
    0.
    """
    from scipy.optimize import minimize_scalar

    scale = float(np.sqrt(np.mean([np.mean(validation.newton**2), np.mean(validation.gr**2)])))
    if scale == 0:
        return 1.0
    count = len(validation.distinct)
    hit = (count + 1) / (count + 2)

    def loss(log_temperature: float) -> float:
        scaled = validation.divided(np.exp(log_temperature))
        right = np.logaddexp(0, scaled.newton).mean() + np.logaddexp(0, -scaled.gr).mean()
        wrong = np.logaddexp(0, -scaled.newton).mean() + np.logaddexp(0, scaled.gr).mean()
        return float(hit * right + (1 - hit) * wrong)

    bounds = np.log(scale) + np.log(TEMPERATURES)
    found = minimize_scalar(loss, bounds=tuple(bounds), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def calibrated(scores: Scores, fitted: float, resamples: int) -> Measures:
    """``calibrated_ece``, ``calibrated_brier``, ``calibrated_log_loss``: after division by a ``fitted`` temperature."""
    scaled = scores.divided(fitted)
    weights = bootstrap_weights(len(scores.distinct), resamples)
    found = {"calibrated_ece": interval(ece(scaled), resampled_ece(scaled, weights))}
    for name, terms in (("brier", brier_terms(scaled)), ("log_loss", log_loss_terms(scaled))):
        found[f"calibrated_{name}"] = interval(float(terms.mean()), resampled_mean(scaled, terms, weights))
    return found


def _sums(scores: Scores, bins: int) -> tuple[Array, Array, Array]:
    """The count, the summed probability and the number of GR samples, each (distinct seeds, bins)."""
    shape = (len(scores.distinct), bins)
    tables = [np.zeros(shape) for _ in range(3)]
    for logits, label in ((scores.newton, 0.0), (scores.gr, 1.0)):
        chance = probability(logits)
        place = np.minimum((chance * bins).astype(int), bins - 1)
        for table, values in zip(tables, (np.ones_like(chance), chance, np.full_like(chance, label)), strict=True):
            np.add.at(table, (scores.owner, place), values)
    return tables[0], tables[1], tables[2]
