"""A run folder as users open it: its study, pairs, data set, networks and tables."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs import Pairs
from weakfield.pairs.runfolder import load_study
from weakfield.stages import DONE_FILE, FolderStage
from weakfield.study import STAGES

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import DataArray

    from weakfield.dataset import Dataset
    from weakfield.explain.tables import Attributions
    from weakfield.learning.trained import TrainedNetwork

#: tables of the measure stage: name -> file
_TABLES = {
    "spectra": "spectra.csv",
    "bispectra": "bispectra.csv",
    "significance": "significance.csv",
    "parity": "parity.csv",
}


class Run:
    """A run folder, finished or still growing: what is whole is there, and nothing is read until it is asked for.

    ``study`` is the resolved ``StudyConfig``; ``pairs`` are those that were whole when they were first asked for;
    ``path`` is the folder; ``trust`` as in ``wf.open``. Asking for what a stage has not made yet raises ``BadInput``,
    which names the stage.

    >>> run = wf.open("runs/demo")
    >>> run.pairs[42].difference(z=1).sel(z=0).plot()
    """

    def __init__(self, path: str | Path, trust: bool = False) -> None:
        if not isinstance(path, str | os.PathLike) or not str(path):
            raise BadInput(f"the run folder is {path!r}, expected a path")
        self.study: StudyConfig = load_study(path, trust)
        self._folder = RunFolder(path)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._folder.root

    @cached_property
    def pairs(self) -> Pairs:
        """Every pair that is whole, by seed; ``pairs.inverses`` are those of inverted seeds."""
        return Pairs(self.study, self._folder)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that have finished, in order; ``simulate`` is among them when all pairs are whole."""
        done = [
            stage.name
            for stage in STAGES
            if isinstance(stage, FolderStage) and (self.path / stage.folder / DONE_FILE).exists()
        ]
        grown = set(self.study.seeds.all) <= set(self.pairs)
        return ("simulate", *done) if grown else tuple(done)

    @cached_property
    def dataset(self) -> Dataset:
        """The samples of the networks, their index and their split."""
        from weakfield.dataset import open_dataset

        return open_dataset(self._folder)

    @cached_property
    def networks(self) -> dict[str, TrainedNetwork]:
        """The networks that are trained, by name: ``cnn``, and ``cnn_meankept`` where a study keeps the mean too."""
        from weakfield.learning.results import trained_models
        from weakfield.learning.trained import TrainedNetwork

        return {name: TrainedNetwork.load(folder) for name, folder in trained_models(self._folder).items()}

    @property
    def scores(self) -> DataFrame:
        """The scores of every network and baseline.

        There is one row per score. The columns are model, split (validation or test), score, value, and low and high,
        the ends of its 95 % interval over seeds.
        """
        from weakfield.learning.results import scores_table, trained_models

        if not trained_models(self._folder):
            raise BadInput(f"{self.path} has no trained network, expected 'weakfield train {self.path}' to make one")
        return scores_table(self._folder)

    @property
    def audit(self) -> DataFrame:
        """What every control of the audit found, one row each; see ``audit.records.audit_table`` for the columns."""
        from weakfield.audit.records import audit_table

        return audit_table(self._folder)

    @property
    def explain(self) -> Attributions:
        """What the network saw, in cells and in Fourier space: ``to_pandas()`` by shell, ``maps``, ``plot()``."""
        from weakfield.explain.tables import attributions

        return attributions(self._folder)

    @property
    def spectra(self) -> DataFrame:
        """Power spectra and ratios of the pairs, beside theory: the rows of spectra/spectra.csv."""
        return self.table("spectra")

    def table(self, name: str) -> DataFrame:
        """A table of the measure stage: spectra, bispectra, significance, or parity where seeds have inverses."""
        from pandas import read_csv

        if name not in _TABLES:
            raise BadInput(f"the table is '{name}', expected one of {', '.join(_TABLES)}")
        path = self._folder.spectra / _TABLES[name]
        if not path.exists():
            why = "seeds with their inverses ([seeds] inverted = true) and " if name == "parity" else ""
            raise BadInput(f"{path} is missing, expected {why}'weakfield measure {self.path}' to have written it")
        return read_csv(path)

    def linear_potential(self, seed: int, z: float, inverted: bool = False) -> DataArray:
        """phi of linear theory at redshift ``z`` with the initial modes of a seed, dimensionless (z, y, x)."""
        from weakfield.spectra.theory import LinearTheory
        from weakfield.spectra.theory.realised import linear_potential

        simulation = self.study.simulation
        theory = LinearTheory(simulation, self.study.cosmology)
        field = linear_potential(theory, simulation, self._known(seed), z, inverted)
        return self._labelled(field, "linear potential", seed, z)

    def relativity(self, seed: int, z: float) -> DataArray:
        """C1: the second-order prediction of GR - Newton of phi, with the modes of a seed (docs/relativity.md).

        ``pairs[seed].difference(z) - relativity(seed, z)`` is what is left. A seed and its inverse have the same
        prediction.
        """
        from weakfield.mesh import spectral
        from weakfield.spectra.theory import LinearTheory
        from weakfield.spectra.theory.realised import predicted_difference

        simulation = self.study.simulation
        theory = LinearTheory(simulation, self.study.cosmology)
        modes = predicted_difference(theory, simulation, self._known(seed), z)
        return self._labelled(spectral.field_of(modes, simulation.grid), "C1", seed, z)

    def export(
        self, to: str, out: str | Path | None = None, network: str | None = None, licence: str | None = None
    ) -> Path:
        """Write the pairs (npz, npy, zarr, huggingface) or a network (safetensors, onnx) for others, with a card.

        Returns the new folder: ``out``, by default beside the run. See docs/sharing.md.
        """
        from weakfield.sharing import export

        return export(self.study, self._folder, to, out, network, licence)

    def __repr__(self) -> str:
        done = self.stages
        study, box = self.study, self.study.simulation
        made = f"{box.mesh} mesh" if study.classes is None else f"{' and '.join(study.classes.names)}, imported"
        return (
            f"Run '{study.name}': {len(self.pairs)} of {study.seeds.count} pairs, {box.grid}^3 cells in"
            f" {box.box_size_mpch:g} Mpc/h, {made}\n"
            f"  finished: {', '.join(done) if done else 'nothing yet'}\n"
            f"  {self.path}"
        )

    def _known(self, seed: int) -> int:
        if self.study.classes is not None:
            raise BadInput(f"the cubes of {self.path} were imported, expected a run whose initial modes are known")
        if seed not in self.study.seeds.all:
            seeds = self.study.seeds.all
            raise BadInput(f"seed is {seed}, expected one of the study, {seeds[0]} to {seeds[-1]}")
        return seed

    def _labelled(self, field: object, name: str, seed: int, z: float) -> DataArray:
        from torch import Tensor

        from weakfield.formats.labelled import labelled

        assert isinstance(field, Tensor)
        about: dict[str, str | int | float] = {
            "redshift": z,
            "seed": seed,
            "units": "dimensionless",
            "gauge": "poisson",
        }
        return labelled(field, name, self.study.simulation.box_size_mpch, about)


def open(path: str | Path, trust: bool = False) -> Run:
    """A run folder as an object; one that is still growing has what is whole. ``BadInput`` for other folders.

    A run whose study names code of somebody's own (``package.module:NAME``) and that lies outside the working directory
    is refused unless you ``trust`` it: that code runs with your rights.
    """
    return Run(path, trust)
