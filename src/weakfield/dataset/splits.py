"""Training, validation and test parts, by seed: both members of a pair are always in the same part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from weakfield.base.errors import BadInput

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


def split_seeds(seeds: Sequence[int], fractions: tuple[float, float, float], split_seed: int) -> Split:
    """Cut one random order of ``seeds`` in two places; disjoint because each seed stands in that order once.

    ``fractions`` are the shares of training, validation and test; validation and test are rounded to the nearest
    whole number (at least 1), training takes the rest. The result depends on the set of seeds, not on their order.
    Raises ``BadInput`` when a part would be empty or a seed is given twice.
    """
    ordered = sorted(seeds)
    if len(set(ordered)) != len(ordered):
        raise BadInput("the list of seeds holds a seed twice, expected each once")
    validation, test = (max(1, round(share * len(ordered))) for share in fractions[1:])
    train = len(ordered) - validation - test
    if train < 1:
        raise BadInput(
            f"{len(ordered)} seeds with shares {fractions} leave {max(train, 0)} for training,"
            " expected at least 1 in each of train, validation and test"
        )
    shuffled = [ordered[i] for i in np.random.default_rng(split_seed).permutation(len(ordered))]
    return Split(
        train=tuple(sorted(shuffled[:train])),
        validation=tuple(sorted(shuffled[train : train + validation])),
        test=tuple(sorted(shuffled[train + validation :])),
    )
