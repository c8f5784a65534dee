"""What a worker does for one pair: claim it, grow it unless it is whole, say how it went."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash, read_json
from weakfield.campaign.cost import bytes_of_pair
from weakfield.campaign.journal import log_failure, log_path, note, sentence
from weakfield.config import Draw, Inverse, RunFolder, StudyConfig
from weakfield.config.layout import draw_named
from weakfield.simulation.claims import claim, identity
from weakfield.simulation.ensemble import Session
from weakfield.simulation.pair import flaw, pair_settings_hash
from weakfield.simulation.runfolder import check_same_universe

#: whole: grown now; there: whole before; elsewhere: somebody else has it; unfit: this process cannot grow any
Status = Literal["whole", "there", "elsewhere", "unfit"]
#: what is wrong with a place, and not with a pair
_OF_THE_PLACE = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO, errno.ESTALE
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """What a worker has to know, in plain values: a worker of another version shall understand enough to decline."""

    software_version: str
    settings: str  # hash of what decides a pair
    study: dict[str, Any]
    root: str
    scratch: str | None
    inverted: bool = False  # whether the pair to grow is that of the seed's inverse

    @classmethod
    def of(cls, study: StudyConfig, folder: RunFolder) -> Task:
        """The pairs of a study in a run folder."""
        return cls(
            __version__, pair_settings_hash(study), study.model_dump(mode="json"), str(folder.root.resolve()),
            study.campaign.scratch,
        )  # fmt: skip


def grow_seed(task: dict[str, Any], seed: int, wait: bool) -> dict[str, Any]:
    """The task of Dask: the pair of a seed or, if the task says so, of its inverse, whole on disk when this returns.

    ``task`` is a ``Task`` as a mapping.

    Returns ``status`` (``Status``), ``why``, and the worker's ``host`` and ``process``. Raises ``WeakfieldError`` for a
    pair that failed; its log is in the run folder.
    """
    global _session
    who = identity()
    if task["software_version"] != __version__:
        why = f"has weakfield {__version__}, expected {task['software_version']} as the campaign's"
        return {"status": "unfit", "why": why, **who}
    study, folder = StudyConfig.from_mapping(task["study"]), RunFolder(task["root"])
    if (hindrance := _hindrance(study, folder, task)) is not None:
        return {"status": "unfit", "why": hindrance, **who}
    try:
        if _session is None or not _session.serves(study):
            _session = Session(study)
        with _session.held():
            draw = Inverse(seed) if task["inverted"] else seed
            status = grow_claimed(study, draw, folder, _session, wait, scratch_folder(task["scratch"], folder))
    except Exception as error:
        _session = None
        if (number := _errno(error)) in _OF_THE_PLACE:
            return {"status": "unfit", "why": f"{sentence(error)} ({errno.errorcode[number]})", **who}
        raise WeakfieldError(sentence(error)) from error  # plain words travel, whatever the error was
    return {"status": status, "why": "", **who}


_session: Session | None = None  # one a process: tables and particles at rest serve all its pairs


def grow_claimed(
    study: StudyConfig, draw: Draw, folder: RunFolder, session: Session, wait: bool, scratch: Path | None = None
) -> Status:
    """Claim a seed and grow its pair; it is whole on disk when this returns ``"whole"``, on a GPU too.

    After an error ``session.held`` has to be left: a writer that failed writes no more.
    """
    with claim(folder, draw, wait) as ours:
        if not ours:
            return "elsewhere"
        found = flaw(study, draw, folder)
        if found is None:
            log_path(folder, draw).unlink(missing_ok=True)
            return "there"
        again = {} if found.endswith("pair.json is missing") else {"flaw": found}
        note(folder, draw, "begun", **again)
        try:
            require_space(study, folder, scratch)
            session.grow(study, draw, folder, scratch)
            session.writer.settle()  # what fails while files are written is this pair's failure, and not the next one's
        except BaseException as error:
            if isinstance(error, Exception):
                note(folder, draw, "failed", error=sentence(error))
                log_failure(folder, draw, error)
            raise
        manifest = read_json(folder.pair(draw) / "pair.json")
        note(folder, draw, "grown", seconds=round(sum(manifest["seconds"].values()), 3))
        log_path(folder, draw).unlink(missing_ok=True)
    return "whole"


def require_space(study: StudyConfig, folder: RunFolder, scratch: Path | None) -> None:
    """``WeakfieldError`` (from an ENOSPC) unless a pair still fits on the disk, before hours are spent on it."""
    needed = bytes_of_pair(study)
    for place in {folder.root, scratch or folder.root}:
        free = shutil.disk_usage(place).free
        if free < needed:
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise WeakfieldError(
                f"{place} has {free / 1e6:.1f} MB free, expected {needed / 1e6:.1f} MB for a pair"
            ) from full


def _hindrance(study: StudyConfig, folder: RunFolder, task: dict[str, Any]) -> str | None:
    """What keeps this worker from growing any pair of the campaign."""
    if not folder.root.is_dir():
        return f"does not see {folder.root}, expected a file system that all workers share"
    if (own := pair_settings_hash(study)) != task["settings"]:
        return f"makes {own} of the settings, expected {task['settings']} as the campaign does"
    try:
        check_same_universe(study, folder, growing=True)
        scratch_folder(task["scratch"], folder)
    except (BadInput, OSError) as error:
        return sentence(error)
    return None


def scratch_folder(setting: str | None, folder: RunFolder) -> Path | None:
    """The folder on this node where pairs of this run grow; pairs left there that are whole by now are removed."""
    if setting is None:
        return None
    base = os.path.expandvars(os.path.expanduser(setting))
    if "$" in base:
        raise BadInput(f"campaign.scratch is {setting}, expected environment variables that are set here")
    place = Path(base) / f"weakfield-{content_hash(str(folder.root.resolve()))}"
    place.mkdir(parents=True, exist_ok=True)
    for left in place.glob(".seed*.partial"):
        draw = draw_named(left.name.split(".")[1])
        if draw is not None and (folder.pair(draw) / "pair.json").exists():
            shutil.rmtree(left, ignore_errors=True)
    return place


def is_of_the_place(error: BaseException) -> bool:
    """Whether a failure is of a disk or folder rather than of a pair."""
    return _errno(error) in _OF_THE_PLACE


def _errno(error: BaseException) -> int:
    """The number of the system's error that an error came from; 0 if none."""
    return next((found.errno for found in _causes(error) if isinstance(found, OSError) and found.errno), 0)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
