"""Errors of sums and means over samples: seeds are the independent draws, but samples of one seed are not independent.

Delete-one-seed jackknife: theta_g is the statistic without seed g, error^2 = (G-1)/G sum_g (theta_g - mean theta)^2.
For a mean over seeds with one sample each, it is the usual standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.base.records import Record

Value = TypeVar("Value")
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class SeedMean:
    """A statistic with its standard error over ``seeds`` seeds; the errors are NaN for a single seed."""

    value: Reals
    error: Reals
    seeds: int


class OverSeeds(Record, Generic[Value]):
    """The same in the form in which it is written: numbers or lists of them, and no error for a single seed."""

    value: Value
    error: Value | None


Number = OverSeeds[float]
Numbers = OverSeeds[list[float]]
Table = OverSeeds[list[list[float]]]


def written(value: Any, error: Any = None) -> Any:
    """A ``Number``, ``Numbers`` or ``Table`` of an array and its errors; errors that are not finite are left out."""
    array = np.asarray(value, dtype=np.float64)
    known = error is not None and bool(np.isfinite(error).all())
    kind = (Number, Numbers, Table)[array.ndim]
    return kind(value=array.tolist(), error=np.asarray(error, dtype=np.float64).tolist() if known else None)


def over_seeds(values: Any, statistic: Callable[[Reals], Reals] | None = None) -> Any:
    """The mean over rows (seeds, ...), or a statistic of their sum, as ``written``; no error for a single seed."""
    rows = np.asarray(values, dtype=np.float64)
    found = mean_over_seeds(rows) if statistic is None else jackknife(statistic, rows)
    return written(found.value, found.error if found.seeds > 1 else None)


def jackknife(statistic: Callable[[Reals], Reals], sums: Reals) -> SeedMean:
    """``statistic`` of the sum over seeds of ``sums`` (G, ...), which are additive, with its jackknife error."""
    total, count = sums.sum(axis=0), len(sums)
    value = np.asarray(statistic(total), dtype=np.float64)
    if count < 2:
        return SeedMean(value, np.full_like(value, np.nan), count)
    without = np.stack([statistic(total - part) for part in sums])
    scatter = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return SeedMean(value, np.sqrt((count - 1) / count * scatter), count)


def seed_sums(values: Reals, seeds: Sequence[int] | None = None) -> Reals:
    """Sums of ``values`` (B, ...) over the samples of each seed, (G, ...), in ascending order of seeds."""
    places = np.arange(len(values)) if seeds is None else np.unique(np.asarray(seeds), return_inverse=True)[1]
    if len(places) != len(values):
        raise BadInput(f"there are {len(places)} seeds for {len(values)} samples, expected one for each")
    result = np.zeros((int(places.max()) + 1, *values.shape[1:]))
    np.add.at(result, places, values)
    return result


def mean_over_seeds(values: Reals, seeds: Sequence[int] | None = None) -> SeedMean:
    """Mean over samples of ``values`` (B, ...), all of equal weight; ``seeds`` (B,) are by default all different."""
    flat = values.reshape(len(values), -1)
    sums = seed_sums(np.concatenate([flat, np.ones((len(flat), 1))], axis=1), seeds)
    return jackknife(lambda total: (total[:-1] / total[-1]).reshape(values.shape[1:]), sums)


def share_over_seeds(parts: Reals, whole: Reals, seeds: Sequence[int] | None = None) -> SeedMean:
    """Sum over samples of ``parts`` (B, ...) divided by that of ``whole`` (B,): the share of each part."""
    flat = parts.reshape(len(parts), -1)
    sums = seed_sums(np.concatenate([flat, whole[:, None]], axis=1), seeds)
    return jackknife(lambda total: (total[:-1] / total[-1]).reshape(parts.shape[1:]), sums)
