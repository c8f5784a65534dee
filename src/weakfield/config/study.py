"""Settings of a whole study: pairs, measurement, data set, training, audit, explanation, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Literal, Self

import tomli_w
from pydantic import Field, model_validator

from weakfield.base.errors import BadInput, nearest
from weakfield.base.plugins import is_plugin
from weakfield.config.audit import AuditSettings
from weakfield.config.campaign import CampaignSettings
from weakfield.config.classes import ClassSettings
from weakfield.config.cosmology import CosmologySettings
from weakfield.config.dataset import DatasetSettings
from weakfield.config.explain import ExplainSettings
from weakfield.config.layout import Draw, Inverse, seed_of
from weakfield.config.lightcone import LightConeSettings
from weakfield.config.run_settings import OutputSettings, RunSettings
from weakfield.config.search import SearchSettings
from weakfield.config.settings import Settings, read_toml
from weakfield.config.simulation import BEFORE, SimulationSettings, Theory
from weakfield.config.species import require_neutrinos_possible
from weakfield.config.training import EvaluationSettings, TrainingSettings


class SeedSettings(Settings):
    """Which universes are grown: ``count`` consecutive seeds from ``first``, each under both theories."""

    first: int = Field(1, ge=0, lt=2**62, description="seed of the first pair")
    count: int = Field(48, ge=1, le=1_000_000, description="number of pairs")
    inverted: bool = Field(
        False,
        description="grow the inverse of each seed too, with every initial mode times -1. A seed still counts once,"
        " and its inverse is used by measure alone (even and odd part of GR - Newton); the data set,"
        " networks, audit and explanation use the seeds themselves",
    )

    @property
    def all(self) -> tuple[int, ...]:
        return tuple(range(self.first, self.first + self.count))

    @property
    def draws(self) -> tuple[Draw, ...]:
        """What pairs are grown from: every seed, and after each its inverse if the study has inverses."""
        return self.draws_of(self.all)

    def draws_of(self, seeds: Iterable[int]) -> tuple[Draw, ...]:
        """The same for some of the seeds only."""
        if not self.inverted:
            return tuple(seeds)
        return tuple(draw for seed in seeds for draw in (seed, Inverse(seed)))


class MeasureSettings(Settings):
    """Spectra and bispectra of the potential of both theories and of their difference, beside theory."""

    redshift: float = Field(1.0, description="output redshift whose slices and spectra are shown first")
    bins: int | None = Field(
        None, ge=2, le=100_000, description="linear bins up to the Nyquist wavenumber; default: one k_F wide"
    )
    bispectrum: bool = Field(True, description="measure bispectra too; a cube of 256 cells a side takes seconds")
    bispectrum_width: int | None = Field(
        None, ge=1, description="width of the shells of the bispectrum [k_F]; default: grid / 32, rounded up"
    )
    bispectrum_reach: float = Field(
        2 / 3, gt=0, le=1, description="largest wavenumber of the bispectrum over the Nyquist wavenumber"
    )
    nonlinear: Literal["hmcode", "halofit", "none"] = Field(
        "hmcode", description="non-linear spectrum from CAMB that is shown beside the measured ones"
    )


class StudyConfig(Settings):
    """A study, resolved: one file holds all of it and the run folder keeps a copy."""

    name: str = Field(
        "study",
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$",
        max_length=100,
        description="names the run folder and the page",
    )
    seeds: SeedSettings = SeedSettings()
    classes: ClassSettings | None = Field(
        None, description="two classes of cubes imported from arrays ('weakfield import --arrays' writes this table)"
    )
    cosmology: CosmologySettings = CosmologySettings()
    simulation: SimulationSettings = SimulationSettings()
    output: OutputSettings = OutputSettings()
    lightcone: LightConeSettings = LightConeSettings()
    measure: MeasureSettings = MeasureSettings()
    dataset: DatasetSettings = DatasetSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    search: SearchSettings = SearchSettings()
    audit: AuditSettings = AuditSettings()
    explain: ExplainSettings = ExplainSettings()
    campaign: CampaignSettings = CampaignSettings()

    @property
    def paired(self) -> bool:
        """Whether the two cubes of a seed belong together: always, but for unpaired sets of imported cubes."""
        return self.classes is None or self.classes.paired

    @property
    def wording(self) -> Callable[[str], str] | None:
        """What puts a text about Newton and GR into the words of the study's own classes, if it has some."""
        return None if self.classes is None else self.classes.said

    @property
    def plugins(self) -> dict[str, str]:
        """Code of the user's own that stages of this study run, by the key that names it."""
        lists: dict[str, Iterable[object]] = {
            "dataset.transforms": self.dataset.plugins,
            "audit.controls": self.audit.controls,
            "audit.full_controls": self.audit.full_controls,
            "explain.methods": self.explain.methods,
            "explain.trust_methods": self.explain.trust_methods,
        }
        for key, choices in self.search.space.items():
            if key in ("network", "loss", "optimiser", "schedule") and isinstance(choices, tuple):
                lists[f"search.space.{key}"] = choices
        found = {f"training.{key}": name for key, name in self.training.plugins.items()}
        return found | {
            key: ", ".join(own)
            for key, names in lists.items()
            if (own := [name for name in names if isinstance(name, str) and is_plugin(name)])
        }

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        require_neutrinos_possible(self.simulation, self.cosmology)
        if self.cosmology.a_s == 0:
            raise ValueError("cosmology.a_s is 0, expected above 0: every later stage divides by what has grown")
        outputs, z_in = self.simulation.snapshot_redshifts, self.simulation.initial_redshift
        for key in ("snapshot_redshifts", "spectra_redshifts"):
            for z in getattr(self.simulation, key):
                if not 0 <= z <= z_in:
                    raise ValueError(
                        f"simulation.{key} holds {z:g}, expected redshifts from 0 to initial_redshift = {z_in:g}"
                    )
        for z in (*self.dataset.gathered_redshifts, self.measure.redshift):
            if z not in outputs:
                raise ValueError(
                    f"redshift {z:g} is used by a later stage but simulation.snapshot_redshifts is {outputs}"
                )
        if len(set(self.dataset.redshifts)) == 1 and len(set(outputs)) > 1:
            raise ValueError(
                f"dataset.redshifts are {self.dataset.redshifts}, expected the earlier (higher) one first, then another"
            )
        self.lightcone.require_possible(self.simulation.box_size_mpch, self.simulation.grid)
        grid, tiling = self.simulation.grid, self.simulation.tiling_factor
        if grid % tiling:
            raise ValueError(f"simulation.grid is {grid}, expected a multiple of simulation.tiling = {tiling}")
        seeds = self.seeds.all
        for name, (first, last) in self.dataset.ranges.items():
            if first < seeds[0] or last > seeds[-1]:
                raise ValueError(
                    f"dataset.{name} is [{first}, {last}], expected seeds of the study, {seeds[0]} to {seeds[-1]}"
                )
        if self.classes is not None:
            self._imported()
        if self.seeds.inverted and self.simulation.initial_conditions == "snapshot":
            raise ValueError(
                "seeds.inverted is true but simulation.initial_conditions is 'snapshot', expected 'linear': what is"
                " read from files has no inverse"
            )
        if "phi" not in self.simulation.snapshot_fields:
            raise ValueError("simulation.snapshot_fields lacks 'phi', expected it: every later stage reads it")
        return self

    def _imported(self) -> None:
        """What imported cubes of one output do not have."""
        if self.seeds.inverted:
            raise ValueError("seeds.inverted is true but the cubes are imported, expected false: they have no inverses")
        if not self.paired and self.training.loss == "pair":
            raise ValueError("training.loss is 'pair' but classes.paired is false, expected a loss of single cubes")

    def __repr__(self) -> str:
        """What is studied, on what mesh, and when fields are kept, in three lines; ``to_toml`` has every setting."""
        box, seeds = self.simulation, self.seeds
        inverses = ", each with its inverse" if seeds.inverted else ""
        outputs = ", ".join(f"{z:g}" for z in sorted(box.snapshot_redshifts, reverse=True))
        if self.classes is not None:
            first, second = self.classes.names
            return (
                f"StudyConfig '{self.name}': {seeds.count} cubes each of {first} and {second},"
                f" {'paired' if self.paired else 'unpaired'}\n"
                f"  {box.grid}^3 cells of {box.cell_size_mpch:g} Mpc/h, {self.classes.quantity} at z = {outputs}"
            )
        return (
            f"StudyConfig '{self.name}': {seeds.count} pairs, seeds {seeds.all[0]} to {seeds.all[-1]}{inverses}\n"
            f"  {box.grid}^3 cells of {box.cell_size_mpch:g} Mpc/h, {box.mesh} mesh, {box.start} start\n"
            f"  from z = {box.initial_redshift:g}, fields kept at z = {outputs}"
        )

    __str__ = __repr__

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read and validate a study; file names in it are relative to its folder.

        The study.toml of a run folder says how its pairs were grown: a key that it lacks has the value of ``BEFORE``,
        whatever the default is by now. In any other file an absent key means the default.
        """
        path = Path(path)
        values = read_toml(path)
        if _of_a_run(path) and isinstance(values.setdefault("simulation", {}), dict):
            values["simulation"] = BEFORE | values["simulation"]
        study = cls.from_mapping(values, str(path))
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

    def run_settings(self, theory: Theory, draw: Draw) -> RunSettings:
        """One member of a pair: what differs between the two is the theory alone."""
        return RunSettings(
            theory=theory,
            seed=seed_of(draw),
            inverted=isinstance(draw, Inverse),
            cosmology=self.cosmology,
            simulation=self.simulation,
            output=self.output,
            lightcone=self.lightcone,
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


def _of_a_run(path: Path) -> bool:
    """Whether a file is the record a run folder keeps of its study, rather than one that a person wrote."""
    return path.name == "study.toml" and any((path.parent / name).exists() for name in ("provenance.json", "pairs"))


def preset_names() -> list[str]:
    """Names of the studies shipped with the package."""
    folder = resources.files(__package__) / "presets"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
