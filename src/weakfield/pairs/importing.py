"""Importing output of the reference program into a run folder, as pairs that every later stage can read."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import copy_file, empty_folder, file_hash, refuse_link, sync_folder
from weakfield.config import THEORIES, OutputSettings, RunFolder, RunSettings, StudyConfig, Theory
from weakfield.config.simulation import FieldName
from weakfield.config.study import SeedSettings
from weakfield.formats import load_field, save_field
from weakfield.formats.background_text import read_background_text
from weakfield.pairs.entries import FileEntry
from weakfield.pairs.finished_runs import Member, differing, finished_runs
from weakfield.pairs.locks import run_lock
from weakfield.pairs.manifest import Manifest, settings_hash
from weakfield.pairs.reading import damage
from weakfield.pairs.runfolder import write_start
from weakfield.simulation.output import UNITS, beginning_attributes

#: names used in the run folder, whatever base names the files of the reference program have
_OUTPUT = OutputSettings(dtype="float64")
#: fields whose files are read; others are copied as they are
_FIELDS = frozenset(get_args(FieldName))

#: rounding of the scale factor in the background file
_DIGITS = 1e-6


def import_reference(directory: str | Path, folder: RunFolder, skip_single: bool = False) -> list[Path]:
    """Make pairs of all runs of the reference program below ``directory``; returns the paths of their pair.json.

    A run is a settings.ini or ``<base>_settings_used.ini`` with the output beside it or in its ``output path``
    (``finished_runs``). Fields get the attributes that the other stages read; in particular, each carries the redshift
    of the cycle in which it was written, taken from the background file (EQUATIONS 2). Outputs requested outside 0 <= z
    <= initial redshift, and light cones, are left out. Runs may have one output redshift, and all may be of one theory:
    the stages that need more say so. If the folder has no study.toml, one is made from the settings; its seeds are
    extended to include those imported. Tables that the runs started from are copied to inputs/. Raises ``BadInput`` for
    a seed that lacks the member which others have (``skip_single`` leaves it out instead), for a gap between the seeds,
    for runs whose settings differ from each other or from the folder's study, for links, and for damaged files.
    """
    directory = Path(directory)
    pairs = _pairs(finished_runs(directory), skip_single)
    if not pairs:
        raise BadInput(f"{directory} holds no pair of runs, expected a settings.ini beside the output of each run")
    first = next(member for member in reversed(next(iter(pairs.values())).values()))
    _covering(_study(first.run, tuple(pairs), folder), tuple(pairs))  # finds errors before anything is made
    for pair in pairs.values():
        for member in pair.values():
            _check_same(first, member)
    with run_lock(folder):
        study = _covering(_study(first.run, tuple(pairs), folder), tuple(pairs))
        paths = [_import_pair(seed, pair, study, folder) for seed, pair in pairs.items()]
        write_start(_with_inputs(study, folder), folder, "import")
    return paths


def _pairs(members: list[Member], skip_single: bool) -> dict[int, dict[Theory, Member]]:
    """The members of each seed in the order of ``THEORIES``, seeds ascending: both, or for all seeds the same one."""
    found: dict[int, dict[Theory, Member]] = {}
    for member in members:
        pair = found.setdefault(member.run.seed, {})
        if member.run.theory in pair:
            raise BadInput(
                f"{member.ini} and {pair[member.run.theory].ini} are both the {member.run.theory} run of seed"
                f" {member.run.seed}, expected one"
            )
        pair[member.run.theory] = member
    pairs = {s: {theory: pair[theory] for theory in THEORIES if theory in pair} for s, pair in sorted(found.items())}
    if skip_single:
        return {seed: pair for seed, pair in pairs.items() if len(pair) == len(THEORIES)}
    there = {theory for pair in pairs.values() for theory in pair}
    for seed, pair in pairs.items():
        if missing := [theory for theory in there if theory not in pair]:
            other = next(iter(pair.values()))
            raise BadInput(
                f"{other.ini} has no twin, expected a {missing[0]} run of seed {seed} too; --skip-single leaves it out"
            )
    return pairs


def _check_same(first: Member, other: Member) -> None:
    """Refuse two runs that differ in more than the theory and the seed, naming the setting."""
    if differs := differing(other.run, first.run):
        key, theirs, ours = differs
        raise BadInput(
            f"{other.ini} has {key} {theirs} but {first.ini} has {ours}, expected runs that differ in gravity theory"
            " and seed alone"
        )


def _study(run: RunSettings, seeds: tuple[int, ...], folder: RunFolder) -> StudyConfig:
    """The study of the pairs: the folder's own, whose settings must agree with theirs, or one made from them."""
    wanted = [z for z in run.simulation.snapshot_redshifts if 0 <= z <= run.simulation.initial_redshift]
    asked = run.simulation.spectra_redshifts if run.simulation.spectra_fields else ()
    spectra = [z for z in asked if 0 <= z <= run.simulation.initial_redshift]
    if not wanted or "phi" not in run.simulation.snapshot_fields:
        raise BadInput(
            f"the runs wrote phi at no redshift between 0 and {run.simulation.initial_redshift:g}, expected 'phi' among"
            " their 'snapshot outputs': a pair is made of it"
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
        if source.is_symlink():
            warnings.warn(f"{source} is a link and is not copied to {folder.root / 'inputs'}", stacklevel=2)
            continue
        update[key] = folder.root / "inputs" / source.name
        if not update[key].exists():
            copy_file(source, update[key])
    return study.model_copy(update={"simulation": study.simulation.model_copy(update=update)})


def _import_pair(seed: int, pair: dict[Theory, Member], study: StudyConfig, folder: RunFolder) -> Path:
    """Copy one pair into its folder, whole or not at all; a whole pair that is already there stays."""
    final = folder.pair(seed)
    if damage(study, seed, folder) is None:
        known = Manifest.load(final)
        if absent := [theory for theory in pair if theory not in known.theories]:
            raise BadInput(
                f"{final} was imported without its {absent[0]} run, expected both members in one import, into another"
                " run folder"
            )
        return known.path
    scratch = empty_folder(final.with_name(f".{final.name}.partial"))
    files: dict[str, FileEntry] = {}
    for theory in pair:
        (scratch / theory).mkdir()
        for name, about in _copy(pair[theory], study, scratch / theory):
            files[f"{theory}/{name}"] = FileEntry(file_hash(scratch / theory / name), theory, **about)
    seconds = dict.fromkeys(pair, 0.0)
    sources = {theory: str(member.ini.resolve()) for theory, member in pair.items()}
    Manifest.of(study, seed, scratch, dict(sorted(files.items())), seconds, imported=sources).save()
    return put_in_place(scratch, final)


def put_in_place(scratch: Path, final: Path) -> Path:
    """Give a pair that was written into ``scratch``, its pair.json last, its name; returns the path of pair.json."""
    for path in (scratch, *(path for path in scratch.iterdir() if path.is_dir())):
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
            name = refuse_link(source, member.output).name.removeprefix(f"{base.snapshot_base}{number:03d}_")
            path = target / f"{_OUTPUT.snapshot_base}{index:03d}_{name}"
            field = name.removesuffix(".h5")
            if field not in _FIELDS:
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
        name = _OUTPUT.spectra_base + refuse_link(source, member.output).name.removeprefix(base.spectra_base)
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
