"""What is written of explanations against truth: scores over seeds, by method."""

from __future__ import annotations

from pydantic import Field

from weakfield.base.records import Record
from weakfield.explain.over_seeds import Number, Numbers

#: rank correlations by quantity and, within it, by method
Ranks = dict[str, dict[str, float]]

#: what may be attributed, the finest last
QUANTITIES = ("shells", "triangles", "blocks", "cells")
#: a rank correlation with the truth from which a method is believed
BELIEVED = 0.9


class PairTruth(Record):
    """One pair: what C1 contributes to the matched filter by shell, and rank correlations with C1's contributions.

    Those are of the exact contributions of the pair's own difference (``measured``), of methods applied to the matched
    filter and of methods applied to the network.
    """

    shells: list[float]
    measured: dict[str, float]
    filter: Ranks
    network: Ranks = Field(default_factory=dict)
    left_out: dict[str, str] = Field(default_factory=dict)


class Score(Record):
    """Rank correlation with C1's contributions over seeds, by quantity; shares of shapes in a method's triangles."""

    rank: dict[str, Number]
    shares: dict[str, Number] = Field(default_factory=dict)

    @property
    def mean(self) -> float:
        """The mean rank correlation over the quantities that a method gives."""
        values = [found.value for found in self.rank.values()]
        return sum(values) / len(values)


class Truth(Record):
    """How well methods find what C1 contributes to its matched filter at redshift ``z``, and how a network compares.

    ``shells`` (k_hmpc) and ``contribution`` (triangles of ``sides_hmpc``, the longest first) are C1's contributions to
    a filter whose answer to the first pair is 1, means over ``seeds`` and ``triangle_seeds``; ``shares`` are those of
    the squeezed, equilateral and folded triangles. ``measured`` compares the pairs' own difference with C1. ``methods``
    are scores on the filter; ``network`` compares the network's attributions with C1's, and is missing, with a sentence
    in ``left_out``, where that means nothing.
    """

    z: float
    seeds: list[int]
    k_hmpc: list[float]
    shells: Numbers
    triangle_seeds: int
    sides_hmpc: list[list[float]]
    contribution: Numbers
    shares: dict[str, Number]
    measured: Score
    methods: dict[str, Score]
    network: dict[str, Score] | None
    left_out: dict[str, str] = Field(default_factory=dict)

    @property
    def ordered(self) -> list[str]:
        """Methods, the best first."""
        return sorted(self.methods, key=lambda name: -self.methods[name].mean)
