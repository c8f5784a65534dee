"""From pairs of snapshots to samples a network can read: index, splits by seed, samples, normalisation."""

from weakfield.dataset.index import Index
from weakfield.dataset.pairs import Pairs, PairTensor
from weakfield.dataset.splits import PARTS, Part, Split, split_seeds, study_split
from weakfield.dataset.store import Dataset, open_dataset

__all__ = [
    "PARTS",
    "Dataset",
    "Index",
    "PairTensor",
    "Pairs",
    "Part",
    "Split",
    "open_dataset",
    "split_seeds",
    "study_split",
]
