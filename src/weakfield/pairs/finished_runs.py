"""Finding finished runs of the reference program below a folder: their settings, and where their output lies.

Nothing is reached through a link: a folder from elsewhere may point anywhere.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput
from weakfield.base.files import refuse_link
from weakfield.config import RunSettings, Theory
from weakfield.formats import read_settings_ini
from weakfield.formats.ini_text import IniText
from weakfield.formats.settings_ini import IniRun

_USED = "_settings_used.ini"
#: settings that may differ between the members of a pair: they decide which files there are, not what the files hold
_OUTPUTS_ONLY = {
    "snapshot_fields", "snapshot_particles", "snapshot_gadget", "gadget_files", "spectra_fields", "spectra_redshifts",
}  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One run of the reference program: its settings file, its output folder and the settings it was run with."""

    ini: Path
    output: Path
    run: RunSettings

    @property
    def key(self) -> tuple[int, Theory]:
        return self.run.seed, self.run.theory


def finished_runs(directory: Path) -> list[Member]:
    """Every run below a folder, by the names of their settings files.

    Settings files that belong to the same output are one run. Of these the ``<base>_settings_used.ini`` counts, which
    the reference program writes itself, and a file that starts the run counts before one that continues it; that
    another says otherwise is a warning. Raises ``BadInput`` for settings without output, and for two files that claim
    the same output while none is the program's own.
    """
    if not directory.is_dir():
        raise BadInput(f"{directory} is not a folder, expected one with output of the reference program")
    runs: dict[tuple[Path, str], list[tuple[Path, IniRun]]] = {}
    for ini in _settings_files(directory):
        read = read_settings_ini(ini, finished=True)
        base = read.settings.output.generic_base
        runs.setdefault((_output_of(ini, read, directory), base), []).append((ini, read))
    found = [_one(output, given) for (output, _), given in runs.items()]
    said: set[str] = set()
    for ini, read in found:
        for text in read.warnings:
            if (sentence := text.removeprefix(f"{ini}: ")) not in said:
                said.add(sentence)
                warnings.warn(text, stacklevel=2)
    members = [Member(ini, output, read.settings) for (output, _), (ini, read) in zip(runs, found, strict=True)]
    for member in members:
        if member.run.inverted:
            raise BadInput(f"{member.ini} is a run with inverted = yes, expected runs of seeds as they are")
    return sorted(members, key=lambda member: member.ini)


def differing(one: RunSettings, other: RunSettings) -> tuple[str, Any, Any] | None:
    """The first setting in which two runs differ, with both values, or ``None``; the theory and the seed aside.

    Files are compared by name, since they lie beside each run.
    """
    for table in ("cosmology", "simulation"):
        ours, theirs = (comparable(getattr(run, table)) for run in (one, other))
        for key, value in ours.items():
            if theirs[key] != value:
                return key, value, theirs[key]
    return None


def comparable(table: Any) -> dict[str, Any]:
    """The values that decide results; files by their names."""
    return {key: _names(value) for key, value in table.model_dump(exclude=_OUTPUTS_ONLY).items()}


def _names(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    return [_names(item) for item in value] if isinstance(value, tuple) else value


def _settings_files(directory: Path) -> Iterator[Path]:
    """The settings files of runs below a folder; files of that suffix for other programs are passed over."""
    for folder, folders, files in os.walk(directory):
        folders.sort()
        for name in sorted((*folders, *files)):
            path = Path(folder) / name
            if path.is_symlink() and (name in folders or path.suffix == ".ini"):
                warnings.warn(f"{path} is a link and is not followed", stacklevel=2)
            elif name in files and path.suffix == ".ini":
                text = IniText(path, finished=True)
                if any(text.given(key) for key in ("boxsize", "Ngrid", "initial redshift")):
                    yield path


def _output_of(ini: Path, read: IniRun, directory: Path) -> Path:
    """The folder with the output of a settings file."""
    background = f"{read.settings.output.generic_base}_background.dat"
    folders = (ini.parent, ini.parent / read.output_path, read.output_path)
    for folder in folders:
        if (folder / background).is_file():
            return refuse_link(folder / background, directory).parent.resolve()
    raise BadInput(f"{ini}: no {background} in {folders[0]} or {folders[1]}, expected the output of it")


def _one(output: Path, given: list[tuple[Path, IniRun]]) -> tuple[Path, IniRun]:
    """The settings file that counts of those that belong to one output, with what it says."""

    def rank(file: tuple[Path, IniRun]) -> tuple[bool, bool, Path]:
        ini, read = file
        return read.settings.simulation.initial_conditions == "snapshot", not ini.name.endswith(_USED), ini

    (ini, read), *others = sorted(given, key=rank)
    if ini.name.endswith(_USED):  # files are named relative to where the program was started
        started = others[0][0].parent if others else _started_in(ini, read.output_path)
        read = read_settings_ini(ini, finished=True, beside=started)
    for other, said in others:
        differs = differing(said.settings, read.settings)
        for key in ("theory", "seed"):
            if (theirs := getattr(said.settings, key)) != (ours := getattr(read.settings, key)):
                differs = (key, theirs, ours)
        if differs is None:
            continue
        text = f"{other} has {differs[0]} {differs[1]} but {ini}, of the same output, has {differs[2]}"
        if said.settings.simulation.initial_conditions != read.settings.simulation.initial_conditions:
            continue  # it continues the run
        if not ini.name.endswith(_USED):
            raise BadInput(f"{text}; expected one settings file for {output}, or the {_USED} of the program")
        warnings.warn(f"{text}; the latter counts", stacklevel=2)
    return ini, read


def _started_in(used: Path, output_path: Path) -> Path:
    """The working directory of a run, if its output path says where that was; else the folder of its output."""
    depth = len(output_path.parts)
    if depth and not output_path.is_absolute() and used.parent.parts[-depth:] == output_path.parts:
        return Path(*used.parent.parts[:-depth])
    return used.parent
