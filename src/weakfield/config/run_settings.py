"""One simulation, ready to run: all of its settings together, and how its files are named and written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from weakfield.config.cosmology import CosmologySettings
from weakfield.config.lightcone import LightConeSettings
from weakfield.config.settings import Settings
from weakfield.config.simulation import SimulationSettings, Theory
from weakfield.config.species import require_neutrinos_possible

#: output settings that say when the state of a run is kept, not what comes out
CHECKPOINT_SCHEDULE = {"checkpoint_every", "checkpoint_path", "hibernation_redshifts", "hibernation_wallclock_s"}


def _in_folder(value: str) -> str:
    """The first part of file names, which must stay in the folder they are written to."""
    if value in (".", "..") or len(value) > 100 or re.search(r"[/\\\x00-\x1f]", value):
        raise ValueError(f"found {value!r}, expected the first part of a file name, without a folder")
    return value


def _not_empty(value: str) -> str:
    if not value:
        raise ValueError(f"found {value!r}, expected the first part of a file name")
    return value


AnyBase = Annotated[str, AfterValidator(_in_folder)]  # empty too, as the reference program has it by default
FileBase = Annotated[AnyBase, AfterValidator(_not_empty)]


class OutputSettings(Settings):
    """How the files of a run are named and written (the reference program's names, EQUATIONS 10, 11)."""

    generic_base: AnyBase = Field("lcdm", description="first part of the name of the background file")
    snapshot_base: FileBase = Field("snap", description="first part of the names of fields and particles")
    spectra_base: FileBase = Field("pk", description="first part of the names of spectra")
    dtype: Literal["float32", "float64"] = Field("float32", description="number format of the fields on disk")
    compression: Literal["none", "gzip"] = Field("none", description="compression of the fields on disk")
    checkpoint_every: int = Field(0, ge=0, description="cycles between checkpoints of a run; 0: none")
    checkpoint_path: Path | None = Field(None, description="file of the checkpoint; default: beside the outputs")
    hibernation_redshifts: tuple[float, ...] = Field((), max_length=32, description="redshifts of further checkpoints")
    hibernation_wallclock_s: float | None = Field(
        None, gt=0, description="seconds after which a run leaves a checkpoint and stops; started again, it continues"
    )


class RunSettings(Settings):
    """One simulation, ready to run: everything that decides its numbers."""

    theory: Theory
    seed: int = Field(ge=0, lt=2**63)
    inverted: bool = Field(False, description="every mode of the initial conditions times -1")
    cosmology: CosmologySettings = CosmologySettings()
    simulation: SimulationSettings = SimulationSettings()
    output: OutputSettings = OutputSettings()
    lightcone: LightConeSettings = LightConeSettings()

    @model_validator(mode="after")
    def _cones_in_the_box(self) -> Self:
        box = self.simulation
        self.lightcone.require_possible(box.box_size_mpch, box.grid)
        return self

    @model_validator(mode="after")
    def _neutrinos_can_run(self) -> Self:
        require_neutrinos_possible(self.simulation, self.cosmology)
        return self

    @property
    def linear_fluid(self) -> bool:
        """Whether there is a fluid whose perturbations are realised on the mesh."""
        return self.cosmology.has_fluid and self.simulation.linear_fluid

    @property
    def linear_fields(self) -> bool:
        """Whether radiation or a fluid is realised on the mesh."""
        return self.simulation.linear_radiation or self.linear_fluid
