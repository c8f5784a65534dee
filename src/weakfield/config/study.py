"""Settings of a whole study: pairs, measurement, data set, training, audit, explanation, report."""

from __future__ import annotations

from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Literal, Self

import tomli_w
from pydantic import Field, model_validator

from weakfield.base.errors import BadInput, nearest
from weakfield.config.cosmology import CosmologySettings
from weakfield.config.settings import Settings, read_toml
from weakfield.config.simulation import OutputSettings, RunSettings, SimulationSettings, Theory


class SeedSettings(Settings):
    """Which universes are grown: ``count`` consecutive seeds from ``first``, each under both theories."""

    first: int = Field(1, ge=0, description="seed of the first pair")
    count: int = Field(48, ge=1, description="number of pairs")

    @property
    def all(self) -> tuple[int, ...]:
        return tuple(range(self.first, self.first + self.count))


class MeasureSettings(Settings):
    """Spectra and bispectra of the potential of both theories and of their difference, beside theory."""

    redshift: float = Field(1.0, description="output whose slices and spectra are shown first")
    bins: int | None = Field(None, ge=2, description="linear bins up to the Nyquist wavenumber; default: one k_F wide")
    bispectrum: bool = Field(True, description="measure bispectra too; at 256 cells a side it takes seconds a cube")
    bispectrum_width: int | None = Field(
        None, ge=1, description="width of the shells of the bispectrum [k_F]; default: grid / 32, rounded up"
    )
    bispectrum_reach: float = Field(
        2 / 3, gt=0, le=1, description="largest wavenumber of the bispectrum over the Nyquist wavenumber"
    )
    nonlinear: Literal["hmcode", "halofit", "none"] = Field(
        "hmcode", description="non-linear spectrum shown beside the measured ones, from CAMB"
    )


class DatasetSettings(Settings):
    """What a sample is, and how seeds are split."""

    sample: Literal["difference", "raw"] = Field(
        "difference", description="growth-scaled difference of two redshifts, or phi at the lower one"
    )
    redshifts: tuple[float, float] = Field((10.0, 1.0), description="earlier and later output redshift")
    keep_mean: bool = Field(
        False, description="the main network sees cubes with their mean; it is cnn_meankept, and cnn stands beside it"
    )
    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="train, validation, test shares of the seeds"
    )
    split_seed: int = Field(0, ge=0, description="which seeds fall into which part")
    train: tuple[int, int] | None = Field(
        None, description="first and last seed of the part, instead of fractions and split_seed; all three or none"
    )
    validation: tuple[int, int] | None = Field(None, description="first and last seed of the part")
    test: tuple[int, int] | None = Field(None, description="first and last seed of the part")

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """First and last seed of each part that is given by them."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: ends for name, ends in parts.items() if ends is not None}

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        missing = {"train", "validation", "test"} - set(self.ranges)
        if self.ranges and missing:
            raise ValueError(f"{min(missing)} is not given, expected first and last seed of all three parts or of none")
        for name, (first, last) in self.ranges.items():
            if first > last:
                raise ValueError(f"{name} is [{first}, {last}], expected the first seed and then the last")
        for (name, one), (other, two) in combinations(self.ranges.items(), 2):
            if one[0] <= two[1] and two[0] <= one[1]:
                raise ValueError(f"{name} is {list(one)} and {other} is {list(two)}, expected parts that share no seed")
        return self

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError(f"fractions are {self.fractions}, expected three positive shares that sum to 1")
        if self.redshifts[0] <= self.redshifts[1]:
            raise ValueError(f"redshifts are {self.redshifts}, expected the earlier (higher) one first")
        return self


class TrainingSettings(Settings):
    """A 3-D convolutional network and how it is trained."""

    network: str = Field("cnn3d", description="a name of weakfield.learning.networks")
    channels: int = Field(8, ge=1, description="channels of the first block, doubled by each next one")
    blocks: int = Field(3, ge=1, description="pairs of convolutions, each halving the grid")
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share dropped before the last layer; it hides what differs in twins"
    )
    epochs: int = Field(40, ge=1, description="passes over the training part; the best by validation is kept")
    batch_pairs: int = Field(4, ge=1, description="pairs a batch; each brings both of its cubes")
    learning_rate: float = Field(2e-3, gt=0, description="of AdamW")
    weight_decay: float = Field(1e-2, ge=0, description="of AdamW")
    warmup: float = Field(0.1, gt=0, lt=1, description="share of the training in which the learning rate rises")
    gradient_clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    augment: bool = Field(
        True, description="random periodic shifts, reflections and axis permutations, alike for a pair"
    )
    seed: int = Field(0, ge=0, description="of initial weights, order and augmentation")
    mean_kept_too: bool = Field(True, description="train the same network also on cubes whose mean is kept")


class AuditSettings(Settings):
    """Controls that could explain a result away."""

    controls: tuple[str, ...] = Field(
        ("labels_shuffled", "monopole_only", "monopole_removed", "newton_newton", "log_pk_baseline"),
        description="names of weakfield.audit.controls",
    )
    epochs: int | None = Field(None, ge=1, description="epochs of each retraining; default: those of the training")
    bootstrap: int = Field(2000, ge=100, description="bootstrap resamples over seeds")


class ExplainSettings(Settings):
    """Saliency of one test pair."""

    pair: int = Field(0, ge=0, description="which test pair, in the order of the data set")


class StudyConfig(Settings):
    """A study, resolved: one file holds all of it and the run folder keeps a copy."""

    name: str = Field("study", pattern=r"^[A-Za-z0-9_.-]+$", description="names the run folder and the page")
    seeds: SeedSettings = SeedSettings()
    cosmology: CosmologySettings = CosmologySettings()
    simulation: SimulationSettings = SimulationSettings()
    output: OutputSettings = OutputSettings()
    measure: MeasureSettings = MeasureSettings()
    dataset: DatasetSettings = DatasetSettings()
    training: TrainingSettings = TrainingSettings()
    audit: AuditSettings = AuditSettings()
    explain: ExplainSettings = ExplainSettings()

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        outputs, z_in = self.simulation.snapshot_redshifts, self.simulation.initial_redshift
        for key in ("snapshot_redshifts", "spectra_redshifts"):
            for z in getattr(self.simulation, key):
                if not 0 <= z <= z_in:
                    raise ValueError(
                        f"simulation.{key} holds {z:g}, expected redshifts from 0 to initial_redshift = {z_in:g}"
                    )
        for z in (*self.dataset.redshifts, self.measure.redshift):
            if z not in outputs:
                raise ValueError(
                    f"redshift {z:g} is used by a later stage but simulation.snapshot_redshifts is {outputs}"
                )
        grid, tiling = self.simulation.grid, self.simulation.tiling_factor
        if grid % tiling:
            raise ValueError(f"simulation.grid is {grid}, expected a multiple of simulation.tiling = {tiling}")
        seeds = self.seeds.all
        for name, (first, last) in self.dataset.ranges.items():
            if first < seeds[0] or last > seeds[-1]:
                raise ValueError(
                    f"dataset.{name} is [{first}, {last}], expected seeds of the study, {seeds[0]} to {seeds[-1]}"
                )
        if "phi" not in self.simulation.snapshot_fields:
            raise ValueError("simulation.snapshot_fields lacks 'phi', expected it: every later stage reads it")
        return self

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read and validate a study; file names in it are relative to its folder."""
        path = Path(path)
        study = cls.from_mapping(read_toml(path), str(path))
        return study._beside(path.parent)

    @classmethod
    def preset(cls, name: str) -> Self:
        """A study shipped with the package (``weakfield presets`` lists them)."""
        if name not in preset_names():
            raise BadInput(
                f"'{name}' is neither a preset ({', '.join(preset_names())}) nor a file" + nearest(name, preset_names())
            )
        with resources.as_file(resources.files(__package__) / "presets" / f"{name}.toml") as path:
            return cls.from_toml(path)

    def to_toml(self) -> str:
        """The resolved study as TOML; reading it back gives an equal study."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))

    def resized(self, grid: int | None = None, pairs: int | None = None) -> Self:
        """The same study with another grid (the cells keep their size, so the box shrinks with it) or number of pairs.

        The name tells: ``demo`` with 16 cells and 6 pairs becomes ``demo-grid16-pairs6``. Parts of the data set given
        by their seeds are given by ``fractions`` again when there are too few pairs for them.
        """
        values, name = self.model_dump(), self.name
        if grid is not None:
            box = self.simulation
            cells = box.grid // box.tiling_factor
            if box.tiling is not None and grid % cells:
                raise BadInput(f"grid is {grid}, expected a multiple of the {cells} cells that a template spans")
            tiling = None if box.tiling is None else grid // cells
            values["simulation"] |= {"grid": grid, "box_size_mpch": box.cell_size_mpch * grid, "tiling": tiling}
            name += f"-grid{grid}"
        if pairs is not None:
            values["seeds"]["count"] = pairs
            if any(last >= self.seeds.first + pairs for _, last in self.dataset.ranges.values()):
                values["dataset"] |= {"train": None, "validation": None, "test": None}
            name += f"-pairs{pairs}"
        return self.from_mapping(values | {"name": name}, self.name)

    def run_settings(self, theory: Theory, seed: int) -> RunSettings:
        """One member of a pair: what differs between the two is the theory alone."""
        return RunSettings(
            theory=theory, seed=seed, cosmology=self.cosmology, simulation=self.simulation, output=self.output
        )

    def _beside(self, folder: Path) -> Self:
        """The same study with the paths in it made absolute."""
        update: dict[str, object] = {
            key: (folder / value).resolve()
            for key in ("transfer_file", "template_file", "particle_file")
            if (value := getattr(self.simulation, key)) is not None
        }
        if self.simulation.metric_files:
            update["metric_files"] = tuple((folder / path).resolve() for path in self.simulation.metric_files)
        return self.model_copy(update={"simulation": self.simulation.model_copy(update=update)}) if update else self


def preset_names() -> list[str]:
    """Names of the studies shipped with the package."""
    folder = resources.files(__package__) / "presets"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
