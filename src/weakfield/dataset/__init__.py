"""From pairs of snapshots to samples a network can read: index, splits by seed, samples, transforms, normalisation."""

from weakfield.dataset.cuts import Cut, Slices, SubCubes, WholeCube, cut_of
from weakfield.dataset.index import Index
from weakfield.dataset.lazy import CutPairs, cut_pairs
from weakfield.dataset.pairs import Pairs, PairTensor
from weakfield.dataset.splits import PARTS, Part, Split, fold_seeds, place_seeds, split_seeds, study_split
from weakfield.dataset.store import Dataset, open_dataset
from weakfield.dataset.transforms import Band, Chain, Noise, RemoveMean, Scale, Standardise, Transform

__all__ = [
    "PARTS",
    "Band",
    "Chain",
    "Cut",
    "CutPairs",
    "Dataset",
    "Index",
    "Noise",
    "PairTensor",
    "Pairs",
    "Part",
    "RemoveMean",
    "Scale",
    "Slices",
    "Split",
    "Standardise",
    "SubCubes",
    "Transform",
    "WholeCube",
    "cut_of",
    "cut_pairs",
    "fold_seeds",
    "open_dataset",
    "place_seeds",
    "split_seeds",
    "study_split",
]
