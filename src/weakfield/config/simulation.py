"""Settings of one simulation: box, stepping, theory, initial conditions, output."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from weakfield.base.files import file_hash
from weakfield.config.cosmology import CosmologySettings
from weakfield.config.settings import Settings

Theory = Literal["newton", "gr"]
THEORIES: tuple[Theory, ...] = ("newton", "gr")
FieldName = Literal["phi", "chi", "B", "T00", "hij", "p", "Tij", "rhoN", "psiN"]
SpectrumName = Literal["phi", "chi", "B", "hij", "T00", "delta", "rhoN", "psiN", "deltaN"]

#: lattice cells an edge of each built-in particle template spans when it puts one particle a site
TEMPLATE_CELLS = {"sc0": 4, "sc1": 4, "bcc": 2, "fcc": 2}
#: output settings that say when the state of a run is kept, not what comes out
CHECKPOINT_SCHEDULE = {"checkpoint_every", "checkpoint_path", "hibernation_redshifts", "hibernation_wallclock_s"}
#: settings that say where a simulation runs. Results agree to rounding, as between versions of PyTorch, so that these
#: are no part of the identity of a run; pair.json records them
WHERE = ("device", "deterministic")
#: settings that pairs of earlier versions do not have, and the values with which those were grown
BEFORE = {"mesh": "staggered", "start": "linear", "f_nl": 0.0, "fixed_amplitude": False}
#: transfer providers that follow photons and neutrinos through time
WITH_RADIATION = ("camb", "class")


class SimulationSettings(Settings):
    """How a universe is grown; what both members of a pair share (EQUATIONS sections 2, 3, 7, 11)."""

    grid: int = Field(64, ge=4, description="cells per side of the mesh")
    box_size_mpch: float = Field(1280.0, gt=0, description="comoving box size [Mpc/h]")
    mesh: Literal["spectral", "staggered"] = Field(
        "spectral",
        description="spectral: cubic splines and derivatives in Fourier space, right at second order (EQUATIONS 16.1);"
        " staggered: the reference program's cloud in cell and lattice differences",
    )
    initial_redshift: float = Field(100.0, gt=0, description="redshift of the initial conditions")
    courant_factor: float = Field(48.0, gt=0, description="step limit in cell light-crossing times")
    step_limit_hubble: float = Field(0.06, gt=0, le=1, description="step limit in conformal Hubble times")
    vector_method: Literal["parabolic", "elliptic"] = Field(
        "parabolic", description="equation solved for frame dragging B: in time, or the constraint at each step"
    )
    relaxation_redshift: float | None = Field(
        None, description="below it frame dragging and metric terms move particles; default: the initial redshift"
    )
    second_order_terms: bool = Field(
        True,
        description="second-order source and force terms (EQUATIONS 13.1); on the staggered mesh only, because the"
        " spectral one does not expand its equations",
    )
    phi_integrator: Literal["second-order", "euler"] = Field(
        "second-order",
        description="time integration of phi in GR: EQUATIONS 15, or backward Euler as in the reference program",
    )
    exact_redshifts: bool = Field(
        True,
        description="shorten steps evenly to land on every output; otherwise an output is the first cycle past its"
        " redshift",
    )
    precision: Literal["double", "single"] = Field(
        "double", description="precision of particles and fields during the simulation"
    )

    device: Literal["auto", "cpu", "cuda"] = Field(
        "cpu",
        description="where the simulation runs; auto: a CUDA GPU if one works, else the CPU (environment:"
        " WEAKFIELD_DEVICE)",
    )
    deterministic: bool = Field(
        False,
        description="the same bits in every run on a GPU too, by sums in a fixed order, which is slower; a CPU always"
        " gives them",
    )

    template: Literal["sc0", "sc1", "bcc", "fcc"] = Field("sc1", description="built-in particle template")
    template_file: Path | None = Field(None, description="a Gadget-2 template instead of a built-in one")
    tiling: int | None = Field(
        None,
        ge=1,
        description="copies of the template a side; required with template_file; default: grid / cells of the template",
    )
    correct_displacement: bool = Field(
        True,
        description="undo the smoothing that assigning particles to cells adds to the initial displacement; on the"
        " staggered mesh only",
    )
    k_domain: Literal["sphere", "cube"] = Field(
        "sphere",
        description="modes of the initial conditions: those with k (cube: with each component of k) below (grid/2 -"
        " 1) k_F",
    )
    baryon_treatment: Literal["ignore", "blend", "hybrid"] = Field(
        "blend",
        description="blend: one species with the density-weighted transfer functions of CDM and baryons; hybrid: every"
        " eighth particle follows baryons; ignore: CDM alone",
    )
    noise: Literal["hermitian", "gevolution"] = Field(
        "hermitian", description="gevolution: half the variance on the plane kx = 0, as in the reference program"
    )
    newton_velocities: Literal["nbody", "poisson"] = Field(
        "nbody",
        description="gauge of the initial velocities of the Newtonian run; nbody needs transfer functions over time",
    )
    radiation: bool | None = Field(
        None,
        description="linear photons and neutrinos in both theories (EQUATIONS 9); default: on if the source of"
        " transfer functions has them",
    )
    switch_delta_rad: float = Field(0.0, ge=0, description="redshift below which radiation leaves T00")
    switch_linear_chi: float | None = Field(
        None, description="redshift below which the linear chi is off; default: 0 in GR, 0.011 in Newton"
    )
    transfer: Literal["camb", "class", "eisenstein-hu", "file", "spectrum"] = Field(
        "camb", description="source of transfer functions; spectrum: a file with the power spectrum of matter instead"
    )
    transfer_file: Path | None = Field(
        None,
        description="CLASS-format Newtonian-gauge table, or two columns k [h/Mpc], P [(Mpc/h)^3] in synchronous gauge,"
        " at the initial redshift",
    )
    transfer_nodes: Literal["fine", "class"] = Field(
        "fine", description="wavenumbers of computed tables; class: the coarse ones of CLASS (EQUATIONS 3.2)"
    )

    start: Literal["growing-mode", "linear"] = Field(
        "growing-mode",
        description="growing-mode: initial conditions right at second order in both theories (EQUATIONS 16.3), on the"
        " spectral mesh; linear: linear theory alone; a start from a snapshot ignores it",
    )
    f_nl: float = Field(
        0.0,
        description="local primordial non-Gaussianity in both theories, zeta = zeta_G + 3/5 f_nl (zeta_G^2 - mean);"
        " needs the growing-mode start",
    )
    fixed_amplitude: bool = Field(
        False,
        description="every mode of the initial conditions has the amplitude of the mean power, and a random phase",
    )
    initial_conditions: Literal["linear", "snapshot"] = Field(
        "linear", description="linear theory, or particles and fields read from files at the initial redshift"
    )
    particle_file: Path | None = Field(None, description="particles to start from, HDF5 or Gadget-2")
    metric_files: tuple[Path, ...] = Field((), max_length=3, description="fields to start from: phi, then chi, then B")
    particle_step: float = Field(
        0.0, ge=0, description="length of the step before that snapshot [box]; momenta from HDF5 are half of it early"
    )

    snapshot_redshifts: tuple[float, ...] = Field((10.0, 1.0), max_length=32, description="when fields are written")
    snapshot_fields: tuple[FieldName, ...] = Field(("phi",), description="which fields are written")
    snapshot_particles: bool = Field(False, description="write the particles with the fields")
    snapshot_gadget: bool = Field(False, description="write the particles as Gadget-2 snapshots too")
    tracer_factor: int = Field(1, ge=1, description="write particles whose ID this divides")
    downgrade_factor: int = Field(
        1, ge=1, description="cells a side that are averaged into one cell of the fields written"
    )
    spectra_redshifts: tuple[float, ...] = Field((10.0, 1.0), max_length=32, description="when spectra are written")
    spectra_fields: tuple[SpectrumName, ...] = Field(("phi", "delta"), description="fields whose spectra are written")
    spectra_bins: int = Field(64, ge=1, description="bins of the spectra written during the simulation")

    @property
    def cell_size_mpch(self) -> float:
        return self.box_size_mpch / self.grid

    @property
    def tiling_factor(self) -> int:
        """Copies of the template a side."""
        return self.tiling if self.tiling is not None else self.grid // TEMPLATE_CELLS[self.template]

    def identity(self) -> dict[str, Any]:
        """What decides the results: all settings but ``WHERE``, input files by the hash of their bytes.

        A setting that has its value of ``BEFORE`` is left out, so that pairs of earlier versions are recognised.
        """

        def content(value: Any) -> Any:
            if isinstance(value, Path):
                return file_hash(value) if value.is_file() else str(value)
            return [content(item) for item in value] if isinstance(value, tuple) else value

        values = {name: content(getattr(self, name)) for name in type(self).model_fields if name not in WHERE}
        if self.initial_conditions == "snapshot":
            values["start"] = BEFORE["start"]  # a start from files ignores it
        return {name: value for name, value in values.items() if name not in BEFORE or value != BEFORE[name]}

    def beginning(self, inverted: bool) -> dict[str, str | float | bool]:
        """The mesh of a universe and its start, as its files name them; the start from files is "snapshot"."""
        start = "snapshot" if self.initial_conditions == "snapshot" else self.start
        return {
            "mesh": self.mesh,
            "start": start,
            "f_nl": self.f_nl,
            "inverted": inverted,
            "fixed_amplitude": self.fixed_amplitude,
        }

    @property
    def linear_radiation(self) -> bool:
        """Whether photons and neutrinos are realised on the mesh."""
        return self.transfer in WITH_RADIATION if self.radiation is None else self.radiation

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        cells = TEMPLATE_CELLS[self.template]
        if self.template_file is not None and self.tiling is None:
            raise ValueError("template_file is given without tiling, expected how often to repeat it along a side")
        if self.tiling is None and self.grid % cells:
            raise ValueError(
                f"grid is {self.grid}, expected a multiple of {cells} for the particle template {self.template}"
                " (or give the tiling)"
            )
        if self.transfer in ("file", "spectrum") and self.transfer_file is None:
            raise ValueError(
                f"transfer is '{self.transfer}' but transfer_file is not given, expected the path of a table"
            )
        if self.transfer == "file" and self.newton_velocities == "nbody":
            raise ValueError(
                "newton_velocities is 'nbody' but a transfer file holds one redshift, expected 'poisson'"
                " or another transfer"
            )
        self._check_start()
        self._check_second_order()
        if self.grid % self.downgrade_factor:
            raise ValueError(f"downgrade_factor is {self.downgrade_factor}, expected a divisor of the grid {self.grid}")
        if self.radiation and self.transfer not in WITH_RADIATION:
            raise ValueError(
                f"radiation is true but transfer '{self.transfer}' has none over time, expected one of {WITH_RADIATION}"
            )
        for name in ("snapshot_redshifts", "spectra_redshifts"):
            low = [z for z in getattr(self, name) if z <= -1]
            if low:
                raise ValueError(f"{name} holds {low[0]:g}, expected redshifts above -1")
        return self

    def _check_start(self) -> None:
        """A start without transfer functions at the initial redshift cannot use the constraint made of them."""
        if self.initial_conditions == "linear" and self.transfer != "spectrum":
            return
        if self.initial_conditions == "snapshot" and self.particle_file is None:
            raise ValueError("initial_conditions is 'snapshot' but particle_file is not given, expected a path")
        if self.phi_integrator != "euler":
            start = "a snapshot" if self.initial_conditions == "snapshot" else "a power spectrum"
            raise ValueError(
                f"phi_integrator is '{self.phi_integrator}', expected 'euler' for a start from {start}: the first step"
                " of the other solves the constraint with transfer functions of velocities"
            )

    def _check_second_order(self) -> None:
        """The spectral mesh has one clock; a start at second order needs that mesh and transfer functions over time."""
        if self.mesh == "spectral" and self.phi_integrator != "second-order":
            raise ValueError(
                f"phi_integrator is '{self.phi_integrator}' but mesh is 'spectral', expected 'second-order', or mesh ="
                " 'staggered'"
            )
        growing = self.start == "growing-mode" and self.initial_conditions == "linear"
        if self.f_nl != 0 and not growing:
            start = "a snapshot" if self.initial_conditions == "snapshot" else f"'{self.start}'"
            raise ValueError(f"f_nl is {self.f_nl:g} but the start is {start}, expected start = 'growing-mode'")
        if not growing:
            return
        if self.mesh != "spectral":
            raise ValueError(
                f"start is 'growing-mode' but mesh is '{self.mesh}', expected mesh = 'spectral', or start = 'linear'"
            )
        if self.transfer in ("file", "spectrum"):
            raise ValueError(
                f"start is 'growing-mode' but transfer is '{self.transfer}', which holds one redshift, expected start ="
                " 'linear' or another transfer"
            )
        if self.transfer in WITH_RADIATION and not self.linear_radiation:
            raise ValueError(
                f"start is 'growing-mode' and radiation is false but transfer '{self.transfer}' has radiation, which"
                " the start would mistake for matter, expected radiation = true, start = 'linear' or transfer ="
                " 'eisenstein-hu'"
            )


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
