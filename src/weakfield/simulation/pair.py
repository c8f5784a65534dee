"""A pair: one seed, or its inverse, under both theories, whole on disk or not there."""

from __future__ import annotations

import errno
import os
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import (
    content_hash,
    copy_file,
    empty_folder,
    file_hash,
    read_json,
    sync_folder,
    write_json,
    write_text,
)
from weakfield.config import THEORIES, Draw, Inverse, RunFolder, RunSettings, StudyConfig
from weakfield.config.layout import seed_of
from weakfield.config.simulation import CHECKPOINT_SCHEDULE
from weakfield.formats import load_field
from weakfield.mesh.devices import describe
from weakfield.simulation.checking import check_pair
from weakfield.simulation.claims import own_name
from weakfield.simulation.evolution import grow_member
from weakfield.simulation.runfolder import sweep
from weakfield.simulation.shared import Shared
from weakfield.simulation.writer import Immediate, Writer

#: by precision; raised whenever the same settings give other numbers, so that old pairs and new ones never mix
_RECIPE = {"double": 2, "single": 3}


def pair_settings_hash(study: StudyConfig) -> str:
    """What decides the files of a pair, apart from the seed and from whether it is inverted."""
    return content_hash(
        {
            "recipe": _RECIPE[study.simulation.precision],
            "cosmology": study.cosmology.model_dump(mode="json"),
            "simulation": study.simulation.identity(),
            "output": study.output.model_dump(mode="json", exclude=CHECKPOINT_SCHEDULE),
        }
    )


def is_whole(study: StudyConfig, draw: Draw, folder: RunFolder) -> bool:
    """Whether the pair of a seed is there, complete and grown with these settings (``flaw`` finds none)."""
    return flaw(study, draw, folder) is None


def flaw(study: StudyConfig, draw: Draw, folder: RunFolder) -> str | None:
    """What keeps the pair of a seed from being whole, naming the file; nothing if it is.

    Raises ``BadInput`` for a pair of other settings: two kinds must not mix in one run folder.
    """
    manifest_path = folder.pair(draw) / "pair.json"
    if not manifest_path.exists():
        return f"{manifest_path} is missing"
    try:
        manifest = read_json(manifest_path)
    except BadInput as damaged:
        return str(damaged)
    if manifest.get("settings") != pair_settings_hash(study):
        raise BadInput(
            f"{folder.pair(draw)} was grown with other settings ({manifest.get('settings')}) than the study's"
            f" ({pair_settings_hash(study)}), expected the same; use another run folder"
        )
    for theory in THEORIES:
        if not folder.member(draw, theory).is_dir():
            return f"{folder.pair(draw)} has no '{theory}' run, expected both theories"
    for name, entry in manifest["files"].items():
        path = folder.pair(draw) / name
        if not path.is_file():
            return f"{path} is missing"
        if path.stat().st_size != entry.get("bytes", path.stat().st_size):
            return f"{path} has {path.stat().st_size} bytes, expected {entry['bytes']} by its pair.json"
    return None


def grow_pair(
    study: StudyConfig, draw: Draw, folder: RunFolder, shared: Shared | None = None, writer: Writer | None = None,
    scratch: Path | None = None,
) -> None:  # fmt: skip
    """Grow both members of a seed unless they are there; the pair takes its name when it is whole.

    Both come from one configuration, one noise field and one set of transfer functions, on one kind of device; the
    theory alone differs. ``shared`` serves other pairs too. With a ``writer`` files are written and the pair takes its
    name in the writer's time. It grows beside its place, or in the folder ``scratch``, perhaps of this node alone, and
    is copied. Raises ``WeakfieldError`` for one that is not what was asked for (``check_pair``): it is removed.
    """
    if study.output.checkpoint_path is not None:
        raise BadInput(
            "output.checkpoint_path is for single runs: the runs of a study keep one each, beside their outputs"
        )
    if is_whole(study, draw, folder):
        return
    final = folder.pair(draw)
    shutil.rmtree(final, ignore_errors=True)
    shared, writer = shared or Shared(study.run_settings("gr", draw)), writer or Immediate()
    place = final.parent if scratch is None else scratch
    name = f".{final.name}{own_name(folder, draw)}.partial"
    growing = _scratch(place / name, pair_settings_hash(study), shared.device.type)
    for theory in THEORIES:
        _grow(study.run_settings(theory, draw), growing / theory, shared, writer)
    writer.submit(partial(_close, study, draw, growing, final, describe(shared.device)))


def _close(study: StudyConfig, draw: Draw, scratch: Path, final: Path, device: str) -> None:
    """Check a pair that is complete, describe it and give it its name."""
    try:
        check_pair(study, scratch)
    except WeakfieldError:
        shutil.rmtree(scratch)  # another try starts anew
        raise
    seconds = {theory: float((scratch / f"{theory}.seconds").read_text()) for theory in THEORIES}
    for helper in (scratch / "settings", *(scratch / f"{theory}.seconds" for theory in THEORIES)):
        helper.unlink()
    manifest = {
        "seed": seed_of(draw),
        **study.simulation.beginning(isinstance(draw, Inverse)),
        "settings": pair_settings_hash(study),
        "software_version": __version__,
        "device": device,
        "files": _described(study, scratch),
        "seconds": seconds,
    }
    write_json(scratch / "pair.json", manifest)
    _named(scratch, final)


def _named(scratch: Path, final: Path) -> None:
    """Give a whole pair its name; one that grew elsewhere is copied beside its place first."""
    beside = final.with_name(scratch.name)
    if scratch != beside:
        shutil.rmtree(beside, ignore_errors=True)
        for path in sorted(p for p in scratch.rglob("*") if p.is_file()):
            copy_file(path, beside / path.relative_to(scratch))
    for path in (beside, *(beside / theory for theory in THEORIES)):
        sync_folder(path)
    try:
        os.replace(beside, final)
    except OSError as error:
        # where there are no locks another process may have been first: its pair is this one
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not (final / "pair.json").exists():
            raise
        shutil.rmtree(beside)
    sync_folder(final.parent)
    if scratch != beside:
        shutil.rmtree(scratch)


def _scratch(scratch: Path, settings: str, device: str) -> Path:
    """The folder a pair grows in; what an interrupted run of the same settings on the same device left there is kept.

    A twin from a GPU and one from a processor would differ in their last digits, and not by their theory.
    """
    key, belongs = scratch / "settings", f"{settings} {__version__} {device}"
    if not key.exists() or key.read_text() != belongs:
        empty_folder(scratch)
        write_text(key, belongs)
    sweep(scratch.rglob(".*.partial"))  # of a run killed while it wrote, in a member or beside it
    return scratch


def _grow(run: RunSettings, member: Path, shared: Shared, writer: Writer) -> None:
    """Grow one member unless an earlier run finished it; a file beside it says so, with the seconds it took."""
    done = member.with_suffix(".seconds")
    if not done.exists():
        begin = time.perf_counter()
        member.mkdir(exist_ok=True)
        grow_member(run, member, shared=shared, writer=writer)
        writer.submit(partial(write_text, done, f"{time.perf_counter() - begin:.3f}"))


def _described(study: StudyConfig, pair: Path) -> dict[str, Any]:
    """Every file of a pair with its hash; fields also with their redshift, theory, name and number of output."""
    files: dict[str, Any] = {}
    for path in sorted(p for p in pair.rglob("*") if p.is_file()):
        entry: dict[str, Any] = {
            "hash": file_hash(path),
            "bytes": path.stat().st_size,
            "theory": path.parent.name,
        }
        stem, _, name = path.stem.rpartition("_")
        if path.suffix == ".h5" and name in study.simulation.snapshot_fields:
            attributes = load_field(path)[1]
            entry |= {
                "field": name,
                "index": int(stem.removeprefix(study.output.snapshot_base)),
                "redshift": attributes["redshift"],
                "scale_factor": attributes["scale_factor"],
            }
        files[str(path.relative_to(pair))] = entry
    return files
