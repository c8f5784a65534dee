"""How significantly a set of paired differences deviates from zero: one number for many correlated bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


FEWEST = 6  #: seeds from which a scatter of weighted sums is known well enough to be quoted


@dataclass(frozen=True)
class Significance:
    """Standard deviations by which all bins together exceed zero, for one pair and for the mean of those that judge.

    ``judges`` is the number of seeds that had no part in the choice of the weights; ``one_pair`` and ``ensemble`` are
    NaN where there are too few seeds.
    """

    one_pair: float
    ensemble: float
    judges: int


def matched_significance(differences: Reals) -> Significance:
    """Significance of paired differences (seeds, bins): every other seed helps to choose the weights, the rest judge.

    The weight of a bin is its mean / variance over the seeds at even places, which is best for independent bins. The
    weighted sums of the other seeds have mean zero if the differences do, however the bins are correlated, and their
    own scatter says how far from zero their mean is: without a signal this is Student's t with ``judges`` - 1 degrees
    of freedom (normal for many). Wrong weights only make it less sensitive. Six seeds are needed.
    """
    choose, judge = differences[::2], differences[1::2]
    judges = len(judge)
    if len(differences) < FEWEST:
        return Significance(float("nan"), float("nan"), judges)
    mean, variance = choose.mean(axis=0), choose.var(axis=0, ddof=1)
    largest = np.abs(choose).max(axis=0)
    # a variance below rounding belongs to a bin that is the same in all seeds
    floor = np.maximum(variance, 1e-12 * largest**2)
    weights = np.divide(mean, floor, out=np.zeros_like(mean), where=floor > 0)
    filtered = judge @ weights
    scatter = float(filtered.std(ddof=1))
    if scatter == 0.0:  # no difference at all, or one without any scatter
        certain = float("inf") if filtered.any() else 0.0
        return Significance(certain, certain, judges)
    one = float(filtered.mean()) / scatter
    return Significance(one, one * float(np.sqrt(judges)), judges)


def bin_significance(differences: Reals) -> tuple[Reals, Reals]:
    """(bins,) each: mean / scatter of paired differences (seeds, bins), and the same times sqrt(seeds); signed."""
    if len(differences) < 2:
        unknown = np.full(differences.shape[1], np.nan)
        return unknown, unknown
    mean, scatter = differences.mean(axis=0), differences.std(axis=0, ddof=1)
    one = np.divide(mean, scatter, out=np.zeros_like(mean), where=scatter > 0)
    return one, one * np.sqrt(len(differences))
