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
from weakfield.config import RunSettings
from weakfield.formats import save_field, save_gadget, save_particles
from weakfield.formats.background_text import append_background, format_background_line
from weakfield.formats.spectra_text import SpectrumTable, format_spectrum, parse_spectrum, write_spectrum_text
from weakfield.simulation.clock import Clock
from weakfield.simulation.snapshots import coarsened, gadget_snapshot, snapshot_field, stored_particles
from weakfield.simulation.spectra_written import spectra_names, spectrum_table
from weakfield.simulation.universe import Universe
from weakfield.simulation.writer import DirectWriter, Writer

UNITS = dict.fromkeys(("phi", "chi", "B", "hij", "psiN"), "dimensionless")


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


def needs_diagnostics(run: RunSettings) -> bool:
    """Whether an output needs chi or B, which a Newtonian run would not solve for otherwise."""
    return bool({*run.simulation.snapshot_fields, *run.simulation.spectra_fields} & {"chi", "B", "hij"})


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
        self._snapshot_count = self._spectra_count = 0
        # spectra of the previous cycle by name, as printed; the coming spectra are interpolated with them
        self.preliminary: dict[str, str] = {}
        self._background = folder / f"{run.output.generic_base}_background.dat"
        self._background.unlink(missing_ok=True)
        self.need_diagnostics = needs_diagnostics(run)

    @property
    def last_redshift(self) -> float:
        return min((*self._snapshots, *self._spectra), default=self.run.simulation.initial_redshift + 1)

    @property
    def finished(self) -> bool:
        return self._snapshot_count == len(self._snapshots) and self._spectra_count == len(self._spectra)

    @property
    def written(self) -> tuple[int, int]:
        """How many snapshots and spectra are on disk."""
        return self._snapshot_count, self._spectra_count

    def background_text(self) -> str:
        """The present text of the background file."""
        return self._background.read_text(encoding="ascii") if self._background.exists() else ""

    def resume(self, written: tuple[int, int], background: str, names: list[str], preliminary: dict[str, str]) -> None:
        """Go on from a checkpoint: what had been written by then stays, and the background file loses later lines."""
        self._snapshot_count, self._spectra_count = (int(count) for count in written)
        self.paths = [self.folder / name for name in names]
        self.preliminary = preliminary
        write_text(self._background, background)

    def write_due(self, universe: Universe, clock: Clock) -> None:
        """Write everything due in this cycle: at most one snapshot and one set of spectra."""
        self._note_background(universe, clock)
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
                self._write_preliminary(universe, clock)
        if self.finished:
            self._write_background()

    def settle(self) -> None:
        """Return when all that is due is on disk."""
        self._write_background()
        self._writer.settle()

    def _note_background(self, universe: Universe, clock: Clock) -> None:
        """Keep the line of this cycle. It is written at once on a CPU, and together with some others on a GPU."""
        # the reference program prints 0 for the density of a Newtonian run, whose mode k = 0 it clears
        t00_mean = universe.mean_density + universe.t00_sums.sum() / universe.n**3 if self.run.theory == "gr" else 0.0
        hubble = clock.hubble / universe.background.H0
        self._lines.append(
            BackgroundLine(clock.cycle, clock.tau, clock.a, hubble, universe.phi_mean, t00_mean, universe.sample)
        )
        if clock.cycle == 0:
            self.paths.append(self._background)
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
            append_background(self._background, text)

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
            path = self.folder / f"{stem}_cdm.h5"
            save_particles(path, stored_particles(universe, settings.tracer_factor), universe.n)
            self.paths.append(path)
        if settings.snapshot_gadget:
            path = self.folder / f"{stem}_cdm"
            save_gadget(path, gadget_snapshot(universe, clock, target))
            self.paths.append(path)

    def _save(self, path: Path, field: Callable[[], Tensor], attributes: dict[str, str | int | float]) -> None:
        save_field(path, field(), attributes, self.run.output.dtype, self.run.output.compression)

    def _write_preliminary(self, universe: Universe, clock: Clock) -> None:
        """Keep the spectra of this cycle, the last before their redshift; a file on disk might be from another run."""
        self._write_background()
        for name in spectra_names(universe, clock):
            table = spectrum_table(universe, clock, name, self.run.simulation.spectra_bins)
            write_spectrum_text(self._spectrum_path(name), table)
            self.preliminary[name] = format_spectrum(table)

    def _write_spectra(self, universe: Universe, clock: Clock, target: float) -> None:
        """Write this cycle's spectra, interpolated in z to the target if the previous cycle left preliminary ones."""
        self._write_background()
        for name in spectra_names(universe, clock):
            table = spectrum_table(universe, clock, name, self.run.simulation.spectra_bins)
            if name in self.preliminary:
                table = _interpolated(parse_spectrum(self.preliminary[name]), table, target)
            write_spectrum_text(self._spectrum_path(name), table)
            self.paths.append(self._spectrum_path(name))

    def _spectrum_path(self, name: str) -> Path:
        return self.folder / f"{self.run.output.spectra_base}{self._spectra_count:03d}_{name}.dat"


def _interpolated(before: SpectrumTable, now: SpectrumTable, target: float) -> SpectrumTable:
    """The spectrum at ``target``, linear in z between that of the previous cycle, as printed, and the present one."""
    w = (before.redshift - target) / (before.redshift - now.redshift)
    return replace(now, redshift=target, dimensionless=(1 - w) * before.dimensionless + w * now.dimensionless)
