"""Training, validation and test parts, by seed: both members of a pair are always in the same part.

Parts consist of seeds and nothing else: whatever is cut from a cube is in the part of its seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
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

    def restricted(self, seeds: Iterable[int]) -> Split:
        """The same parts without the seeds that are not among ``seeds``."""
        kept = set(seeds)
        return Split(**{name: tuple(seed for seed in self.part(name) if seed in kept) for name in PARTS})


def study_split(study: StudyConfig) -> Split:
    """The parts of a study, made from all seeds it names.

    The parts are given by the first and last seed of each; or are blocks of ``folds``; or are shares. Blocks and shares
    are cut from one random order of all seeds, or (``partial``) follow from a place that each seed has by itself.
    """
    settings, seeds = study.dataset, study.seeds.all
    if settings.ranges:
        return Split(**{name: tuple(range(first, last + 1)) for name, (first, last) in settings.ranges.items()})
    if settings.folds is not None:
        return fold_seeds(seeds, settings.folds, settings.fold, settings.split_seed, alone=settings.partial)
    if settings.partial:
        return place_seeds(seeds, settings.fractions, settings.split_seed)
    return split_seeds(seeds, settings.fractions, settings.split_seed)


def split_seeds(seeds: Sequence[int], fractions: tuple[float, float, float], split_seed: int) -> Split:
    """Cut one random order of ``seeds`` in two places; disjoint because each seed appears in that order once.

    ``fractions`` are the shares of training, validation and test; the cuts are rounded to whole seeds and moved so
    that no part is empty. The result depends on the set of seeds, not on their order.
    Raises ``BadInput`` for fewer than three seeds or a seed given twice.
    """
    ordered = _sorted(seeds)
    count = len(ordered)
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


def fold_seeds(seeds: Sequence[int], folds: int, fold: int, split_seed: int, alone: bool = False) -> Split:
    """Block ``fold`` of ``folds`` is the test part; the next block (after the last, the first) is for validation.

    Over all folds every seed is tested once and validated on once. Blocks differ in size by one seed at most; with
    ``alone`` they follow from ``place``, which does not depend on other seeds. Raises ``BadInput`` for more folds than
    seeds, fewer than three folds, or a fold that does not exist.
    """
    ordered = _sorted(seeds)
    if folds < len(PARTS) or not 0 <= fold < folds:
        raise BadInput(f"fold {fold} of {folds} does not exist, expected 3 folds or more and a fold below their number")
    if len(ordered) < folds:
        raise BadInput(f"the study has {len(ordered)} seeds, expected at least as many as its {folds} folds")
    if alone:
        blocks = {seed: place(seed, split_seed) * folds >> 64 for seed in ordered}
    else:
        order = np.random.default_rng(split_seed).permutation(len(ordered))
        blocks = {ordered[i]: number * folds // len(ordered) for number, i in enumerate(order)}
    held = (fold, (fold + 1) % folds)
    return Split(
        train=tuple(seed for seed in ordered if blocks[seed] not in held),
        validation=tuple(seed for seed in ordered if blocks[seed] == held[1]),
        test=tuple(seed for seed in ordered if blocks[seed] == held[0]),
    )


def place_seeds(seeds: Sequence[int], fractions: tuple[float, float, float], split_seed: int) -> Split:
    """Put each seed into the part in whose share of the unit interval its ``place`` lies.

    Which part a seed is in does not depend on the other seeds: it stays there when more arrive. Parts may be empty.
    """
    ordered = _sorted(seeds)
    first, second = (int(share * 2**64) for share in (fractions[0], fractions[0] + fractions[1]))
    places = {seed: place(seed, split_seed) for seed in ordered}
    return Split(
        train=tuple(seed for seed in ordered if places[seed] < first),
        validation=tuple(seed for seed in ordered if first <= places[seed] < second),
        test=tuple(seed for seed in ordered if places[seed] >= second),
    )


def place(seed: int, split_seed: int) -> int:
    """The place of a seed in the interval from 0 to 2^64, decided by (split_seed, seed) alone.

    Places are multiples of the golden ratio, starting at a place drawn from ``split_seed``: any run of consecutive
    seeds fills the interval evenly (Weyl 1916), so that even a few seeds fall into the parts about as the shares say.
    """
    start = int.from_bytes(hashlib.sha256(str(split_seed).encode()).digest()[:8], "big")
    return (start + seed * 0x9E3779B97F4A7C15) % 2**64


def _sorted(seeds: Sequence[int]) -> list[int]:
    ordered = sorted(seeds)
    if len(set(ordered)) != len(ordered):
        raise BadInput("the list of seeds holds a seed twice, expected each once")
    return ordered
