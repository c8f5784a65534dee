"""What is exported of a run: the potential of both theories, labels, parameters; read a universe at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, RunFolder, StudyConfig, Theory
from weakfield.dataset import PARTS, Split, open_dataset, study_split
from weakfield.pairs import Pairs
from weakfield.pairs.pair import GAUGES

#: the part of a seed that is in none
UNSPLIT = "unsplit"


@dataclass(frozen=True)
class Universes:
    """All whole pairs of a run; ``pairs`` are those of its seeds and not of their inverses."""

    study: StudyConfig
    folder: RunFolder

    @cached_property
    def pairs(self) -> Pairs:
        found = Pairs(self.study, self.folder)
        if not found:
            raise BadInput(f"{self.folder.pairs} holds no whole pair, expected at least one to export")
        return found

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the pairs, ascending."""
        return self.pairs.seeds

    @cached_property
    def theories(self) -> tuple[Theory, ...]:
        """The theories that every pair has."""
        found = tuple(t for t in THEORIES if all(t in pair.manifest.theories for pair in self.pairs.values()))
        if not found:
            raise BadInput(f"the pairs in {self.folder.pairs} have no theory in common, expected one at least")
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The theories as people read them: those of the classes, where cubes were imported."""
        classes = self.study.classes
        return tuple(t if classes is None else classes.names[THEORIES.index(t)] for t in self.theories)

    @property
    def quantity(self) -> str:
        """The name of the field."""
        return "phi" if self.study.classes is None else self.study.classes.quantity

    @property
    def units(self) -> str:
        """Of the field."""
        return "dimensionless" if self.study.classes is None else self.study.classes.units

    @property
    def gauges(self) -> tuple[str, ...]:
        """The gauge of each theory's field."""
        return tuple("unstated" if self.study.classes else GAUGES[theory] for theory in self.theories)

    @cached_property
    def redshifts(self) -> tuple[float, ...]:
        """The outputs that every pair has, descending."""
        first, *others = self.pairs.values()
        found = tuple(z for z in first.redshifts if all(_has(pair.redshifts, z) for pair in others))
        if not found:
            raise BadInput(f"the pairs in {self.folder.pairs} have no output in common, expected one at least")
        return found

    @cached_property
    def split(self) -> Split | None:
        """The seeds of each part: as the data set has them, else as the study would; ``None`` for too few seeds."""
        try:
            return open_dataset(self.folder).split
        except BadInput:
            try:
                return study_split(self.study)
            except BadInput:
                return None

    def part(self, seed: int) -> str:
        """The part of a seed, or ``UNSPLIT``."""
        split = self.split
        return next((part for part in PARTS if split is not None and seed in split.part(part)), UNSPLIT)

    def cube(self, seed: int, theory: Theory, z: float) -> NDArray[Any]:
        """A field (N, N, N), axes z, y, x, in the precision it is stored in; ``BadInput`` if it is damaged."""
        pair = self.pairs[seed]
        return np.ascontiguousarray(pair.read(pair.path(theory, "phi", z))[0].numpy())

    def universe(self, seed: int) -> NDArray[Any]:
        """All fields of a seed, (theories, redshifts, N, N, N)."""
        return np.stack([np.stack([self.cube(seed, t, z) for z in self.redshifts]) for t in self.theories])

    def __iter__(self) -> Iterator[tuple[int, NDArray[Any]]]:
        return ((seed, self.universe(seed)) for seed in self.seeds)

    @cached_property
    def cube_shape(self) -> tuple[int, ...]:
        """Of one field."""
        return self._first.shape

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The precision of the fields."""
        return self._first.dtype

    @cached_property
    def _first(self) -> NDArray[Any]:
        return self.cube(self.seeds[0], self.theories[0], self.redshifts[0])

    @property
    def parameters(self) -> dict[str, float]:
        """The numbers that every universe of the run shares: cosmology, box, cells a side."""
        box = self.study.simulation
        about = {"box_size_mpch": box.box_size_mpch, "grid": float(self.cube_shape[-1])}
        if self.study.classes is not None:
            return about
        cosmology = self.study.cosmology.model_dump()
        return {key: float(value) for key, value in cosmology.items() if isinstance(value, float)} | about


def _has(redshifts: tuple[float, ...], z: float) -> bool:
    return any(abs(other - z) <= 1e-3 * (1 + z) for other in redshifts)
