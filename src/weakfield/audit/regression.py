"""What the network knows beyond the power spectrum and the bispectrum: regressions over seeds, and the answer in words.

The regressions are ridge regressions whose strength is chosen inside the training folds. Predictions are always made
for seeds that were left out (both members of a pair together), so that meaningless features explain nothing, however
few the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import above_chance, tells
from weakfield.dataset import PairTensor
from weakfield.learning import Estimate, Scores
from weakfield.learning.metrics import paired_accuracy, resampled_unpaired_auc
from weakfield.learning.scores import FEWEST_SEEDS, bootstrap_weights, interval
from weakfield.learning.significance import chance_of_order

Array = NDArray[np.float64]
Answer = Literal["yes", "no", "not at this sample size"]

#: strengths of the ridge, in units of the number of rows
STRENGTHS = tuple(float(s) for s in np.logspace(-3, 5, 17))
FOLDS = 10
#: shells of P(k) and of B(k1, k2, k3): edges in units of k_F, used as far as the grid reaches
POWER_EDGES = (0.5, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5)
TRIANGLE_EDGES = (0.5, 1.5, 3.5, 7.5)
#: paired accuracy and AUC between universes that a "no" must exclude
SMALL_PAIRED, SMALL_AUC = 0.65, 0.55
#: members closer than this, in standard deviations of the cubes, differ only by the rounding of float32
ROUNDING = 3e-6


# ---------------------------------------------------------------------------------------------------------------
# What is measured


def measured(cubes: PairTensor, box_size_mpch: float, bispectrum: bool) -> Array:
    """ln P(k) in a few shells and, with ``bispectrum``, B / sqrt(P P P) of their triangles: (pairs, 2, features).

    Features of the channels follow one another. Triangles use shells up to two thirds of the Nyquist wavenumber, beyond
    which modes are aliased on the lattice.
    """
    from weakfield.spectra import bispectrum as measure_bispectrum
    from weakfield.spectra import power_spectrum

    n = cubes.shape[-1]
    edges = [edge for edge in POWER_EDGES if edge <= n / 2 - 0.5] or [0.5]
    edges = [*edges, n / 2] if edges[-1] < n / 2 - 1 or len(edges) < 2 else edges
    sides = [edge for edge in TRIANGLE_EDGES if edge <= 2 / 3 * n / 2] or [0.5]
    sides = sides if len(sides) > 1 else [0.5, 1.5]

    def features(cube: Any) -> Array:
        found = [np.log(np.maximum(power_spectrum(cube, box_size_mpch, bin_edges=edges).power, np.finfo(float).tiny))]
        if bispectrum:
            triangles = measure_bispectrum(cube, box_size_mpch, sides)
            powers = triangles.power[0, 0][triangles.triangles]
            scale = np.sqrt(np.maximum(powers.prod(axis=1), np.finfo(float).tiny) * box_size_mpch**3)
            found.append(triangles.value / scale)
        return np.asarray(np.concatenate(found), dtype=np.float64)

    values = cubes.values.double()
    rows = [[np.concatenate([features(c) for c in member]) for member in pair] for pair in values]
    return np.array(rows, dtype=np.float64)


# ---------------------------------------------------------------------------------------------------------------
# Regressions


def left_over(values: Array, features: Array, seed: int = 0, centred: bool = True) -> Array:
    """``values`` (pairs, members) minus what ``predicted`` says of them, from ``features`` (pairs, members, F).

    The seeds of a prediction are other ones than it is made for. With a single seed there are no others, and nothing is
    predicted.
    """
    pairs = len(values)
    if pairs < 2:
        return values.copy()
    residual = np.empty_like(values)
    for fold in folds(pairs, seed):
        rest = np.setdiff1d(np.arange(pairs), fold)
        residual[fold] = values[fold] - predicted(features[rest], values[rest], features[fold], centred)
    return residual


def left_over_difference(differences: Array, features: Array, seed: int = 0) -> Array:
    """Differences within pairs (pairs,) minus what a regression through the origin on differences of features predicts.

    Equal features predict equal logits, so the remainder is the difference that pairs of equal features would show.
    """
    return left_over(differences[:, None], features[:, None], seed, centred=False)[:, 0]


def predicted(features: Array, values: Array, at: Array, centred: bool = True) -> Array:
    """What ridge regression of ``values`` (pairs, members) on ``features`` (pairs, members, F) says ``at`` others.

    Features are standardised by those of the regression; unless ``centred``, their mean and that of the values are 0 by
    definition (differences within pairs), and the regression goes through the origin.
    """
    rows = features.reshape(-1, features.shape[-1])
    shift = rows.mean(0) if centred else np.zeros(rows.shape[1])
    scale = np.sqrt(((rows - shift) ** 2).mean(0))
    scale = np.where(scale > 0, scale, 1.0)
    weights, centre = ridge((rows - shift) / scale, values.ravel(), values.shape[1], centred)
    return np.asarray(centre + ((at - shift) / scale) @ weights)


def partial_correlation(audit: AuditRun, scores: Scores, features: Array) -> Estimate:
    """Correlation of logit and label, over seeds, after what ``features`` predict is subtracted from both."""
    logits = np.stack([scores.newton, scores.gr], axis=1)
    labels = np.tile([-1.0, 1.0], (len(logits), 1))
    a, b = left_over(logits, features), left_over(labels, features)
    weights = bootstrap_weights(len(logits), audit.study.audit.bootstrap)
    return interval(_correlation(np.ones((1, len(a))), a, b)[0], _correlation(weights, a, b))


def regressed(scores: Scores, features: Array) -> Scores:
    """The logits minus what ``features`` predict of them."""
    rest = left_over(np.stack([scores.newton, scores.gr], axis=1), features)
    return Scores(scores.seeds, rest[:, 0], rest[:, 1])


def _correlation(weights: Array, a: Array, b: Array) -> Array:
    """Weighted correlation of (pairs, 2) arrays for each row of ``weights`` (resamples, pairs); 0 without variance."""
    total = 2 * weights.sum(1)

    def mean(x: Array) -> Array:
        return np.asarray(weights @ x.sum(1) / total)

    covariance = mean(a * b) - mean(a) * mean(b)
    scale = np.sqrt(np.maximum(mean(a * a) - mean(a) ** 2, 0) * np.maximum(mean(b * b) - mean(b) ** 2, 0))
    return np.asarray(np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0))


def ridge(x: Array, y: Array, members: int, centred: bool = True) -> tuple[Array, float]:
    """Weights and mean of the ridge regression whose strength leaves the smallest error on pairs left out one by one.

    Each run of ``members`` consecutive rows is a pair and is left out together: the members of a pair share so much
    that one of them, left in, would predict the other. With ``centred`` the mean of ``y`` is fitted too, and the
    columns of ``x`` must have mean 0. The errors come from the singular values of ``x`` (n, F): without the rows of a
    pair, and with the same penalty, the residuals of these rows are (1 - H)^-1 e, where H is their block of the hat
    matrix. With a single pair there are no others, and all weights are 0.
    """
    centre = float(y.mean()) if centred else 0.0
    best, chosen = np.inf, np.zeros(x.shape[1])
    if len(y) == members:
        return chosen, centre
    u, s, v = np.linalg.svd(x, full_matrices=False)
    projected = u.T @ (y - centre)
    twins = u.reshape(-1, members, len(s))
    for strength in STRENGTHS:
        shrink = s**2 / (s**2 + strength * len(y))
        fitted = (twins * shrink) @ twins.transpose(0, 2, 1) + centred / len(y)
        residual = (y - centre - u @ (shrink * projected)).reshape(-1, members, 1)
        error = np.linalg.solve(np.eye(members) - fitted, residual)
        if (loss := float((error**2).sum())) < best:
            best, chosen = loss, v.T @ (np.divide(shrink, s, out=np.zeros_like(s), where=s > 0) * projected)
    return chosen, centre


def folds(count: int, seed: int, number: int = FOLDS) -> list[NDArray[np.int64]]:
    """``count`` pairs in random parts of equal size, ``number`` of them or as many as there are pairs."""
    order = np.random.default_rng(seed).permutation(count)
    return [order[start :: min(number, count)] for start in range(min(number, count))]


# ---------------------------------------------------------------------------------------------------------------
# The answer


def in_words(found: Answer, suspect: str) -> str:
    """The answer to whether there is information beyond the ``suspect``; one that is open does not sound like a no."""
    words: dict[Answer, str] = {
        "yes": f"there is information beyond {suspect}",
        "no": f"there is no information beyond {suspect} in what the network sees",
        "not at this sample size": f"whether there is information beyond {suspect} cannot be told from so few seeds",
    }
    return words[found]


@dataclass(frozen=True)
class Evidence:
    """A classifier on pairs in which the suspect is the same for both members.

    If the members are ``identical``, they differ by rounding only. A classifier that is not ``sensitive`` can say yes
    but not no, because its training may have been too short to find anything.
    """

    label: str
    scores: Scores
    identical: bool = False
    sensitive: bool = True


def answer(audit: AuditRun, evidence: list[Evidence]) -> Answer:
    """Whether any of the evidence is above chance, with an error of 5 % for the whole family of tests.

    "yes": an interval, between universes or within pairs, lies above 1/2 when widened for the number of tests. "no":
    the network tells the theories apart as they are, and every test excludes all but a small effect, or finds that the
    members of pairs are the same. Otherwise the sample is too small to say.
    """
    tests = 2 * len(evidence)
    confidence = 1 - 0.05 / tests
    small = []
    for item in evidence:
        if item.identical:
            small.append(True)
            continue
        universes = audit.unpaired_auc(item.scores, confidence)
        twins = audit.paired(item.scores, confidence)
        if len(item.scores.seeds) >= FEWEST_SEEDS and (above_chance(universes) or above_chance(twins)):
            return "yes"
        small.append(item.sensitive and universes.high < SMALL_AUC and twins.high < SMALL_PAIRED)
    if small and all(small) and tells(audit, audit.scores()):
        return "no"
    return "not at this sample size"


def of_nothing_more(audit: AuditRun, evidence: list[Evidence]) -> float:
    """Probability that chance makes ``answer`` a "no": that effects as large as it must exclude look so small."""
    found = [alarms.of_telling(audit, audit.scores())]
    for item in evidence:
        if item.identical:
            continue
        seeds = len(item.scores.seeds)
        drawn = resampled_unpaired_auc(item.scores, bootstrap_weights(seeds, audit.study.audit.bootstrap))
        found.append(alarms.tail(drawn >= SMALL_AUC))
        found.append(chance_of_order(1 - paired_accuracy(item.scores), seeds, 1 - SMALL_PAIRED))
    return max(found)


def same_members(cubes: PairTensor) -> bool:
    """Whether the two members of every pair are the same field up to the rounding of float32."""
    return float((cubes.values[:, 1] - cubes.values[:, 0]).abs().max()) < ROUNDING * float(cubes.values.std())
