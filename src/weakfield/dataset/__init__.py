"""From pairs of snapshots to samples a network can read: index, splits by seed, samples, transforms, normalisation."""

from weakfield.dataset.chain import Chain
from weakfield.dataset.channels import Geometry
from weakfield.dataset.index import Index
from weakfield.dataset.pairs import Pairs, PairTensor, SamplePairs, sample_pairs
from weakfield.dataset.sample_shapes import SampleShape, Slices, SubCubes, WholeCube, sample_shape_of
from weakfield.dataset.splits import PARTS, Part, Split, fold_seeds, place_seeds, split_seeds, study_split
from weakfield.dataset.store import Dataset, open_dataset
from weakfield.dataset.transforms import Band, Noise, RemoveMean, Scale, Standardise, Transform

__all__ = [
    "PARTS",
    "Band",
    "Chain",
    "Dataset",
    "Geometry",
    "Index",
    "Noise",
    "PairTensor",
    "Pairs",
    "Part",
    "RemoveMean",
    "SamplePairs",
    "SampleShape",
    "Scale",
    "Slices",
    "Split",
    "Standardise",
    "SubCubes",
    "Transform",
    "WholeCube",
    "fold_seeds",
    "open_dataset",
    "place_seeds",
    "sample_pairs",
    "sample_shape_of",
    "split_seeds",
    "study_split",
]
