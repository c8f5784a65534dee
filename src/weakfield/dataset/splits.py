"""Training, validation and test parts, by seed: both members of a pair are always in the same part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from weakfield.base.errors import BadInput
from weakfield.config import StudyConfig

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """The seeds of each part, ascending."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def part(self, name: Part) -> tuple[int, ...]:
        if name not in PARTS:
            raise BadInput(f"part '{name}' is unknown, expected {', '.join(PARTS)}")
        seeds: tuple[int, ...] = getattr(self, name)
        return seeds


def study_split(study: StudyConfig) -> Split:
    """The parts of a study: seeds from the first to the last given for each, or else shares of one random order."""
    if study.dataset.ranges:
        return Split(**{name: tuple(range(first, last + 1)) for name, (first, last) in study.dataset.ranges.items()})
    return split_seeds(study.seeds.all, study.dataset.fractions, study.dataset.split_seed)


def split_seeds(seeds: Sequence[int], fractions: tuple[float, float, float], split_seed: int) -> Split:
    """Cut one random order of ``seeds`` in two places; disjoint because each seed stands in that order once.

    ``fractions`` are the shares of training, validation and test; the cuts are rounded to whole seeds and moved so
    that no part is empty. The result depends on the set of seeds, not on their order.
    Raises ``BadInput`` for fewer than three seeds or a seed given twice.
    """
    ordered = sorted(seeds)
    count = len(ordered)
    if len(set(ordered)) != count:
        raise BadInput("the list of seeds holds a seed twice, expected each once")
    if count < len(PARTS):
        raise BadInput(f"the study has {count} seeds, expected at least {len(PARTS)}: one each for {', '.join(PARTS)}")
    second = min(max(round((fractions[0] + fractions[1]) * count), 2), count - 1)
    first = min(max(round(fractions[0] * count), 1), second - 1)
    shuffled = [ordered[i] for i in np.random.default_rng(split_seed).permutation(len(ordered))]
    return Split(
        train=tuple(sorted(shuffled[:first])),
        validation=tuple(sorted(shuffled[first:second])),
        test=tuple(sorted(shuffled[second:])),
    )
