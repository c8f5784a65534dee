"""Importing two sets of periodic cubes, of any simulators and any quantity, as the two classes of a run folder.

A run of theirs is an ordinary run folder: the cubes lie where phi of the two theories does, the first class in the
place of Newton, the second in that of GR, at one redshift; ``[classes]`` of study.toml says what they are, and every
later stage reads them from there.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import empty_folder, file_hash
from weakfield.base.progress import bar
from weakfield.config import THEORIES, RunFolder, StudyConfig, Theory
from weakfield.config.classes import ClassSettings
from weakfield.formats.cubes import CubeSet, open_cubes
from weakfield.formats.fields import save_field
from weakfield.pairs.entries import FileEntry
from weakfield.pairs.importing import put_in_place
from weakfield.pairs.locks import run_lock
from weakfield.pairs.manifest import Manifest, settings_hash
from weakfield.pairs.runfolder import write_start

#: a file, a folder, or a list of files of one class
Source = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class Box:
    """What the cubes of both classes share: the side of the box [Mpc/h], and the redshift."""

    size_mpch: float
    redshift: float = 0.0


def import_arrays(
    sources: tuple[Source, Source],
    classes: ClassSettings,
    box: Box,
    folder: RunFolder,
    keys: tuple[str | None, str | None] = (None, None),
) -> list[Path]:
    """Make a run folder of two sets of cubes; returns the paths of their pair.json.

    ``sources`` and ``keys`` are those of ``formats.cubes.open_cubes``, for each class. The number of a seed is the
    index of its cubes. Paired sets are of equal length; of unpaired ones the longer is cut, as a warning says: cubes
    of the same index are then kept side by side, but nothing compares them. Cubes keep their precision. If the folder
    has a study.toml, made by an earlier import and perhaps edited, it stays. Raises ``BadInput`` for what
    ``open_cubes`` refuses, for sets of different grids or, paired, of different length, and for a folder of others.
    """
    opened = (open_cubes(sources[0], keys[0]), open_cubes(sources[1], keys[1]))
    count = _count(opened, classes)
    study = _study(opened[0].grid, count, classes, box, folder)
    with run_lock(folder), bar("cubes", count) as progress:
        paths = []
        for seed in range(count):
            paths.append(_pair(seed, opened, study, folder))
            progress.advance()
        write_start(study, folder, "import")
    return paths


def _count(sets: tuple[CubeSet, CubeSet], classes: ClassSettings) -> int:
    """How many cubes of each class are taken, if the two sets can be the two classes of a study."""
    first, second = sets
    if first.grid != second.grid:
        raise BadInput(
            f"{second.source} has cubes of {second.grid} cells a side but {first.source} of {first.grid}, expected one"
            " grid"
        )
    if first.dtype != second.dtype:
        warnings.warn(
            f"{first.source} is kept in {first.dtype} and {second.source} in {second.dtype}: the last bits of the"
            " numbers may tell the classes apart, as the control float_fingerprint asks",
            stacklevel=3,
        )
    if first.count == second.count:
        return first.count
    if classes.paired:
        raise BadInput(
            f"{first.source} has {first.count} cubes and {second.source} {second.count}, expected as many of each, the"
            " same index being the same seed; --unpaired says that they are not paired"
        )
    longer, count = max(first, second, key=lambda one: one.count), min(first.count, second.count)
    warnings.warn(f"of the {longer.count} cubes of {longer.source} the first {count} are taken", stacklevel=3)
    return count


def _study(grid: int, count: int, classes: ClassSettings, box: Box, folder: RunFolder) -> StudyConfig:
    """The study of the cubes: the folder's own, which must be about the same ones, or one made for them."""
    made = StudyConfig.from_mapping(
        {
            "name": re.sub(r"[^A-Za-z0-9_.-]", "-", folder.root.resolve().name).lstrip(".") or "imported",
            "seeds": {"first": 0, "count": count},
            "classes": classes.model_dump(),
            "simulation": {
                "grid": grid,
                "box_size_mpch": box.size_mpch,
                "initial_redshift": max(100.0, box.redshift),
                "tiling": 1,
                "snapshot_redshifts": (box.redshift,),
                "spectra_redshifts": (),
                "spectra_fields": (),
            },
            "measure": {"redshift": box.redshift, "nonlinear": "none"},
            "dataset": {"sample": "raw", "redshifts": (box.redshift, box.redshift)},
        },
        "imported cubes",
    )
    if not folder.study.exists():
        return made
    study = StudyConfig.from_toml(folder.study)
    for key in ("classes", "seeds"):
        if getattr(study, key) != getattr(made, key):
            raise BadInput(f"{folder.study} is a study of other {key} than the cubes to import, use another run folder")
    if settings_hash(study) != settings_hash(made):
        raise BadInput(f"{folder.study} is a study of another grid, box or redshift than the cubes, use another folder")
    return study


def _pair(seed: int, sets: tuple[CubeSet, CubeSet], study: StudyConfig, folder: RunFolder) -> Path:
    """Write the cubes of one index into the folder of a pair, whole or not at all."""
    assert study.classes is not None
    final = folder.pair(seed)
    scratch = empty_folder(final.with_name(f".{final.name}.partial"))
    z, files = study.measure.redshift, dict[str, FileEntry]()
    sources: dict[Theory, str] = {}
    for theory, name, cubes in zip(THEORIES, study.classes.names, sets, strict=True):
        (scratch / theory).mkdir()
        path = scratch / theory / f"{study.output.snapshot_base}000_phi.h5"
        attributes = {
            "redshift": z,
            "scale_factor": 1.0 / (1.0 + z),
            "box_size_mpch": study.simulation.box_size_mpch,
            "theory": theory,
            "class": name,
            "seed": seed,
            "quantity": study.classes.quantity,
            "units": study.classes.units,
            "software_version": f"imported by {__version__}",
        }
        save_field(path, cubes.read(seed), attributes, "float32" if cubes.dtype == "float32" else "float64")
        entry = FileEntry(file_hash(path), theory, path.stat().st_size, "phi", 0, z, 1.0 / (1.0 + z))
        files[path.relative_to(scratch).as_posix()] = entry
        sources[theory] = cubes.where(seed)
    Manifest(scratch, seed, settings_hash(study), files, {}, __version__, imported=sources).save()
    return put_in_place(scratch, final)
