"""Which samples of the test part are explained."""

from __future__ import annotations

from collections.abc import Sequence

from weakfield.base.errors import BadInput
from weakfield.config import StudyConfig


def chosen_seed(study: StudyConfig, seeds: Sequence[int]) -> int:
    """The seed of test pair ``explain.pair``, in the order of the data set."""
    if study.explain.pair >= len(seeds):
        raise BadInput(
            f"explain.pair is {study.explain.pair} but the data set has {len(seeds)} test pairs,"
            f" expected a number from 0 to {len(seeds) - 1}"
        )
    return seeds[study.explain.pair]


def examined_seeds(study: StudyConfig, seeds: Sequence[int]) -> list[int]:
    """The chosen seed, then others of the test part in its order until there are ``explain.pairs``."""
    chosen = chosen_seed(study, seeds)
    return [chosen, *(seed for seed in seeds if seed != chosen)][: study.explain.pairs]
