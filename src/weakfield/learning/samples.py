"""The samples that networks of a study see: one place asks the data set for them."""

from __future__ import annotations

from collections.abc import Sequence

from weakfield.dataset import Dataset, Pairs


def part_pairs(dataset: Dataset, seeds: Sequence[int], keep_mean: bool) -> Pairs:
    """The normalised samples of both theories of ``seeds``."""
    return dataset.pairs(seeds, keep_mean)
