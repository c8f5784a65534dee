"""One universe in memory, cycle by cycle: it gives the numbers of a run and writes nothing unless asked to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_args

import numpy as np

from weakfield.base.errors import BadInput
from weakfield.base.progress import bar, bars
from weakfield.config import RunSettings, StudyConfig, Theory
from weakfield.config.simulation import FieldName
from weakfield.formats import save_field
from weakfield.formats.labelled import labelled
from weakfield.formats.sources import SettingsSource, settings_from
from weakfield.mesh.threads import threads, threads_for_mesh
from weakfield.simulation.clock import Clock, cycles_until
from weakfield.simulation.evolution import THEORIES
from weakfield.simulation.initial_conditions import initial_universe
from weakfield.simulation.output import field_attributes, needs_diagnostics
from weakfield.simulation.snapshots import snapshot_field, stored_particles
from weakfield.simulation.velocity import measure_velocity, measures_velocity

if TYPE_CHECKING:
    from xarray import DataArray, Dataset


class Simulation:
    """A universe that grows when it is told to.

    ``config`` is a preset, a study, a settings.ini, a mapping or a ``StudyConfig``; ``theory`` and ``seed`` select one
    of its universes, by default GR and the first seed. ``redshifts`` replace the output redshifts of the settings, and
    steps land on them. ``diagnostics`` solves for chi and B in Newton too, where the motion needs neither.

    The numbers are those of ``wf.simulate`` with the same settings, to the last bit. Iterating, or calling ``run``,
    takes the universe forward; it cannot go back. Raises ``BadInput`` for settings that cannot be run.

    >>> universe = wf.Simulation("demo", theory="gr", seed=7)
    >>> universe.run(10.0).phi.sel(z=0).plot()
    """

    def __init__(
        self,
        config: SettingsSource | RunSettings,
        theory: Theory | None = None,
        seed: int | None = None,
        *,
        inverted: bool = False,
        redshifts: float | Sequence[float] | None = None,
        diagnostics: bool = False,
    ) -> None:
        self.settings = _run_settings(config, theory, seed, inverted, redshifts)
        simulation = self.settings.simulation
        self._gravity = THEORIES[simulation.mesh, self.settings.theory, simulation.phi_integrator]()
        self._diagnostics = diagnostics or needs_diagnostics(self.settings)
        with self._threads():
            self._universe = initial_universe(self.settings)
        self._clock = Clock(self.settings, self._universe.background)
        self._solved = False

    @property
    def redshift(self) -> float:
        """The redshift of the universe now."""
        return self._clock.redshift

    @property
    def cycle(self) -> int:
        """How many steps the universe has taken."""
        return self._clock.cycle

    @property
    def redshifts(self) -> tuple[float, ...]:
        """The output redshifts, from the first to the last."""
        simulation = self.settings.simulation
        return tuple(sorted({*simulation.snapshot_redshifts, *simulation.spectra_redshifts}, reverse=True))

    def __iter__(self) -> Iterator[Self]:
        """Yield the universe at the start of each cycle, with its fields there to read, to the last output redshift."""
        yield self
        while not self._clock.passed(self.redshifts[-1]):
            self.advance()
            yield self

    def advance(self) -> Self:
        """Take one cycle: solve for the fields from the particles, then kick and move the particles."""
        self._solve()
        with self._threads():
            self._gravity.move(self._universe, self._clock)
        self._clock.advance()
        self._solved = False
        return self

    def run(self, redshift: float | None = None) -> Self:
        """Go on to a redshift, by default that of the last output; raises ``BadInput`` for one already passed.

        Steps land on output redshifts; for any other redshift the run stops at the first cycle past it.
        """
        if redshift is None and not self.redshifts:
            raise BadInput("the settings name no redshift of an output, expected the redshift to run to")
        target = self.redshifts[-1] if redshift is None else _redshifts(redshift)[0]
        if target > self.redshift * (1.0 + 1e-9) + 1e-9:
            raise BadInput(
                f"the universe is at redshift {self.redshift:g} already, expected at most that, not {target:g}"
            )
        total = cycles_until(self.settings, self._universe.background, target)
        with bars(), bar(f"{self.settings.theory} seed {self.settings.seed}", total) as progress:
            progress.advance(self.cycle)
            while not self._clock.passed(target):
                self.advance()
                progress.advance()
        return self

    def field(self, name: FieldName) -> DataArray:
        """A field now, as a run would write it: dimensions z, y, x in Mpc/h, and ``component`` for vectors and tensors.

        phi, chi, B and hij are dimensionless, in Poisson gauge; T00, rhoN, p and Tij are in units of today's critical
        density. Raises ``BadInput`` for an unknown name, and in Newton for a field that was not solved for.
        """
        known = get_args(FieldName)
        if name not in known:
            raise BadInput(f"the field is '{name}', expected one of {', '.join(known)}")
        if name in ("chi", "B", "hij") and self.settings.theory == "newton" and not self._diagnostics:
            raise BadInput(f"{name} is not solved for in a Newtonian universe, expected diagnostics = True")
        if name == "v" and not measures_velocity(self.settings):
            raise BadInput("v is not measured in this universe, expected 'v' among snapshot_fields of its settings")
        self._solve()
        with self._threads():
            values = snapshot_field(self._universe, self._clock, name).clone()
        return labelled(values, name, self.settings.simulation.box_size_mpch, self._attributes(name))

    @property
    def phi(self) -> DataArray:
        """The potential phi of the spatial metric."""
        return self.field("phi")

    @property
    def chi(self) -> DataArray:
        """chi = phi - psi."""
        return self.field("chi")

    @property
    def B(self) -> DataArray:
        """Frame dragging B_i."""
        return self.field("B")

    @property
    def particles(self) -> Dataset:
        """Particles by their id: ``position`` [Mpc/h] and ``momentum`` q per mass, half a step before the fields."""
        from xarray import Dataset

        stored = stored_particles(self._universe.particles)
        box = self.settings.simulation.box_size_mpch
        place = ("particle", "axis")
        return Dataset(
            {"position": (place, stored.positions * box, {"units": "Mpc/h"}), "momentum": (place, stored.momenta)},
            coords={"particle": stored.ids, "axis": list("xyz")},
            attrs={"mass": stored.mass, "redshift": self.redshift, "theory": self.settings.theory},
        )

    def save(self, path: str | Path, name: FieldName = "phi") -> Path:
        """Write a field as HDF5, as a run does; ``wf.load_field`` reads it back."""
        array, output = self.field(name), self.settings.output
        save_field(path, array.values, self._attributes(name), output.dtype, output.compression)
        return Path(path)

    def __repr__(self) -> str:
        s = self.settings
        inverse = ", inverted" if s.inverted else ""
        return (
            f"<weakfield.Simulation {s.theory}, seed {s.seed}{inverse}: {s.simulation.grid}^3 cells in"
            f" {s.simulation.box_size_mpch:g} Mpc/h, {s.simulation.mesh} mesh; at z = {self.redshift:.4g}"
            f" after {self.cycle} cycles, outputs at z = {', '.join(f'{z:g}' for z in self.redshifts) or 'none'}>"
        )

    def _solve(self) -> None:
        if not self._solved:
            with self._threads():
                measure_velocity(self._universe, self._clock)
                self._gravity.solve(self._universe, self._clock, self._diagnostics)
            self._solved = True

    def _threads(self) -> Any:
        return threads(threads_for_mesh(self.settings.simulation.grid))

    def _attributes(self, name: str) -> dict[str, str | int | float]:
        return field_attributes(self.settings, self._clock, name)


def _run_settings(
    config: SettingsSource | RunSettings,
    theory: Theory | None,
    seed: int | None,
    inverted: bool,
    redshifts: float | Sequence[float] | None,
) -> RunSettings:
    """The settings of the one run that is meant."""
    if isinstance(config, RunSettings):
        run = config
    else:
        found = settings_from(config)
        for text in () if isinstance(found, StudyConfig) else found.said:
            warnings.warn(text, stacklevel=3)
        run = found.run_settings("gr", found.seeds.first) if isinstance(found, StudyConfig) else found.settings
    values: dict[str, Any] = run.model_dump() | {"inverted": inverted or run.inverted}
    values |= {key: given for key, given in {"theory": theory, "seed": seed}.items() if given is not None}
    if redshifts is not None:
        wanted = _redshifts(redshifts)
        first, start = max(wanted), run.simulation.initial_redshift
        if first > start:
            raise BadInput(f"redshifts hold {first:g}, expected none before the initial one, {start:g}")
        values["simulation"] |= {"snapshot_redshifts": wanted, "spectra_redshifts": wanted}
    return RunSettings.from_mapping(values, "Simulation")


def _redshifts(given: object) -> tuple[float, ...]:
    """Redshifts as numbers, at least one; ``BadInput`` for anything else."""
    try:
        wanted = tuple(np.asarray(given, dtype=np.float64).ravel().tolist()) if not isinstance(given, str) else ()
    except (TypeError, ValueError):
        wanted = ()
    if not wanted or not all(np.isfinite(z) and z > -1.0 for z in wanted):
        raise BadInput(f"the redshift is {given!r}, expected numbers above -1")
    return wanted
