"""How well two theories could be told apart at best if their fields were Gaussian with the measured spectra.

A Gaussian field of zero mean is described by its modes; shell s has n_s independent real numbers of variance P_N or
P_GR. The best score of one cube is then the logarithm of the likelihood ratio (Neyman and Pearson), sum_s n_s/2
[(1/P_N - 1/P_GR) P_s - ln(P_GR/P_N)] with P_s the power of the cube in the shell, and no score of a single cube has a
larger AUC. With r = P_GR/P_N in a shell, GR minus an independent Newton score is

    Q = sum_s [(r_s - 1) chi2(n_s) - (1 - 1/r_s) chi2'(n_s)] / 2,    AUC = P(Q > 0),

a sum of scaled chi-squares whose probability follows from its characteristic function (Gil-Pelaez 1951; Imhof 1961).
For one global factor 1 + eps on n modes and small eps it is Phi(d'/sqrt 2) with d' = eps sqrt(2 n). A field that is not
Gaussian may hold more information, in its phases; an AUC above the bound shows information beyond the power spectrum.
The members of a pair are not independent draws, so paired accuracy is not bounded by it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial.legendre import leggauss

from weakfield.learning.results import Bound
from weakfield.learning.scores import Array, bootstrap_weights, interval
from weakfield.learning.summaries import Summaries, nyquist_edges

#: the integral over the characteristic function: nodes, and upper end in units of 1 / std Q. From 10 modes on, what
#: is left out is below 1e-9: |phi| falls as (1 + x^2/n)^(-n/2)
NODES, REACH = 256, 30.0
RESAMPLES = 400
#: power that rounding to single precision puts into every mode over the mean power: (2^-24)^2 / 3, with a margin
ROUNDING = 1e-14
FLIP_SEED = 4_111


def gaussian_auc(ratio: Array, modes: Array, separation: float = 0.0) -> float:
    """The largest AUC for Gaussian fields: ``ratio`` (shells,) of their powers, ``modes`` real numbers in each shell.

    ``separation`` is the distance between two normal distributions of one further number (the cube mean), in units of
    their standard deviation. The result is exact to 1e-8 from about ten modes on.
    """
    return float(_gaussian_aucs(np.asarray(ratio, float)[None], np.asarray(modes, float), np.array([separation]))[0])


def global_factor_auc(excess: float, modes: float) -> float:
    """The same for one factor 1 + ``excess`` on the amplitude of all modes, to first order: Phi(excess sqrt(modes))."""
    from scipy.special import ndtr

    return float(ndtr(abs(excess) * np.sqrt(modes)))


def measured_bound(summaries: Summaries, train: list[int], keep_mean: bool) -> Bound | None:
    """The bound for the mean spectra of the training part.

    ``auc``: counting all ``modes`` of the cube, with its 95 % interval from bootstraps of the training seeds;
    ``auc_shells``: counting only the ``modes_shells`` up to the Nyquist wavenumber, those that log P(k) sees;
    ``d_prime`` = sqrt 2 times the normal quantile of ``auc``; ``null``: what the noise of the measured spectra alone
    would give, as the mean over random exchanges within pairs. With ``keep_mean`` the mean of the cube counts as one
    more number, normal under each theory. The measured ratio of the spectra is taken as the true one, so that noise
    raises the bound: it is too high rather than too low, by about as much as ``null`` lies above 1/2. ``None`` for
    samples of several channels, whose modes are not independent of each other.
    """
    from scipy.special import ndtri

    place = [summaries.seeds.index(seed) for seed in train]
    if summaries.tables["power"].shape[2] > 1:
        return None
    power, means = summaries.tables["power"][place][:, :, 0], summaries.tables["mean"][place][:, :, 0, 0]
    count = len(nyquist_edges(summaries.grid)) - 1
    every, shells = summaries.modes, summaries.modes.copy()
    shells[count:] = 0
    once = np.ones((1, len(train)))
    weights = bootstrap_weights(len(train), RESAMPLES)
    found = []
    for modes in (every, shells):
        value, drawn = (_bounds(power, means if keep_mean else None, modes, every, taken) for taken in (once, weights))
        found.append(interval(float(value[0]), drawn))
    random = np.random.default_rng(FLIP_SEED)
    null = []
    for _ in range(RESAMPLES // 4):
        flipped = random.random(len(train)) < 0.5
        null.append(_bounds(_exchanged(power, flipped), None, every, every, once)[0])
    return Bound(
        auc=found[0],
        auc_shells=found[1],
        d_prime=float(np.sqrt(2) * ndtri(min(found[0].value, 1 - 1e-16))),
        modes=int(every.sum()),
        modes_shells=int(shells.sum()),
        null=float(np.mean(null)),
    )


def _bounds(power: Array, means: Array | None, modes: Array, summed: Array, weights: Array) -> Array:
    """(resamples,): the bound for the spectra (seeds, 2, shells) averaged with each row of ``weights``.

    ``modes`` are those that count, ``summed`` those that make up the variance of a cube.
    """
    newton, gr = (weights @ power[:, member] for member in (0, 1))
    # power below the rounding of the samples (a band-pass leaves such shells) carries no information
    least = ROUNDING * min((table.mean(axis=0) @ summed).item() for table in (newton, gr)) / summed.sum()
    known = (newton > least).all(axis=0) & (gr > least).all(axis=0) & (modes > 0)
    separation = np.zeros(len(weights)) if means is None else _separations(means, weights)
    return _gaussian_aucs(gr[:, known] / newton[:, known], modes[known], separation)


def _separations(means: Array, weights: Array) -> Array:
    """Distance of the cube means of the theories (seeds, 2) over their common standard deviation."""
    total = weights.sum(axis=1)
    first = (weights @ means) / total[:, None]
    second = (weights @ means**2) / total[:, None]
    variance = np.maximum(second - first**2, 0).mean(axis=1)
    distance = np.abs(first[:, 1] - first[:, 0])
    # means that differ without any scatter decide everything: so far apart that the AUC is 1
    far = np.full_like(distance, 40.0)
    result: Array = np.divide(distance, np.sqrt(variance), out=far, where=variance > 0)
    return np.asarray(np.where(distance > 0, np.minimum(result, 40.0), 0.0))


def _gaussian_aucs(ratio: Array, modes: Array, separation: Array) -> Array:
    """(rows,) of P(Q > 0) for ratios (rows, shells) and distances (rows,), by integration over (0, REACH / std Q)."""
    scales = np.stack([0.5 * (ratio - 1), -0.5 * (1 - 1 / ratio)], axis=1)  # (rows, 2, shells)
    deviation = np.sqrt(2 * (modes * scales**2).sum(axis=(1, 2)) + 2 * separation**2)
    x, step = _quadrature()
    result = np.full(len(ratio), 0.5)
    for row in np.flatnonzero(deviation > 1e-12):
        t = x / deviation[row]
        scaled = 2 * t[:, None, None] * scales[row]
        angle = 0.5 * (modes * np.arctan(scaled)).sum(axis=(1, 2)) + separation[row] ** 2 * t
        size = np.exp(-0.25 * (modes * np.log1p(scaled**2)).sum(axis=(1, 2)) - separation[row] ** 2 * t**2)
        result[row] += (step * size * np.sin(angle) / x).sum() / np.pi
    return np.asarray(np.clip(result, 0.5, 1.0))


@cache
def _quadrature() -> tuple[Array, Array]:
    """Gauss-Legendre nodes in (0, REACH) and their weights."""
    nodes, shares = leggauss(NODES)
    return 0.5 * REACH * (nodes + 1), 0.5 * REACH * shares


def _exchanged(power: Array, flipped: Any) -> Array:
    result = power.copy()
    result[flipped] = result[flipped][:, ::-1]
    return result
