"""Importing output of the reference program into a run folder, as pairs that every later stage can read."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import copy_file, empty_folder, file_hash, sync_folder
from weakfield.config import THEORIES, OutputSettings, RunFolder, RunSettings, StudyConfig, Theory
from weakfield.config.study import SeedSettings
from weakfield.formats import load_field, read_settings_ini, save_field
from weakfield.formats.background_text import read_background_text
from weakfield.pairs.locks import run_lock
from weakfield.pairs.manifest import FileEntry, Manifest, settings_hash
from weakfield.pairs.runfolder import write_start
from weakfield.simulation.output import UNITS, beginning_attributes

#: names used in the run folder, whatever base names the files of the reference program have
_OUTPUT = OutputSettings(dtype="float64")
#: settings that may differ between the members of a pair: they decide which files there are, not what the files hold
_OUTPUTS_ONLY = {"snapshot_fields", "snapshot_particles", "snapshot_gadget", "spectra_fields", "spectra_redshifts"}


#: rounding of the scale factor in the background file
_DIGITS = 1e-6


@dataclass(frozen=True)
class Member:
    """One run of the reference program: its settings file, its output folder and the settings it was run with."""

    ini: Path
    output: Path
    run: RunSettings

    @property
    def key(self) -> tuple[int, Theory]:
        return self.run.seed, self.run.theory


def import_reference(directory: str | Path, folder: RunFolder, skip_single: bool = False) -> list[Path]:
    """Make pairs of all runs of the reference program below ``directory``; returns the paths of their pair.json.

    A run is a settings.ini with the output beside it or in its ``output path``. Fields get the attributes that the
    other stages read; in particular, each carries the redshift of the cycle in which it was written, taken from the
    background file (EQUATIONS 2). Outputs requested outside 0 <= z <= initial redshift are left out. If the folder has
    no study.toml, one is made from the settings; its seeds are extended to include those imported. Tables that the runs
    started from are copied to inputs/. Raises ``BadInput`` for a seed with only one member (``skip_single`` leaves it
    out instead), for a gap between the seeds, for pairs whose settings differ from each other or from the folder's
    study, and for damaged files.
    """
    pairs = _pairs(_members(Path(directory)), skip_single)
    if not pairs:
        raise BadInput(f"{directory} holds no pair of runs, expected a settings.ini beside the output of each run")
    first = next(iter(pairs.values()))["gr"]
    _covering(_study(first.run, tuple(pairs), folder), tuple(pairs))  # finds errors before anything is made
    for pair in pairs.values():
        for member in pair.values():
            _check_same(first, member)
    with run_lock(folder):
        study = _covering(_study(first.run, tuple(pairs), folder), tuple(pairs))
        paths = [_import_pair(seed, pair, study, folder) for seed, pair in pairs.items()]
        write_start(_with_inputs(study, folder), folder, "import")
    return paths


def _members(directory: Path) -> Iterator[Member]:
    """Every run below a folder."""
    if not directory.is_dir():
        raise BadInput(f"{directory} is not a folder, expected one with output of the reference program")
    for ini in sorted(directory.rglob("*.ini")):
        settings = read_settings_ini(ini, need_files=False)
        if settings.settings.inverted:
            raise BadInput(f"{ini} is a run with inverted = yes, expected runs of seeds as they are")
        folders = (ini.parent, ini.parent / settings.output_path, settings.output_path)
        base = settings.settings.output.generic_base
        for folder in folders:
            if (folder / f"{base}_background.dat").is_file():
                yield Member(ini, folder, settings.settings)
                break
        else:
            raise BadInput(
                f"{ini}: no {base}_background.dat in {folders[0]} or {folders[1]}, expected the output of it"
            )


def _pairs(members: Iterator[Member], skip_single: bool) -> dict[int, dict[Theory, Member]]:
    """Both members of each seed, seeds ascending."""
    found: dict[int, dict[Theory, Member]] = {}
    for member in members:
        pair = found.setdefault(member.run.seed, {})
        if member.run.theory in pair:
            raise BadInput(
                f"{member.ini} and {pair[member.run.theory].ini} are both the {member.run.theory} run of seed"
                f" {member.run.seed}, expected one"
            )
        pair[member.run.theory] = member
    for seed, pair in sorted(found.items()):
        missing = [theory for theory in THEORIES if theory not in pair]
        if missing and not skip_single:
            other = next(iter(pair.values()))
            raise BadInput(f"{other.ini} has no twin, expected a {missing[0]} run of seed {seed} too")
    return {seed: pair for seed, pair in sorted(found.items()) if len(pair) == len(THEORIES)}


def _check_same(first: Member, other: Member) -> None:
    """Refuse two runs that differ in more than the theory and the seed, naming the setting."""
    for table in ("cosmology", "simulation"):
        ours, theirs = (_comparable(getattr(member.run, table)) for member in (first, other))
        for key, value in ours.items():
            if theirs[key] != value:
                raise BadInput(
                    f"{other.ini} has {key} {theirs[key]} but {first.ini} has {value}, expected runs that differ in"
                    " gravity theory and seed alone"
                )


def _comparable(table: Any) -> dict[str, Any]:
    """The values that decide results; files are compared by name, since they lie beside each run."""
    values = table.model_dump(exclude=_OUTPUTS_ONLY)
    return {key: _names(value) for key, value in values.items()}


def _names(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    return [_names(item) for item in value] if isinstance(value, tuple) else value


def _study(run: RunSettings, seeds: tuple[int, ...], folder: RunFolder) -> StudyConfig:
    """The study of the pairs: the folder's own, whose settings must agree with theirs, or one made from them."""
    wanted = [z for z in run.simulation.snapshot_redshifts if 0 <= z <= run.simulation.initial_redshift]
    spectra = [z for z in run.simulation.spectra_redshifts if 0 <= z <= run.simulation.initial_redshift]
    if len(wanted) < 2 or "phi" not in run.simulation.snapshot_fields:
        raise BadInput(
            f"the runs wrote phi at {len(wanted) if 'phi' in run.simulation.snapshot_fields else 0} redshifts between 0"
            f" and {run.simulation.initial_redshift:g}, expected at least 2 to make difference cubes of"
        )
    early, late = (10.0, 1.0) if {10.0, 1.0} <= set(wanted) else (wanted[0], wanted[-1])
    values = {
        "name": re.sub(r"[^A-Za-z0-9_.-]", "-", folder.root.resolve().name) or "imported",
        "seeds": {"first": seeds[0], "count": 1},
        "cosmology": run.cosmology,
        "simulation": run.simulation.model_copy(
            update={"snapshot_redshifts": tuple(wanted), "spectra_redshifts": tuple(spectra)}
        ),
        "output": _OUTPUT,
        "measure": {"redshift": late},
        "dataset": {"redshifts": (early, late)},
    }
    made = StudyConfig.from_mapping(values, "imported settings")
    if not folder.study.exists():
        return made
    study = StudyConfig.from_toml(folder.study)
    if settings_hash(study) != settings_hash(made):
        raise BadInput(f"{folder.study} is a study of other settings than the runs to import, use another run folder")
    return study


def _covering(study: StudyConfig, seeds: tuple[int, ...]) -> StudyConfig:
    """The same study with its seeds extended to those imported; our next stage would grow the seeds of a gap itself."""
    known = {*seeds, *study.seeds.all}
    missing = [str(seed) for seed in range(min(known), max(known)) if seed not in known]
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise BadInput(
            f"no runs of seed {shown} lie between those of seeds {min(known)} and {max(known)}, expected consecutive"
            " seeds in a run folder"
        )
    return study.model_copy(update={"seeds": SeedSettings(first=min(known), count=len(known))})


def _with_inputs(study: StudyConfig, folder: RunFolder) -> StudyConfig:
    """The same study, with the tables it starts from copied into the run folder so that they can be found there."""
    update: dict[str, Path] = {}
    for key in ("transfer_file", "template_file"):
        source: Path | None = getattr(study.simulation, key)
        if source is None or not source.is_file():
            continue
        update[key] = folder.root / "inputs" / source.name
        if not update[key].exists():
            copy_file(source, update[key])
    return study.model_copy(update={"simulation": study.simulation.model_copy(update=update)})


def _import_pair(seed: int, pair: dict[Theory, Member], study: StudyConfig, folder: RunFolder) -> Path:
    """Copy one pair into its folder, whole or not at all; a pair that is already there stays."""
    final = folder.pair(seed)
    if Manifest.exists(final):
        known = Manifest.load(final)
        if known.settings != settings_hash(study):
            raise BadInput(f"{final} holds a pair of other settings, use another run folder")
        return known.path
    scratch = empty_folder(final.with_name(f".{final.name}.partial"))
    files: dict[str, FileEntry] = {}
    for theory in THEORIES:
        (scratch / theory).mkdir()
        for name, about in _copy(pair[theory], study, scratch / theory):
            files[f"{theory}/{name}"] = FileEntry(file_hash(scratch / theory / name), theory, **about)
    seconds = dict.fromkeys(THEORIES, 0.0)
    sources = {theory: str(member.ini.resolve()) for theory, member in pair.items()}
    Manifest.of(study, seed, scratch, dict(sorted(files.items())), seconds, imported=sources).save()
    for path in (scratch, *(scratch / theory for theory in THEORIES)):
        sync_folder(path)
    shutil.rmtree(final, ignore_errors=True)
    os.replace(scratch, final)
    sync_folder(final.parent)
    return Manifest.load(final).path


def _copy(member: Member, study: StudyConfig, target: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copy the files of one member under the names of a run folder; yields each name with its manifest entries."""
    base, requested = member.run.output, sorted(member.run.simulation.snapshot_redshifts, reverse=True)
    background = f"{base.generic_base}_background.dat"
    written = snapshot_scale_factors(member.output / background, requested, member.run.simulation.initial_redshift)
    copy_file(member.output / background, target / f"{_OUTPUT.generic_base}_background.dat")
    yield f"{_OUTPUT.generic_base}_background.dat", {}
    kept = [z for z in requested if z in study.simulation.snapshot_redshifts]
    for index, z in enumerate(kept):
        number = requested.index(z)
        for source in sorted(member.output.glob(f"{base.snapshot_base}{number:03d}_*")):
            name = source.name.removeprefix(f"{base.snapshot_base}{number:03d}_")
            path = target / f"{_OUTPUT.snapshot_base}{index:03d}_{name}"
            field = name.removesuffix(".h5")
            if field in (name, "cdm"):
                copy_file(source, path)
                yield path.name, {}
                continue
            if number >= len(written):
                raise BadInput(
                    f"{member.output / background} ends before z = {z:g}, expected it to reach {source.name}"
                )
            a = _copy_field(source, path, member.run, written[number], field)
            yield path.name, {"field": field, "index": index, "redshift": 1.0 / a - 1.0, "scale_factor": a}
        if not (target / f"{_OUTPUT.snapshot_base}{index:03d}_phi.h5").exists():
            raise BadInput(f"{member.output} has no {base.snapshot_base}{number:03d}_phi.h5, expected phi at z = {z:g}")
    for source in sorted(member.output.glob(f"{base.spectra_base}[0-9][0-9][0-9]_*.dat")):
        name = _OUTPUT.spectra_base + source.name.removeprefix(base.spectra_base)
        copy_file(source, target / name)
        yield name, {}


def _copy_field(source: Path, path: Path, run: RunSettings, a: float, name: str) -> float:
    """Copy a field with its attributes, in its stored precision; returns its scale factor, from the file if known."""
    field, known = load_field(source)
    a = float(known.get("scale_factor", a))
    side = run.simulation.grid // run.simulation.downgrade_factor
    if field.shape[-1] != side:
        raise BadInput(f"{source} has {field.shape[-1]} cells a side, expected {side} as its settings say")
    attributes = {
        "redshift": 1.0 / a - 1.0,
        "scale_factor": a,
        "box_size_mpch": run.simulation.box_size_mpch,
        "theory": run.theory,
        "seed": run.seed,
        **beginning_attributes(run),
        "units": UNITS.get(name, "critical density today"),
        "software_version": f"imported by {__version__}",
    }
    save_field(path, field, attributes, "float32" if field.element_size() == 4 else "float64")
    return a


def snapshot_scale_factors(background: Path, requested: list[float], initial_redshift: float) -> list[float]:
    """The scale factors at which snapshots of the ``requested`` redshifts, descending, were written (EQUATIONS 2).

    Each snapshot was written in the first cycle with 1/a < 1 + z, and at most one snapshot per cycle. The result is
    shorter than ``requested`` if the file ends too early. The file has seven digits, so a cycle at a requested redshift
    counts as past it; the first cycle is the exception, because its a is known. If several runs appended to the file,
    it is read from the last cycle 0 on.
    """
    table = read_background_text(background)
    starts = [i for i, cycle in enumerate(table["cycle"]) if cycle == 0]
    found: list[float] = []
    for row, a in enumerate(table["a"][starts[-1] if starts else 0 :]):
        if len(found) == len(requested):
            break
        target = 1.0 + requested[len(found)]
        if (row == 0 and 1.0 + initial_redshift < target) or (row > 0 and 1.0 / a < target * (1.0 + _DIGITS)):
            found.append(1.0 / (1.0 + initial_redshift) if row == 0 else float(a))
    return found
