"""A run folder: reading its study, and opening it for work, which refuses to mix pairs of different universes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, sweep, write_json, write_text
from weakfield.base.plugins import require_trust, trust
from weakfield.base.provenance import git_commit, machine, now, versions
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.run_settings import CHECKPOINT_SCHEDULE
from weakfield.config.simulation import BEFORE
from weakfield.pairs.locks import flock, lock_file, run_lock
from weakfield.pairs.manifest import Manifest

#: settings of a simulation whose value is the name of one file
INPUT_FILES = ("transfer_file", "template_file", "particle_file")


def load_study(root: str | Path, trusted: bool = False, runs: bool = True) -> StudyConfig:
    """The study of a run folder; ``BadInput`` when the folder does not exist or has no study.

    ``trusted`` says that the user has read the code that the folder names and keeps; unless it is, a folder outside the
    working directory that names some is refused, but for a caller that ``runs`` none of it.
    """
    folder = RunFolder(root)
    if not folder.root.is_dir():
        raise BadInput(f"{folder.root} is not a folder; expected a run folder made by 'weakfield run'")
    if not folder.study.exists():
        raise BadInput(f"{folder.root} holds no study.toml; expected a run folder made by 'weakfield run'")
    study = StudyConfig.from_toml(folder.study)
    if runs:
        require_trusted(study, folder.study, trusted)
    return study


def require_trusted(study: StudyConfig, path: Path, trusted: bool) -> None:
    """Raise ``BadInput`` for a study file that names code, unless it lies in the working directory or is ``trusted``.

    A file is where its symbolic links lead. What is trusted once stays so in this process and those it starts.
    """
    if trusted:
        for folder in {path.parent, path.resolve().parent}:
            trust(folder)
    if study.plugins:
        require_trust(path, (f"{key} = '{name}'" for key, name in study.plugins.items()))


@contextmanager
def open_for_work(
    study: StudyConfig, folder: RunFolder, stages: str, grows: bool = True, alone: bool = True
) -> Iterator[None]:
    """Hold a run folder for the block, made if missing, with study.toml and provenance.json of ``study`` in it.

    ``stages`` is what the provenance says about this start. With ``alone``, no other process may be in such a block; it
    is not needed where pairs are grown and nothing else is done, since each pair has its own lock. With ``grows``,
    pairs are grown in the block, and no study of another universe may enter the folder meanwhile. Raises ``BadInput``
    when the folder holds, or is about to hold, pairs of other settings, and ``WeakfieldError`` when another process is
    working in it.
    """
    with run_lock(folder) if alone else nullcontext(), _opening(study, folder, stages) as growers:
        if not grows:
            growers.close()
        yield


@contextmanager
def _opening(study: StudyConfig, folder: RunFolder, stages: str) -> Iterator[IO[str]]:
    """Bring study.toml up to date, one process at a time; yields the lock that all processes growing pairs share."""
    with lock_file(folder, ".growing.lock") as growers:
        with lock_file(folder, ".study.lock") as opening:
            flock(opening, fcntl.LOCK_EX)  # each process holds it only for the moment it takes to open a folder
            lonely = flock(growers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            check_same_universe(study, folder, growing=not lonely)
            sweep(folder.root.glob(".*.partial"))
            write_start(study, folder, stages)
            flock(growers, fcntl.LOCK_SH)
        yield growers


def check_same_universe(study: StudyConfig, folder: RunFolder, growing: bool = False) -> None:
    """Refuse the folder if its pairs have other settings, naming the first key that differs: the two must not mix.

    A folder without pairs accepts any study, unless somebody is ``growing`` pairs in it now.
    """
    if not folder.study.exists() or not (growing or Manifest.any_in(folder)):
        return
    before, given = _universe(StudyConfig.from_toml(folder.study)), _universe(study)
    for key, value in given.items():
        if before[key] != value:
            raise BadInput(
                f"{folder.root} holds pairs grown with {key} = {_shown(before[key])} but the study says"
                f" {_shown(value)}; expected the same there, or another folder (--out)"
            )


def write_start(study: StudyConfig, folder: RunFolder, stages: str) -> None:
    """Write study.toml and provenance.json; the latter keeps the earlier starts.

    Input files inside the folder are named relative to it, so that the folder can be moved.
    """
    text = _relative(study, folder.root).to_toml()
    if not folder.study.exists() or folder.study.read_text(encoding="utf-8") != text:
        write_text(folder.study, text)
    starts = _starts(folder.provenance)
    commit = git_commit()
    start = {"time": now(), "stages": stages, "weakfield": __version__, "git_commit": commit}
    write_json(
        folder.provenance,
        {"versions": versions(), "git_commit": commit, "machine": machine(), "starts": [*starts, start]},
    )


def _starts(provenance: Path) -> list[Any]:
    """The earlier starts in a provenance.json, if there is one; ``BadInput`` if it holds something else."""
    known = read_json(provenance) if provenance.exists() else {"starts": []}
    if not isinstance(known, dict) or not isinstance(known.get("starts"), list):
        raise BadInput(
            f"{provenance} lacks the list 'starts', expected what weakfield writes; without that file the history of"
            " the run folder begins anew"
        )
    return list(known["starts"])


def _relative(study: StudyConfig, root: Path) -> StudyConfig:
    """The same study, with input files in ``root`` named relative to it and all others by absolute paths."""
    root = root.resolve()

    def written(path: Path) -> Path:
        path = path.resolve()
        return path.relative_to(root) if path.is_relative_to(root) else path

    simulation = study.simulation
    update: dict[str, Any] = {
        key: written(value) for key in INPUT_FILES if (value := getattr(simulation, key)) is not None
    } | {"metric_files": tuple(map(written, simulation.metric_files))}
    return study.model_copy(update={"simulation": simulation.model_copy(update=update)})


def _universe(study: StudyConfig) -> dict[str, Any]:
    """What decides the numbers of pairs, by key; input files by content, and without the checkpoint schedule."""
    tables = {
        "cosmology": study.cosmology.model_dump(mode="json"),
        "simulation": BEFORE | study.simulation.identity(),
        "output": study.output.model_dump(mode="json", exclude=CHECKPOINT_SCHEDULE),
        "lightcone": study.lightcone.model_dump(mode="json"),
    }
    return {f"{table}.{key}": value for table, values in tables.items() for key, value in values.items()}


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)
