"""All light cones of a run: what they write in a cycle, when they are done, and what a checkpoint has to keep."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.formats.cone_particles import load_cone_particles, save_cone_particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.lightcone.geometry import Cone
from weakfield.simulation.lightcone.info import InfoFiles, Record
from weakfield.simulation.lightcone.maps import mapped_fields, write_maps
from weakfield.simulation.lightcone.particles import Backlog, written_particles
from weakfield.simulation.universe import Universe

_BACKLOG, _RECORDS = "cone_backlog_", "cone_records_"


class LightCones:
    """The light cones of ``run``, whose files go into ``folder``.

    ``after`` is the last cycle of an earlier run in the same folder that this one continues: info files keep their
    lines up to it, and the backlog is all that its cones have written in that cycle, as in the reference program.
    Otherwise info files begin anew.
    """

    def __init__(self, run: RunSettings, folder: Path, after: int | None = None) -> None:
        settings = run.lightcone
        self._settings, self._folder = settings, folder
        self._numbered = len(settings.cones) > 1
        background = Background(run.cosmology, run.simulation.box_size_mpch) if settings.cones else None
        self.cones = [Cone.of(run, i, background) for i in range(len(settings.cones)) if background is not None]
        self._backlog = Backlog(settings)
        box = run.simulation.box_size_mpch
        self._info = [InfoFiles(folder, self._stem(cone), cone, box, self._numbered) for cone in self.cones]
        if after is not None:
            self._backlog.restore(self._left_by(after))
        for info in self._info:
            if after is None:
                info.clear()
            else:
                info.cut(after)

    def __len__(self) -> int:
        return len(self.cones)

    def _stem(self, cone: Cone) -> str:
        return f"{self._settings.base}{cone.number}" if self._numbered else self._settings.base

    @property
    def info_files(self) -> set[Path]:
        """The files to which each cycle appends."""
        return {path for info in self._info for path in (info.text, info.binary)}

    def passed(self, clock: Clock) -> int:
        """How many cones have their observation behind them: a run ends when all have."""
        return sum(cone.passed(clock) for cone in self.cones)

    def write_due(self, universe: Universe, clock: Clock) -> list[Path]:
        """Write what the cones take in this cycle, once its fields are solved; returns the new files."""
        paths: list[Path] = []
        if not self.cones:
            return paths
        if clock.cycle == 0:
            for info in self._info:
                paths += info.begin()
        now = [(cone, cone.shells(clock)) for cone in self.cones]
        fields = mapped_fields(universe, clock)
        for cone, shells in now:
            if cone.maps(shells):
                self._info[cone.number].add(Record.of(clock, shells))
                stem = self._folder / f"{self._stem(cone)}_{clock.cycle:04d}"
                paths += write_maps(universe, clock, cone, shells, stem, self._settings.process_grid, fields)
        clip = self._settings.clip_distance
        taking = [(cone, shells) for cone, shells in now if cone.particles and cone.takes_particles(shells, clip)]
        for cone, name, particles in written_particles(universe, clock, taking, self._settings, self._backlog):
            path = self._folder / f"{self._stem(cone)}_{clock.cycle:04d}_{name}"
            save_cone_particles(path, particles)
            paths.append(path)
        return paths

    def _left_by(self, cycle: int) -> dict[str, npt.NDArray[np.int64]]:
        """The IDs that the files of a cycle hold, by species."""
        if self._settings.every_image:
            raise BadInput(
                f"a run goes on after cycle {cycle} and 'lightcone every image' is set, expected a run from its"
                " beginning or from a checkpoint: files do not say of which image a particle is"
            )
        found: dict[str, list[npt.NDArray[np.int64]]] = {}
        for cone in self.cones:
            start = f"{self._stem(cone)}_{cycle:04d}_"
            for path in sorted(self._folder.glob(f"{glob.escape(start)}*")):
                if path.suffix != ".map":
                    found.setdefault(path.name.removeprefix(start), []).append(load_cone_particles(path).ids)
        return {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What a checkpoint keeps: the backlog of the coming cycle, and the records of the info files."""
        arrays: dict[str, npt.NDArray[Any]] = {
            f"{_BACKLOG}{name}": keys for name, keys in self._backlog.state().items()
        }
        for cone, info in zip(self.cones, self._info, strict=True):
            arrays[f"{_RECORDS}{cone.number}"] = np.array(info.records, dtype=np.float64).reshape(-1, 7)
        return arrays

    def own(self, arrays: Mapping[str, npt.NDArray[Any]]) -> set[str]:
        """The names of those arrays of a checkpoint that are the ``state`` of cones like these.

        Raises ``ValueError``, whose message says why, for arrays that cannot be such a state.
        """
        if not self.cones:
            return set()
        found = {name for name in arrays if name.startswith((_BACKLOG, _RECORDS))}
        records = {f"{_RECORDS}{cone.number}" for cone in self.cones}
        if {name for name in found if name.startswith(_RECORDS)} != records:
            raise ValueError(f"it has records of {len(found & records)} light cones, expected {len(records)}")
        for name in found:
            kind, dimensions = ("f", 2) if name in records else ("i", 1)
            array = arrays[name]
            if array.dtype.kind != kind or array.ndim != dimensions or not np.isfinite(array).all():
                raise ValueError(
                    f"'{name}' is {array.dtype} {array.shape}, expected numbers in {dimensions} dimensions"
                )
            if name in records and array.shape[1] != len(Record._fields):
                raise ValueError(f"'{name}' has rows of {array.shape[1]} numbers, expected {len(Record._fields)}")
        return found

    def resume(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from the ``state`` in a checkpoint: info files lose what was added after it."""
        held = {name.removeprefix(_BACKLOG): arrays[name] for name in arrays if name.startswith(_BACKLOG)}
        self._backlog.restore({name: keys.astype(np.int64) for name, keys in held.items()})
        for cone, info in zip(self.cones, self._info, strict=True):
            rows = arrays[f"{_RECORDS}{cone.number}"]
            info.records = [Record(int(row[0]), *(float(x) for x in row[1:])) for row in rows]
            info.write()
