"""An opened data set: samples by seed and theory, slices by number, parts as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash, read_json
from weakfield.config import THEORIES, CosmologySettings, RunFolder, Theory
from weakfield.dataset.index import Index
from weakfield.dataset.normalise import Normalisation
from weakfield.dataset.pairs import PairTensor
from weakfield.dataset.samples import load_sample, load_snapshot, without_mean
from weakfield.dataset.splits import PARTS, Part, Split

AXES = ("z", "y", "x")


class Dataset:
    """The samples of one run folder; ``description`` is the content of ``dataset.json``."""

    def __init__(self, folder: RunFolder, description: dict[str, Any]) -> None:
        self.folder = folder
        self.description = description
        self.sample: Literal["difference", "raw"] = description["sample"]
        self.redshifts: tuple[float, ...] = tuple(description["redshifts"])
        self.grid: int = description["grid"]
        self.box_size_mpch: float = description["box_size_mpch"]
        self.fingerprint: str = description["fingerprint"]
        self.cosmology = CosmologySettings.from_mapping(description["cosmology"], "dataset.json")
        self.split = Split(**{part: tuple(description["seeds"][part]) for part in PARTS})
        self._hashes: dict[str, dict[str, str]] = description["hashes"]
        self._normalisation = {k: Normalisation(**v) for k, v in description["normalisation"].items()}

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, ascending."""
        return tuple(sorted(seed for part in PARTS for seed in self.split.part(part)))

    def part(self, name: Part) -> list[int]:
        """The seeds of one part, ascending."""
        return list(self.split.part(name))

    @cached_property
    def index(self) -> Index:
        """Number <-> (seed, theory, redshift, axis, slice) of a slice of phi."""
        return Index.from_description(self.description["index"]["slices"])

    @cached_property
    def cube_index(self) -> Index:
        """Number <-> (seed, theory) of a whole cube."""
        return Index.from_description(self.description["index"]["cubes"])

    def files(self, seed: int, theory: Theory) -> list[Path]:
        """The (early, late) snapshots of one universe."""
        try:
            names = self.description["files"][str(seed)][theory]
        except KeyError as error:
            raise BadInput(f"seed {seed}, theory '{theory}' is not in the data set") from error
        return [self.folder.pair(seed) / name for name in names]

    def raw(self, seed: int, theory: Theory) -> Tensor:
        """The un-normalised sample (N, N, N) float64, mean kept.

        Raises ``BadInput`` when a snapshot is no longer the one that the data set was built of.
        """
        paths = self.files(seed, theory)
        cube = load_sample(self.sample, paths, self.cosmology)
        for path in paths:
            self._check_unchanged(seed, path)
        return cube

    def normalise(self, raw: Tensor, keep_mean: bool = False) -> Tensor:
        """A raw sample, its mean removed unless ``keep_mean``, in units of the training part: float32."""
        if keep_mean:
            return self._normalisation["mean_kept"].apply(raw)
        return self._normalisation["mean_removed"].apply(without_mean(raw))

    def cube(self, seed: int, theory: Theory, keep_mean: bool = False) -> Tensor:
        """The normalised sample (N, N, N) float32."""
        return self.normalise(self.raw(seed, theory), keep_mean)

    def pairs(self, seeds: Sequence[int], keep_mean: bool = False) -> PairTensor:
        """The normalised cubes of both theories of ``seeds``, in that order, one channel."""
        cubes = [torch.stack([self.cube(seed, theory, keep_mean) for theory in THEORIES]) for seed in seeds]
        return PairTensor(seeds, torch.stack(cubes).unsqueeze(2))

    def phi_slice(self, number: int) -> Tensor:
        """Slice ``number`` of ``index``: phi (N, N) float64, dimensionless, remaining axes in the order z, y, x."""
        labels = self.index.show(number)
        path = self.files(labels["seed"], labels["theory"])[self.redshifts.index(labels["redshift"])]
        phi = load_snapshot(path).phi
        self._check_unchanged(labels["seed"], path)
        return phi.select(AXES.index(labels["axis"]), labels["slice"]).clone()

    def _check_unchanged(self, seed: int, path: Path) -> None:
        recorded = self._hashes[str(seed)][path.relative_to(self.folder.pair(seed)).as_posix()]
        if (found := file_hash(path)) != recorded:
            raise BadInput(
                f"{path} has hash {found} but the data set was built of {recorded}, expected the same file; build the"
                " data set again if the pair was replaced on purpose"
            )


def open_dataset(folder: RunFolder) -> Dataset:
    """The data set of a run folder; ``BadInput`` when it has not been built or is damaged."""
    path = folder.dataset / "dataset.json"
    description = read_json(path)
    try:
        return Dataset(folder, description)
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path} lacks {error}, expected a data set written by `weakfield dataset`") from error
