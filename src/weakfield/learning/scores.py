"""Logits of pairs, and the basis of errors over seeds: resamples of whole seeds and their percentiles.

A seed is the unit of everything: the two cubes of a seed share their universe, and so do all slices of a cube. Scores
in which seeds appear several times (slices) are resampled by whole seeds, never by slices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import WeakfieldError
from weakfield.base.figures import GREY, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

CONFIDENCE = 0.95
BOOTSTRAP_SEED = 20_240


@dataclass(frozen=True, repr=False)
class Scores:
    """Logits of the two members of each pair, positive for GR; ``seeds`` repeat where a place is a slice."""

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

    @cached_property
    def distinct(self) -> tuple[int, ...]:
        """Every seed once, in the order of first appearance."""
        return tuple(dict.fromkeys(self.seeds))

    @cached_property
    def owner(self) -> Integers:
        """(places,): which of ``distinct`` each place belongs to."""
        number = {seed: place for place, seed in enumerate(self.distinct)}
        return np.array([number[seed] for seed in self.seeds], dtype=np.int64)

    @cached_property
    def sizes(self) -> Array:
        """(distinct seeds,): how many places each seed has."""
        return np.bincount(self.owner, minlength=len(self.distinct)).astype(float)

    def by_seed(self, values: Array) -> Array:
        """(distinct seeds,): sums over the places of each seed."""
        return np.bincount(self.owner, values, minlength=len(self.distinct)).astype(np.float64)

    def __repr__(self) -> str:
        places = "" if len(self.seeds) == len(self.distinct) else f" in {len(self.seeds)} parts"
        ordered = float(right(self.gr - self.newton).mean())
        return f"Scores of {len(self.distinct)} pairs{places}: AUC {auc(self):.2f}, paired accuracy {ordered:.2f}"

    def plot(self, ax: Axes | None = None, label: str | None = None) -> Axes:
        """Draw the ROC curve: the share of GR called GR against that of Newton called GR, as the threshold falls."""
        axes = new_figure(size=(4.3, 4.3))[1][0, 0] if ax is None else ax
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
        axes.plot(*roc(self), label=label or f"AUC {auc(self):.2f}")
        axes.set(xlabel="Newton cubes called GR  [share]", ylabel="GR cubes called GR  [share]")
        axes.legend(frameon=False)
        return axes

    def divided(self, temperature: float) -> Scores:
        """The same scores with every logit divided by ``temperature``."""
        return Scores(self.seeds, self.newton / temperature, self.gr / temperature)


def cube_scores(scores: Scores) -> Scores:
    """Scores of whole cubes from those of their slices: the mean logit over the places of each seed.

    ``scores.sizes`` says how many slices there were. The mean logit is the logarithm of the geometric mean of the odds:
    it weighs all slices equally and does not grow with their number, because slices are not independent draws.
    """
    return Scores(
        scores.distinct, scores.by_seed(scores.newton) / scores.sizes, scores.by_seed(scores.gr) / scores.sizes
    )


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


def bootstrap_weights(seeds: int, resamples: int) -> Array:
    """(resamples, seeds): how often each seed is drawn, as many draws as seeds, with replacement; fixed random seed."""
    random = np.random.default_rng(BOOTSTRAP_SEED)
    return random.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=resamples).astype(float)


def resampled_mean(scores: Scores, values: Array, weights: Array) -> Array:
    """The mean of ``values`` (places,) in every resample of whole seeds, ``weights`` (resamples, distinct seeds)."""
    result: Array = (weights @ scores.by_seed(values)) / (weights @ scores.sizes)
    return result


def interval(value: float, resamples: Array) -> Estimate:
    """The percentile interval of the resamples, widened if necessary to hold the value itself."""
    low, high = np.quantile(resamples, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


def right(logits: Array) -> Array:
    """1 for a logit above 0, 1/2 at 0, 0 below."""
    return 0.5 * (1.0 + np.sign(logits))


def wins(scores: Scores) -> Array:
    """(n, n): 1 where the GR member at place i scores above the Newton member at place j, 1/2 for a tie, 0 below."""
    gap = scores.gr[:, None] - scores.newton[None, :]
    return 0.5 * (1.0 + np.sign(gap))


def seed_wins(scores: Scores) -> Array:
    """(S, S) for S distinct seeds: ``wins`` summed over the places of both, never holding all (places, places)."""
    count = len(scores.distinct)
    if count == len(scores.seeds):
        return wins(scores)
    table = np.empty((count, count))
    for other in range(count):
        newton = np.sort(scores.newton[scores.owner == other])
        below = np.searchsorted(newton, scores.gr, "left") + np.searchsorted(newton, scores.gr, "right")
        table[:, other] = scores.by_seed(0.5 * below.astype(np.float64))
    return table


def auc(scores: Scores) -> float:
    """Area under the ROC curve: how often a GR sample scores above a Newton sample; ties count half."""
    return float(resampled_auc(scores, each_once(scores))[0])


def resampled_auc(scores: Scores, weights: Array) -> Array:
    """The AUC of every resample."""
    result: Array = quadratic(weights, seed_wins(scores)) / (weights @ scores.sizes) ** 2
    return result


def each_once(scores: Scores) -> Array:
    """(1, distinct seeds): the weights of the original seeds, each drawn once."""
    return np.ones((1, len(scores.distinct)))


def quadratic(weights: Array, table: Array) -> Array:
    """(resamples,): w T w for every row w of ``weights``, with T = ``table``."""
    result: Array = ((weights @ table) * weights).sum(axis=1)
    return result


def roc(scores: Scores) -> tuple[Array, Array]:
    """The ROC curve: shares of Newton and of GR called GR (thresholds + 1,), from none to all."""
    thresholds = np.unique(np.concatenate([scores.newton, scores.gr]))[::-1]
    newton, gr = (
        np.append(0.0, np.searchsorted(np.sort(-logits), -thresholds, side="right") / len(logits))
        for logits in (scores.newton, scores.gr)
    )
    return newton, gr
