"""A run folder opened for work: locked, its study and provenance written, pairs of another universe refused."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import read_json, write_json, write_text
from weakfield.base.provenance import git_commit, machine, now, versions
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.simulation import BEFORE, CHECKPOINT_SCHEDULE

#: settings of a simulation that name one file
INPUT_FILES = ("transfer_file", "template_file", "particle_file")


@contextmanager
def open_for_work(
    study: StudyConfig, folder: RunFolder, stages: str, grows: bool = True, alone: bool = True
) -> Iterator[None]:
    """Hold a run folder for the block, made if missing, with study.toml and provenance.json of ``study`` in it.

    ``stages`` is what provenance says of this start. ``alone``: no other process may be in such a block; growing pairs
    alone needs that not, since each pair is claimed (``claims``). ``grows``: pairs are grown in the block, and no study
    of another universe may come meanwhile. Raises ``BadInput`` when the folder holds, or is about to hold, pairs of
    other settings, ``WeakfieldError`` when another process is at work in it.
    """
    with locked(folder) if alone else nullcontext(), _opening(study, folder, stages) as growers:
        if not grows:
            growers.close()
        yield


@contextmanager
def _opening(study: StudyConfig, folder: RunFolder, stages: str) -> Iterator[IO[str]]:
    """Bring study.toml up to date, one process at a time; yields the lock of those who grow pairs, held shared."""
    with _lock_file(folder, ".growing.lock") as growers:
        with _lock_file(folder, ".study.lock") as opening:
            _flock(opening, fcntl.LOCK_EX)  # held by each for the moment it takes to open a folder
            lonely = _flock(growers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            check_same_universe(study, folder, growing=not lonely)
            sweep(folder.root.glob(".*.partial"))
            write_start(study, folder, stages)
            _flock(growers, fcntl.LOCK_SH)
        yield growers


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold the run folder's lock; the kernel releases it when the process ends, however it ends."""
    with _lock_file(folder, ".lock") as handle:
        if not _flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise WeakfieldError(
                f"{folder.root} is in use by another weakfield (process {holder}); wait for it or choose another --out"
            )
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _lock_file(folder: RunFolder, name: str) -> IO[str]:
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        return open(folder.root / name, "a+", encoding="utf-8")
    except OSError as error:
        raise WeakfieldError(f"cannot write in {folder.root}: {error.strerror or error}") from error


def _flock(handle: IO[str], how: int) -> bool:
    """Whether the lock is ours now. Some cluster file systems have none: what then works at once is the user's care."""
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def check_same_universe(study: StudyConfig, folder: RunFolder, growing: bool = False) -> None:
    """Pairs of two settings must not mix: refuse the folder, naming the first key that differs.

    A folder without pairs takes any study, unless somebody is ``growing`` them now.
    """
    if not folder.study.exists() or not (growing or any(folder.pairs.glob("seed*/pair.json"))):
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
    text = _placed(study, folder.root).to_toml()
    if not folder.study.exists() or folder.study.read_text(encoding="utf-8") != text:
        write_text(folder.study, text)
    starts = read_json(folder.provenance)["starts"] if folder.provenance.exists() else []
    commit = git_commit()
    start = {"time": now(), "stages": stages, "weakfield": __version__, "git_commit": commit}
    write_json(
        folder.provenance,
        {"versions": versions(), "git_commit": commit, "machine": machine(), "starts": [*starts, start]},
    )


def sweep(scratch: Iterable[Path]) -> None:
    """Remove what writes that were cut off have left; the lock says that nobody else is writing."""
    for path in list(scratch):
        path.unlink()


def _placed(study: StudyConfig, root: Path) -> StudyConfig:
    """The same study, input files in ``root`` relative to it and the others absolute."""
    root = root.resolve()

    def place(path: Path) -> Path:
        path = path.resolve()
        return path.relative_to(root) if path.is_relative_to(root) else path

    simulation = study.simulation
    update: dict[str, Any] = {
        key: place(value) for key in INPUT_FILES if (value := getattr(simulation, key)) is not None
    } | {"metric_files": tuple(map(place, simulation.metric_files))}
    return study.model_copy(update={"simulation": simulation.model_copy(update=update)})


def _universe(study: StudyConfig) -> dict[str, Any]:
    """What decides the numbers of pairs, by key; input files by content, the schedule of checkpoints left out."""
    tables = {
        "cosmology": study.cosmology.model_dump(mode="json"),
        "simulation": BEFORE | study.simulation.identity(),
        "output": study.output.model_dump(mode="json", exclude=CHECKPOINT_SCHEDULE),
    }
    return {f"{table}.{key}": value for table, values in tables.items() for key, value in values.items()}


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)
