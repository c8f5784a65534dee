"""Logits of pairs, and the basis of errors over seeds: resamples of whole seeds and their percentiles.

A seed is the unit of everything: the two cubes of a seed share their universe, and so do all slices of a cube. Scores
in which seeds appear several times (slices) are resampled by whole seeds, never by slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import FiniteFloat, StrictInt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.figures import GREY, new_figure
from weakfield.base.files import read_json
from weakfield.base.records import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

CONFIDENCE = 0.95
CHANCE = 0.5
#: with fewer test seeds, even a perfect ordering of all pairs happens by chance more than once in twenty times
FEWEST_SEEDS = 5
#: said of an interval whose ends are the same: all resamples were alike, which with few seeds says nothing of the error
NO_SPREAD = "no spread"
BOOTSTRAP_SEED = 20_240


class Logits(Record):
    """Scores as they are written."""

    seeds: tuple[StrictInt, ...]
    newton: tuple[FiniteFloat, ...]
    gr: tuple[FiniteFloat, ...]


@dataclass(frozen=True, repr=False)
class Scores:
    """Logits of the two members of each pair, positive for GR; ``seeds`` repeat where a place is a slice."""

    seeds: tuple[int, ...]
    newton: Array
    gr: Array

    def as_json(self) -> dict[str, Any]:
        return {"seeds": list(self.seeds), "newton": self.newton.tolist(), "gr": self.gr.tolist()}

    @classmethod
    def from_json(cls, value: Any, source: str = "scores") -> Scores:
        """What ``as_json`` gave; ``BadInput``, naming the ``source``, where the value is something else."""
        found = Logits.read(value, source)
        if not len(found.seeds) == len(found.newton) == len(found.gr):
            sizes = f"{len(found.seeds)} seeds, {len(found.newton)} and {len(found.gr)} logits"
            raise BadInput(f"{source} has {sizes}, expected as many of each")
        return cls(found.seeds, np.array(found.newton, float), np.array(found.gr, float))

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


def load_scores(path: Path) -> dict[str, dict[str, Scores]]:
    """The scores of a trained model and of its baselines by name and part, from ``scores.json``.

    Raises ``BadInput`` for a file that is missing, damaged or something else.
    """
    written = read_json(path)
    if (
        not isinstance(written, dict)
        or "network" not in written
        or not all(isinstance(v, dict) for v in written.values())
    ):
        raise BadInput(f"{path} lacks scores of 'network' by part, expected what 'weakfield train' writes")
    return {
        who: {part: Scores.from_json(value, f"{path}: {who}, {part}") for part, value in parts.items()}
        for who, parts in written.items()
    }


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
        return f"{self.value:.2f} ({self.range})"

    @property
    def range(self) -> str:
        """``0.60 to 1.00``, with as many digits as tell the ends apart, or ``NO_SPREAD`` where they are the same."""
        if self.low == self.high:
            return NO_SPREAD
        small = max(abs(self.low), abs(self.high)) < 1e-3
        for form in (".2f", ".3f", ".4f", ".2e") if small else (".2f", ".3f", ".4f", ".5f", ".6f", ".2e"):
            low, high = format(self.low, form), format(self.high, form)
            if low != high:
                break
        return f"{low} to {high}"


def bootstrap_weights(seeds: int, resamples: int) -> Array:
    """(resamples, seeds): how often each seed is drawn, as many draws as seeds, with replacement; fixed random seed."""
    random = np.random.default_rng(BOOTSTRAP_SEED)
    return random.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=resamples).astype(float)


def resampled_mean(scores: Scores, values: Array, weights: Array) -> Array:
    """The mean of ``values`` (places,) in every resample of whole seeds, ``weights`` (resamples, distinct seeds)."""
    result: Array = (weights @ scores.by_seed(values)) / (weights @ scores.sizes)
    return result


def interval(value: float, resamples: Array, confidence: float = CONFIDENCE) -> Estimate:
    """The percentile interval of the resamples, widened if necessary to hold the value itself."""
    low, high = np.quantile(resamples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


def area_interval(value: float, resamples: Array, seeds: int, confidence: float = CONFIDENCE) -> Estimate:
    """The interval of an area between 0 and 1 (AUC, average precision): percentiles, as ``interval``.

    Where all is in the right order, or all in the wrong one, every resample of the ``seeds`` is alike and says nothing
    of the error, and fewer than ``FEWEST_SEEDS`` have too few resamples; the area is then taken for a share of seeds in
    order, with the interval of ``proportion``.
    """
    found = interval(value, resamples, confidence)
    extreme = value in (0.0, 1.0) and found.low == found.high
    return proportion(value, seeds, confidence) if extreme or seeds < FEWEST_SEEDS else found


def proportion(value: float, seeds: int, confidence: float = CONFIDENCE) -> Estimate:
    """A share of ``seeds`` independent seeds with its exact binomial interval (Clopper & Pearson 1934).

    It is used for every share of right answers, because resamples of few seeds, or of seeds that all agree, do not
    scatter. Half successes are allowed (ties), and so are means over the parts of a seed, which scatter less than whole
    successes: for them the interval is too wide rather than too narrow.
    """
    from scipy.stats import beta

    successes, tail = value * seeds, (1 - confidence) / 2
    low = float(beta.ppf(tail, successes, seeds - successes + 1)) if value > 0 else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, seeds - successes)) if value < 1 else 1.0
    return Estimate(value, min(low, value), max(high, value))


def tells_apart(unpaired_auc: Estimate, paired_accuracy: Estimate | None, seeds: int) -> bool:
    """Whether a classifier is above chance on that many seeds: the whole interval of one of both is above 1/2.

    Cubes that are not paired have no paired accuracy.
    """
    lows = [found.low for found in (unpaired_auc, paired_accuracy) if found is not None]
    return seeds >= FEWEST_SEEDS and max(lows) > CHANCE


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
