"""Settings of one simulation: box, stepping, theory, initial conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from weakfield.base.files import file_hash
from weakfield.config.settings import Settings

Theory = Literal["newton", "gr"]
THEORIES: tuple[Theory, ...] = ("newton", "gr")
Template = Literal["sc0", "sc1", "bcc", "fcc"]
FieldName = Literal["phi", "chi", "B", "T00", "hij", "p", "Tij", "rhoN", "psiN", "v"]
SpectrumName = Literal["phi", "chi", "B", "hij", "T00", "delta", "rhoN", "psiN", "deltaN", "v"]

#: lattice cells an edge of each built-in particle template spans when it puts one particle a site
TEMPLATE_CELLS = {"sc0": 4, "sc1": 4, "bcc": 2, "fcc": 2}
#: Mpc/h; no transfer function reaches below
_SMALLEST_BOX = 0.01
#: settings that say where a simulation runs. Results agree to rounding, as between versions of PyTorch, so that these
#: are no part of the identity of a run; pair.json records them
WHERE = ("device", "deterministic")
#: settings that pairs of earlier versions do not have, and the values with which those were grown
BEFORE: dict[str, Any] = {
    "mesh": "staggered",
    "start": "linear",
    "f_nl": 0.0,
    "fixed_amplitude": False,
    "gadget_files": 0,
    "restart_cycle": None,
    "restart_tau": None,
    "species_templates": [],
    "species_tilings": [],
    "species_tracer_factors": [],
    "switch_delta_ncdm": [],
    "switch_b_ncdm": [],
    "move_limit": None,
    "cross_spectra": False,
    "reference_faults": False,
    "fluid": None,
    "fluid_density": "exact",
    "linear_transfer": "camb",
}
#: the step limit of the staggered mesh, unless one is given
_STAGGERED_STEP = 0.06
#: transfer providers that follow photons and neutrinos through time
WITH_RADIATION = ("camb", "class")


class SimulationSettings(Settings):
    """How a universe is grown; what both members of a pair share (EQUATIONS sections 2, 3, 7, 11)."""

    grid: int = Field(64, ge=4, le=65536, description="cells per side of the mesh")
    box_size_mpch: float = Field(1280.0, gt=0, le=1e6, description="comoving box size, from 0.01 [Mpc/h]")
    mesh: Literal["spectral", "staggered"] = Field(
        "spectral",
        description="spectral: cubic splines and derivatives in Fourier space, right at second order (EQUATIONS 16.1);"
        " staggered: the reference program's cloud in cell and lattice differences",
    )
    initial_redshift: float = Field(100.0, gt=0, le=1e6, description="redshift of the initial conditions")
    courant_factor: float = Field(48.0, gt=0, description="step limit in cell light-crossing times")
    step_limit_hubble: float = Field(
        0.2,
        gt=0,
        le=1,
        description="step limit in conformal Hubble times; default on the staggered mesh, whose steps are exact for"
        " nothing: 0.06",
    )
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
        le=65536,
        description="copies of the template a side; required with template_file; default: grid / cells of the template",
    )
    species_templates: tuple[Template | Path, ...] = Field(
        (),
        max_length=5,
        description="templates of the species after cold dark matter, built in or Gadget-2 files; the last is repeated;"
        " default: that of cold dark matter",
    )
    species_tilings: tuple[Annotated[int, Field(ge=0, le=65536)], ...] = Field(
        (),
        max_length=5,
        description="their copies a side, likewise; 0: no particles, of massive neutrinos only, which is the default on"
        " the spectral mesh",
    )
    species_tracer_factors: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (), max_length=5, description="their tracer factors, likewise; 0: no Gadget-2 files of that species"
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
    baryon_treatment: Literal["ignore", "blend", "hybrid", "sample"] = Field(
        "blend",
        description="blend: one species with the density-weighted transfer functions of CDM and baryons; hybrid: every"
        " eighth particle follows baryons; ignore: CDM alone; sample: baryons are a species too (EQUATIONS 17)",
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
    fluid: bool | None = Field(
        None,
        description="linear perturbations of a fluid of dark energy in both theories (EQUATIONS 20), if the"
        " cosmology has one; default: on if the source of transfer functions has them",
    )
    fluid_density: Literal["exact", "gevolution"] = Field(
        "exact", description="gevolution: the density of the fluid that its perturbations have leaves out wa_fld"
    )
    switch_delta_rad: float = Field(0.0, ge=0, description="redshift below which radiation leaves T00")
    switch_linear_chi: float | None = Field(
        None, description="redshift below which the linear chi is off; default: 0 in GR, 0.011 in Newton"
    )
    switch_delta_ncdm: tuple[float, ...] = Field(
        (),
        max_length=4,
        description="redshifts below which particles of massive neutrinos are part of T00, by species; the last is"
        " repeated; default: the initial redshift, or 0 without particles",
    )
    switch_b_ncdm: tuple[float, ...] = Field(
        (),
        max_length=4,
        description="the same for the momentum that B follows with vector_method = 'elliptic'; default: those of T00",
    )
    move_limit: float | None = Field(
        None, gt=0, description="cells that a neutrino moves at most in a sub-step; default: grid - 1"
    )
    transfer: Literal["camb", "class", "eisenstein-hu", "file", "spectrum"] = Field(
        "camb", description="source of transfer functions; spectrum: a file with the power spectrum of matter instead"
    )
    transfer_file: Path | None = Field(
        None,
        description="CLASS-format Newtonian-gauge table, or two columns k [h/Mpc], P [(Mpc/h)^3] in synchronous gauge,"
        " at the initial redshift",
    )
    linear_transfer: Literal["camb", "class"] = Field(
        "camb", description="source of linear radiation and of the fluid, if they act and transfer is a file"
    )
    transfer_nodes: Literal["fine", "class"] = Field(
        "fine",
        description="wavenumbers and times of computed tables; class: the coarse ones of CLASS (EQUATIONS 3.2)",
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
    restart_cycle: int | None = Field(
        None,
        ge=0,
        description="the snapshot is what a run left after this cycle, which goes on from there; metric_files are then"
        " phi, chi and B, in Newton B alone",
    )
    restart_tau: float | None = Field(
        None, gt=0, description="conformal time of that snapshot [box]; default: by the integral over a"
    )

    snapshot_redshifts: tuple[float, ...] = Field((10.0, 1.0), max_length=32, description="when fields are written")
    snapshot_fields: tuple[FieldName, ...] = Field(("phi",), description="which fields are written")
    snapshot_particles: bool = Field(False, description="write the particles with the fields")
    snapshot_gadget: bool = Field(False, description="write the particles as Gadget-2 snapshots too")
    gadget_files: int = Field(
        0,
        ge=0,
        description="files of a Gadget-2 snapshot, numbered from 0, each of a slab of the box in y; 0: one without a"
        " number",
    )
    tracer_factor: int = Field(1, ge=1, description="write particles whose ID this divides")
    downgrade_factor: int = Field(
        1, ge=1, description="cells a side that are averaged into one cell of the fields written"
    )
    spectra_redshifts: tuple[float, ...] = Field((10.0, 1.0), max_length=32, description="when spectra are written")
    spectra_fields: tuple[SpectrumName, ...] = Field(("phi", "delta"), description="fields whose spectra are written")
    cross_spectra: bool = Field(
        False, description="spectra across species too, where those of several species are written (EQUATIONS 22)"
    )
    reference_faults: bool = Field(
        False,
        description="repeat faults of the reference program on the staggered mesh: spectra of psiN too small by grid^6",
    )
    spectra_bins: int = Field(64, ge=1, le=100_000, description="bins of the spectra written during the simulation")

    @property
    def cell_size_mpch(self) -> float:
        return self.box_size_mpch / self.grid

    @property
    def tiling_factor(self) -> int:
        """Copies of the template a side."""
        return self.tiling if self.tiling is not None else self.grid // TEMPLATE_CELLS[self.template]

    def template_of(self, species: int) -> str | Path:
        """The template of a species, counted from 0 for cold dark matter."""
        if species == 0 or not self.species_templates:
            return self.template if self.template_file is None else self.template_file
        return self.species_templates[min(species, len(self.species_templates)) - 1]

    def tiling_of(self, species: int) -> int:
        """Its copies a side; 0 for a species without particles."""
        if species == 0 or not self.species_tilings:
            return 0 if species and self.mesh == "spectral" else self.tiling_factor
        return self.species_tilings[min(species, len(self.species_tilings)) - 1]

    def tracer_factor_of(self, species: int) -> int:
        """Its tracer factor; 0 for a species without Gadget-2 files."""
        if species == 0 or not self.species_tracer_factors:
            return self.tracer_factor
        return self.species_tracer_factors[min(species, len(self.species_tracer_factors)) - 1]

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

    @property
    def linear_fluid(self) -> bool:
        """Whether the perturbations of a fluid, if there is one, are realised on the mesh."""
        return self.transfer in WITH_RADIATION if self.fluid is None else self.fluid

    @model_validator(mode="before")
    @classmethod
    def _steps_of_the_mesh(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("mesh") == "staggered":
            return {"step_limit_hubble": _STAGGERED_STEP, **values}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        cells = TEMPLATE_CELLS[self.template]
        if self.box_size_mpch < _SMALLEST_BOX:
            raise ValueError(f"box_size_mpch is {self.box_size_mpch:g}, expected at least {_SMALLEST_BOX:g} Mpc/h")
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
        self._check_species()
        if self.grid % self.downgrade_factor:
            raise ValueError(f"downgrade_factor is {self.downgrade_factor}, expected a divisor of the grid {self.grid}")
        if self.mesh == "spectral" and "v" in (*self.snapshot_fields, *self.spectra_fields):
            raise ValueError("outputs ask for 'v', expected it with mesh = 'staggered' alone")
        if self.gadget_files > self.grid:
            raise ValueError(f"gadget_files is {self.gadget_files}, expected at most one for each of {self.grid} cells")
        self._check_linear_fields()
        for name in ("snapshot_redshifts", "spectra_redshifts"):
            low = [z for z in getattr(self, name) if z <= -1]
            if low:
                raise ValueError(f"{name} holds {low[0]:g}, expected redshifts above -1")
        return self

    def _check_linear_fields(self) -> None:
        """They need transfer functions over time; beside a start from a file, ``linear_transfer`` has these."""
        for name in ("radiation", "fluid"):
            if not getattr(self, name) or self.transfer in WITH_RADIATION:
                continue
            if self.transfer != "file":
                raise ValueError(
                    f"{name} is true but transfer '{self.transfer}' has none over time, expected one of"
                    f" {WITH_RADIATION}, or 'file' beside linear_transfer"
                )
            if self.mesh != "staggered":
                raise ValueError(
                    f"{name} is true and transfer is 'file' but mesh is '{self.mesh}', whose clock needs one source for"
                    f" the start and for linear fields, expected mesh = 'staggered' or transfer one of {WITH_RADIATION}"
                )

    def _check_start(self) -> None:
        """A start without transfer functions at the initial redshift cannot use the constraint made of them."""
        if self.initial_conditions == "linear" and self.transfer != "spectrum":
            return
        if self.initial_conditions == "snapshot" and self.particle_file is None:
            raise ValueError("initial_conditions is 'snapshot' but particle_file is not given, expected a path")
        if self.restart_cycle is not None and self.particle_step == 0.0:
            raise ValueError("restart_cycle is given but particle_step is 0, expected the step before the snapshot")
        if self.phi_integrator != "euler":
            start = "a snapshot" if self.initial_conditions == "snapshot" else "a power spectrum"
            raise ValueError(
                f"phi_integrator is '{self.phi_integrator}', expected 'euler' for a start from {start}: the first step"
                " of the other solves the constraint with transfer functions of velocities"
            )

    def _check_species(self) -> None:
        """Baryons of their own need the staggered mesh and transfer functions of both kinds of matter."""
        if self.baryon_treatment != "sample":
            return
        if self.mesh != "staggered":
            raise ValueError("baryon_treatment is 'sample' but mesh is 'spectral', expected mesh = 'staggered'")
        if self.initial_conditions == "snapshot" or self.transfer == "spectrum":
            start = "a snapshot" if self.initial_conditions == "snapshot" else "a power spectrum"
            raise ValueError(
                f"baryon_treatment is 'sample' but the start is from {start}, which has one species, expected another"
                " treatment"
            )
        if self.tiling_of(1) == 0:
            raise ValueError("species_tilings begins with 0, expected at least 1 for sampled baryons")

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
