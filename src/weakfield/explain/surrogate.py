"""Triangles without gradients: a sparse linear surrogate of the logit on measured powers and bispectra.

The logit of every universe is regressed on its P_s and B_T in units of their scatter,

    logit = c + sum_s a_s P_s / sd(P_s) + sum_T w_T B_T / sd(B_T),

by the elastic net (Zou & Hastie 2005), with the penalty and mixture that are best in cross-validation over seeds, where
both members of a pair are on the same side of every cut. The surrogate knows the network only by its answers and the
field only by what ``spectra`` measures, so that it shares nothing with ``triangles`` except the shells. Errors come
from a bootstrap over seeds at the chosen penalty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.optional import from_extra
from weakfield.explain.response import checked_samples
from weakfield.explain.triangle_basis import triangle_basis
from weakfield.explain.triangles import TriangleAttribution
from weakfield.learning.scores import Estimate, bootstrap_weights, interval
from weakfield.spectra import bispectrum, power_spectrum

Reals = NDArray[np.float64]

#: the mixtures of the two penalties that are tried: the fraction of the absolute-value penalty; the rest is quadratic
MIXTURES = (0.1, 0.5, 0.9, 1.0)
#: number of parts of the cross-validation, number of penalties tried for each mixture, and their range
FOLDS, PENALTIES, RANGE = 5, 30, 1e-4
#: number of resamples of seeds
RESAMPLES = 100
#: duality gap over the variance of the logits, far below the scatter over seeds
PRECISION: dict[str, Any] = {"max_iter": 20_000, "tol": 1e-3}


@dataclass(frozen=True)
class Surrogate:
    """Weights of the S powers and then the T triangles in units of their scatter, with errors over seeds.

    ``weights`` are (K,), ``samples`` (R, K) those of the resamples. ``explained`` is the share of the variance of
    logits that the surrogate predicts for seeds it was not fitted on; ``penalty`` and ``mixture`` are the chosen ones.
    ``pair_contributions`` (B, K) are those to the logit difference of each pair; ``change`` is its mean over pairs.
    """

    shells: int
    weights: Reals
    samples: Reals
    pair_contributions: Reals
    change: float
    explained: float
    penalty: float
    mixture: float

    @cached_property
    def error(self) -> Reals:
        """Standard deviation of the resamples, (K,)."""
        return np.asarray(self.samples.std(axis=0, ddof=1))

    @property
    def contributions(self) -> Reals:
        """Those to the mean logit difference of a pair, (K,)."""
        return np.asarray(self.pair_contributions.mean(axis=0))

    @property
    def triangles(self) -> Reals:
        """Weights of the triangles alone, (T,)."""
        return self.weights[self.shells :]


def measured(newton: Tensor, gr: Tensor, edges: Sequence[float], channel: int = 0) -> Reals:
    """P_s and B_T of pairs (B, C, N, N[, N]) in one channel, (B, 2, S + T), with V = 1.

    For cubes they come from ``spectra.power_spectrum`` and ``spectra.bispectrum``, for planes from ``triangle_basis``.
    """
    members = torch.stack([checked_samples(newton, "newton"), checked_samples(gr, "gr")], dim=1)[:, :, channel]
    bounds = tuple(float(edge) for edge in edges)
    if members.ndim == 4:
        basis = triangle_basis(members.shape[-1], 2, bounds)
        return np.stack([[basis.statistics(field) for field in pair] for pair in members])

    def statistics(field: Tensor) -> Reals:
        return np.concatenate([power_spectrum(field, 1.0, bounds).sums, bispectrum(field, 1.0, bounds).sums])

    return np.stack([[statistics(field) for field in pair] for pair in members])


def fit_surrogate(
    statistics: Reals, logits: Reals, seeds: Sequence[int], shells: int, resamples: int = RESAMPLES
) -> Surrogate:
    """The surrogate of logits (B, 2) on statistics (B, 2, K), of which the first ``shells`` are powers.

    ``seeds`` (B,) group the pairs. ``BadInput`` if there are fewer seeds than parts of the cross-validation.
    """
    with from_extra("learn", "the surrogate of triangles"):
        from sklearn.linear_model import ElasticNet, ElasticNetCV
        from sklearn.model_selection import GroupKFold, cross_val_predict

    groups = np.unique(np.asarray(seeds), return_inverse=True)[1]
    count = int(groups.max()) + 1
    if count < FOLDS:
        raise BadInput(f"a surrogate was asked of {count} seeds, expected at least {FOLDS}")
    flat = statistics.reshape(-1, statistics.shape[-1])
    scatter = flat.std(axis=0)
    features = np.divide(flat - flat.mean(axis=0), scatter, out=np.zeros_like(flat), where=scatter > 0)
    answers, owner = logits.reshape(-1), np.repeat(groups, 2)
    height = float(answers.std()) or 1.0
    answers = answers / height
    cuts = list(GroupKFold(FOLDS).split(features, answers, owner))
    search = ElasticNetCV(l1_ratio=list(MIXTURES), eps=RANGE, alphas=PENALTIES, cv=cuts, **PRECISION)
    search.fit(features, answers)
    model = ElasticNet(alpha=search.alpha_, l1_ratio=search.l1_ratio_, **PRECISION)
    predicted = cross_val_predict(model, features, answers, cv=cuts)
    samples = []
    for draw in bootstrap_weights(count, resamples):
        model.fit(features, answers, sample_weight=draw[owner])
        samples.append(height * model.coef_)
    change = statistics[:, 1] - statistics[:, 0]
    difference = np.divide(change, scatter, out=np.zeros_like(change), where=scatter > 0)
    weights = height * search.coef_
    return Surrogate(
        shells=shells,
        weights=weights,
        samples=np.stack(samples),
        pair_contributions=weights * difference,
        change=float((logits[:, 1] - logits[:, 0]).mean()),
        explained=1 - float(((predicted - answers) ** 2).mean() / answers.var()),
        penalty=float(search.alpha_),
        mixture=float(search.l1_ratio_),
    )


def agreement(response: TriangleAttribution, surrogate: Surrogate) -> Estimate:
    """Rank correlation over triangles of the two kinds of weights, in units of the scatter of each B_T, signed.

    Its interval comes from a bootstrap over seeds, where both use the same resample of seeds.
    """
    count = len(surrogate.samples)
    draws = bootstrap_weights(len(response.normal), count)
    resampled = response.resampled(draws)
    pairs = zip(resampled, surrogate.samples[:, surrogate.shells :], strict=True)
    whole = response.resampled(np.ones((1, len(response.normal))))[0]
    return interval(rank_correlation(whole, surrogate.triangles), np.array([rank_correlation(*pair) for pair in pairs]))


def rank_correlation(first: Reals, second: Reals) -> float:
    """Spearman's coefficient; 0 where one of the two is constant, such as a surrogate that selected nothing."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second).statistic)
