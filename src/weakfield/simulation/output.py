"""Snapshots, spectra and the background file, written when they are due (EQUATIONS 2, 7, 10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from weakfield._version import __version__
from weakfield.base.errors import WeakfieldError
from weakfield.base.files import write_text
from weakfield.base.memory import return_freed_memory
from weakfield.config import RunSettings
from weakfield.formats import GadgetSnapshot, save_field, save_gadget, save_gadget_files, save_particles
from weakfield.formats.background_text import append_background, cut_background, format_background_line
from weakfield.formats.spectra_text import SpectrumTable, parse_spectrum, write_spectrum_text
from weakfield.fourier.reference_spectrum import reference_shells
from weakfield.simulation.clock import Clock
from weakfield.simulation.lightcone import LightCones
from weakfield.simulation.snapshots import coarsened, gadget_parts, gadget_snapshot, snapshot_field, stored_particles
from weakfield.simulation.species import Species
from weakfield.simulation.spectra_written import spectrum_tables
from weakfield.simulation.universe import Universe
from weakfield.simulation.writer import DirectWriter, Writer

UNITS = dict.fromkeys(("phi", "chi", "B", "hij", "psiN"), "dimensionless") | {"v": "c"}


#: how many lines of the background file may wait on a GPU, which would have to stop for each of them
_LINES = 16


class BackgroundLine(NamedTuple):
    """One line of the background file; the last three values may still lie on a GPU."""

    cycle: int
    tau: float
    a: float
    hubble: float
    phi_mean: Tensor | float
    t00_mean: Tensor | float
    finite: Tensor | float  # ``Universe.sample``


def beginning_attributes(run: RunSettings) -> dict[str, str | int]:
    """What the files of fields state about the mesh and the start, as HDF5 attributes."""
    known = run.simulation.beginning(run.inverted)
    return {"mesh": str(known["mesh"]), "start": str(known["start"]), "inverted": int(known["inverted"])}


def field_attributes(run: RunSettings, clock: Clock, name: str) -> dict[str, str | int | float]:
    """What the file of a field states about it."""
    return {
        "redshift": clock.redshift,
        "scale_factor": clock.a,
        "box_size_mpch": run.simulation.box_size_mpch,
        "theory": run.theory,
        "seed": run.seed,
        **beginning_attributes(run),
        "units": UNITS.get(name, "critical density today"),
        "software_version": __version__,
    }


def _passed_before(run: RunSettings, redshifts: list[float]) -> int:
    """How many outputs a run has passed where it goes on; none if it begins."""
    settings = run.simulation
    a = 1.0 / (1.0 + settings.initial_redshift)
    return 0 if settings.restart_cycle is None else sum(1.0 / a < z + 1.0 for z in redshifts)


def needs_diagnostics(run: RunSettings) -> bool:
    """Whether an output needs chi or B, which a Newtonian run would not solve for otherwise."""
    cones = (name for cone in run.lightcone.cones for name in cone.outputs)
    return bool({*run.simulation.snapshot_fields, *run.simulation.spectra_fields, *cones} & {"chi", "B", "hij", "v"})


class Outputs:
    """What a run has to write, and what it has written."""

    def __init__(self, run: RunSettings, folder: Path, writer: Writer | None = None) -> None:
        self.run = run
        self._writer: Writer = writer or DirectWriter()
        self._lines: list[BackgroundLine] = []
        self.folder = folder
        self.paths: list[Path] = []
        self._snapshots = sorted(run.simulation.snapshot_redshifts, reverse=True)
        self._spectra = sorted(run.simulation.spectra_redshifts, reverse=True)
        self._passed_before = _passed_before(run, self._snapshots), _passed_before(run, self._spectra)
        self._snapshot_count, self._spectra_count = self._passed_before
        # spectra of the previous cycle by name; the coming spectra are interpolated with them
        self.preliminary: dict[str, SpectrumTable] = {}
        self.background = folder / f"{run.output.generic_base}_background.dat"
        restart = run.simulation.restart_cycle
        if restart is None:
            self.background.unlink(missing_ok=True)
        else:
            cut_background(self.background, restart)
        self.cones = LightCones(run, folder, after=restart)
        self._cones_passed = 0
        self.need_diagnostics = needs_diagnostics(run)
        if self._spectra and run.simulation.spectra_fields:
            # made now, before the fields of the cycles need the memory that it takes meanwhile
            reference_shells(run.simulation.grid, run.simulation.spectra_bins)
            return_freed_memory()

    @property
    def last_redshift(self) -> float:
        cones = (cone.redshift for cone in self.run.lightcone.cones)
        return min((*self._snapshots, *self._spectra, *cones), default=self.run.simulation.initial_redshift + 1)

    @property
    def finished(self) -> bool:
        return self.complete(self.written)

    def complete(self, written: tuple[int, ...]) -> bool:
        """Whether so many snapshots, spectra and light cones are all that the run is to write."""
        return written == self._counts(len(self._snapshots), len(self._spectra), len(self.cones))

    def _counts(self, snapshots: int, spectra: int, cones: int) -> tuple[int, ...]:
        """The counts that say how far a run is; that of light cones only where there are any."""
        return (snapshots, spectra, cones) if len(self.cones) else (snapshots, spectra)

    @property
    def at_first(self) -> tuple[int, ...]:
        """What is ``written`` before the first cycle: what a run that goes on has passed before."""
        return self._counts(*self._passed_before, 0)

    def written_at(self, clock: Clock, before: tuple[int, ...]) -> tuple[int, ...]:
        """What is ``written`` after a cycle, given what was ``before`` it."""
        lists = zip((self._snapshots, self._spectra), before[:2], strict=True)
        snapshots, spectra = (count + (count < len(due) and clock.passed(due[count])) for due, count in lists)
        return self._counts(snapshots, spectra, self.cones.passed(clock))

    @property
    def written(self) -> tuple[int, ...]:
        """How many snapshots and spectra are on disk, and how many light cones have passed their observer."""
        return self._counts(self._snapshot_count, self._spectra_count, self._cones_passed)

    def background_text(self) -> str:
        """The present text of the background file."""
        return self.background.read_text(encoding="ascii") if self.background.exists() else ""

    def resume(self, written: tuple[int, ...], background: str, names: list[str], preliminary: dict[str, str]) -> None:
        """Go on from a checkpoint: what had been written by then stays, and the background file loses later lines."""
        self._snapshot_count, self._spectra_count = (int(count) for count in written[:2])
        self._cones_passed = int(sum(written[2:]))
        self.paths = [self.folder / name for name in names]
        self.preliminary = {name: parse_spectrum(text) for name, text in preliminary.items()}
        write_text(self.background, background)

    def write_due(self, universe: Universe, clock: Clock) -> None:
        """Write everything due in this cycle: at most one snapshot and one set of spectra."""
        self._note_background(universe, clock)
        self.paths += self.cones.write_due(universe, clock)
        self._cones_passed = self.cones.passed(clock)
        if self._snapshot_count < len(self._snapshots) and clock.passed(self._snapshots[self._snapshot_count]):
            self._write_snapshot(universe, clock, self._snapshots[self._snapshot_count])
            self._snapshot_count += 1
        if self._spectra_count < len(self._spectra):
            target = self._spectra[self._spectra_count]
            if clock.passed(target):
                self._write_spectra(universe, clock, target)
                self._spectra_count += 1
                self.preliminary = {}
            elif not clock.exact and clock.passed(target, ahead=True):
                self._keep_preliminary(universe, clock)
        if self.finished:
            self._write_background()

    def settle(self) -> None:
        """Return when all that is due is on disk."""
        self._write_background()
        self._writer.settle()

    def _note_background(self, universe: Universe, clock: Clock) -> None:
        """Keep the line of this cycle. It is written at once on a CPU, and together with some others on a GPU."""
        # the reference program prints 0 for the density of a Newtonian run, whose mode k = 0 it clears
        t00_mean = (
            universe.mean_at(clock.a) + universe.t00_sums.sum() / universe.n**3 if self.run.theory == "gr" else 0.0
        )
        hubble = clock.hubble / universe.background.rate_today
        self._lines.append(
            BackgroundLine(clock.cycle, clock.tau, clock.a, hubble, universe.phi_mean, t00_mean, universe.sample)
        )
        if clock.cycle == clock.first:
            self.paths.append(self.background)
        if not universe.phi.is_cuda or len(self._lines) >= _LINES:
            self._write_background()

    def _write_background(self) -> None:
        """Write the lines kept so far. Raises ``WeakfieldError`` for a cycle in which phi was not finite."""
        lines, self._lines = self._lines, []
        text = ""
        for line in lines:
            if not np.isfinite(float(line.finite)):
                raise WeakfieldError(
                    f"{self.run.theory} run of seed {self.run.seed} became unstable in cycle {line.cycle}:"
                    " phi is not finite; try a smaller step_limit_hubble"
                )
            text += format_background_line(
                line.cycle, line.tau, line.a, line.hubble, float(line.phi_mean), float(line.t00_mean)
            )
        if text:
            append_background(self.background, text)

    def _write_snapshot(self, universe: Universe, clock: Clock, target: float) -> None:
        """Write fields and particles of this cycle; Gadget-2 snapshots are carried to the redshift asked for."""
        settings = self.run.simulation
        stem = f"{self.run.output.snapshot_base}{self._snapshot_count:03d}"
        self._write_background()  # a run that is no longer finite stops here, not in the writer
        for name in settings.snapshot_fields:
            path = self.folder / f"{stem}_{name}.h5"
            field = self._writer.hold(coarsened(snapshot_field(universe, clock, name), settings.downgrade_factor))
            self._writer.submit(partial(self._save, path, field, field_attributes(self.run, clock, name)))
            self.paths.append(path)
        if settings.snapshot_particles:
            for one in universe.species:
                path = self.folder / f"{stem}_{one.name}.h5"
                every = settings.tracer_factor if one.name == "cdm" else 1
                stored = stored_particles(one.particles, every, one.neutrinos is not None)
                save_particles(path, stored, universe.n)
                self.paths.append(path)
        if settings.snapshot_gadget:
            for one in universe.species:
                if one.tracer_factor:
                    snapshot = gadget_snapshot(universe, clock, target, one)
                    self.paths += self._save_gadget(self.folder / f"{stem}_{one.name}", universe, snapshot, one)

    def _save_gadget(self, path: Path, universe: Universe, snapshot: GadgetSnapshot, species: Species) -> list[Path]:
        """Write the particles of a species as one file or, if so many are asked for, as several."""
        if self.run.simulation.gadget_files:
            return save_gadget_files(path, snapshot, gadget_parts(universe, species))
        save_gadget(path, snapshot)
        return [path]

    def _save(self, path: Path, field: Callable[[], Tensor], attributes: dict[str, str | int | float]) -> None:
        save_field(path, field(), attributes, self.run.output.dtype, self.run.output.compression)

    def _keep_preliminary(self, universe: Universe, clock: Clock) -> None:
        """Keep the spectra of this cycle, the last before their redshift."""
        self._write_background()
        self.preliminary = spectrum_tables(universe, clock)

    def _write_spectra(self, universe: Universe, clock: Clock, target: float) -> None:
        """Write this cycle's spectra, interpolated in z to the target if the previous cycle left preliminary ones."""
        self._write_background()
        for name, table in spectrum_tables(universe, clock).items():
            if name in self.preliminary:
                table = _interpolated(self.preliminary[name], table, target)
            write_spectrum_text(self._spectrum_path(name), table)
            self.paths.append(self._spectrum_path(name))

    def _spectrum_path(self, name: str) -> Path:
        return self.folder / f"{self.run.output.spectra_base}{self._spectra_count:03d}_{name}.dat"


def _interpolated(before: SpectrumTable, now: SpectrumTable, target: float) -> SpectrumTable:
    """The spectrum at ``target``, linear in z between that of the previous cycle, as printed, and the present one.

    The reference program reads the former from its file, and a checkpoint keeps it as text.
    """
    printed = np.array([float(f"{value:e}") for value in before.dimensionless])
    redshift = float(f"{before.redshift:f}")
    w = (redshift - target) / (redshift - now.redshift)
    return replace(now, redshift=target, dimensionless=(1 - w) * printed + w * now.dimensionless)
