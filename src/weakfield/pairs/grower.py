"""Growing pairs in this process: one seed, or its inverse, under both theories; a pair is whole on disk or absent."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash, copy_file, empty_folder, file_hash, sweep, sync_folder, write_text
from weakfield.base.system_errors import errno_of
from weakfield.config import THEORIES, Draw, RunFolder, StudyConfig
from weakfield.config.layout import draw_named
from weakfield.formats import load_attributes
from weakfield.mesh.devices import describe
from weakfield.pairs.check import check_pair
from weakfield.pairs.cost import bytes_of_pair
from weakfield.pairs.entries import FileEntry
from weakfield.pairs.journal import log_failure, log_path, note, sentence
from weakfield.pairs.locks import own_name, pair_lock
from weakfield.pairs.manifest import Manifest, settings_hash
from weakfield.pairs.reading import damage
from weakfield.simulation.evolution import grow_member
from weakfield.simulation.study_cache import StudyCache
from weakfield.simulation.writer import DirectWriter, ThreadedWriter, Writer

#: whole: grown now; there: was whole before; elsewhere: another process has it
Status = Literal["whole", "there", "elsewhere"]
#: errors that mean that the disk or the folder is at fault, not the pair
_DISK_FAULTS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EFBIG,
    errno.EIO,
    errno.ESTALE,
}


class PairGrower:
    """Grows pairs of one study into one run folder, one after another; what they share is made once (``StudyCache``).

    A pair grows beside its final folder, or in ``scratch``, which may be on a disk that only this node sees. Memory use
    does not depend on the number of pairs: only one universe exists at a time, and a bounded number of fields waits to
    be written. With ``alone`` the folder belongs to the caller, and pairs are neither locked nor entered in the
    journal.
    """

    def __init__(
        self,
        study: StudyConfig,
        folder: RunFolder,
        scratch: Path | None = None,
        cache: StudyCache | None = None,
        alone: bool = False,
    ) -> None:
        if study.output.checkpoint_path is not None:
            raise BadInput(
                "output.checkpoint_path is for single runs: the runs of a study keep one each, beside their outputs"
            )
        self.study, self.folder, self.scratch, self.alone = study, folder, scratch, alone
        self.cache = cache or StudyCache(study.run_settings("gr", study.seeds.first))
        self.writer: Writer = DirectWriter()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Grow pairs inside this block: on a GPU, their files are written by a thread that ends with the block.

        After an error, leave the block and enter it again for the next pair: a writer that has failed does not write
        any more.
        """
        with ThreadedWriter() if self.cache.device.type == "cuda" else nullcontext(DirectWriter()) as self.writer:
            yield

    def grow(self, draw: Draw, wait: bool = False) -> Status:
        """Grow both members of a pair, unless it is whole; when this returns ``"whole"``, the pair is whole on disk.

        Both members come from one configuration, one noise field and one set of transfer functions, on one kind of
        device; only the theory differs. With ``wait`` this waits for a pair that another process has. Raises
        ``BadInput`` for a pair of other settings, and ``WeakfieldError`` for a pair that is not what was asked for
        (``check_pair``), which is then removed.
        """
        lock = nullcontext(True) if self.alone else pair_lock(self.folder, draw, wait)
        with lock as ours:
            if not ours:
                return "elsewhere"
            why = damage(self.study, draw, self.folder)
            if why is not None:
                with self._journal(draw, why):
                    growing = self._begin(draw)
                    for theory in THEORIES:
                        done, begin = growing / f"{theory}.seconds", time.perf_counter()
                        if done.exists():  # an earlier run finished this member
                            continue
                        (growing / theory).mkdir(exist_ok=True)
                        run = self.study.run_settings(theory, draw)
                        grow_member(run, growing / theory, shared=self.cache, writer=self.writer)
                        self.writer.submit(partial(write_text, done, f"{time.perf_counter() - begin:.3f}"))
                    self.writer.submit(partial(self._finish, draw, growing))
                    self.writer.settle()  # a failure to write files belongs to this pair, not to the next one
            if not self.alone:
                log_path(self.folder, draw).unlink(missing_ok=True)
        return "there" if why is None else "whole"

    @contextmanager
    def _journal(self, draw: Draw, why: str) -> Iterator[None]:
        """Note in the journal what begins, ends or fails in the block; refuse to begin on a full disk."""
        if self.alone:
            yield
            return
        damaged = {"flaw": why} if Manifest.exists(self.folder.pair(draw)) else {}
        note(self.folder, draw, "begun", **damaged)
        try:
            require_space(self.study, self.folder, self.scratch)
            yield
        except Exception as error:
            note(self.folder, draw, "failed", error=sentence(error))
            log_failure(self.folder, draw, error)
            raise
        seconds = Manifest.load(self.folder.pair(draw)).seconds
        note(self.folder, draw, "grown", seconds=round(sum(seconds.values()), 3))

    def _begin(self, draw: Draw) -> Path:
        """The folder a pair grows in, with what an interrupted run left there, if the two runs are of the same kind.

        They are if they agree in settings, software and device. Members from a GPU and from a CPU would differ in their
        last digits, and not only by their theory.
        """
        final = self.folder.pair(draw)
        shutil.rmtree(final, ignore_errors=True)
        growing = (self.scratch or final.parent) / f".{final.name}{own_name(self.folder, draw)}.partial"
        key, kind = growing / "settings", f"{settings_hash(self.study)} {__version__} {self.cache.device.type}"
        if not key.exists() or key.read_text() != kind:
            empty_folder(growing)
            write_text(key, kind)
        sweep(growing.rglob(".*.partial"))  # left by a run that was killed while writing, in a member or beside it
        return growing

    def _finish(self, draw: Draw, growing: Path) -> None:
        """Check a complete pair, write its manifest and give it its final name."""
        try:
            check_pair(self.study, growing)
        except WeakfieldError:
            shutil.rmtree(growing)  # another try starts from scratch
            raise
        marks = {theory: growing / f"{theory}.seconds" for theory in THEORIES}
        seconds = {theory: float(mark.read_text()) for theory, mark in marks.items()}
        for mark in (growing / "settings", *marks.values()):
            mark.unlink()
        files = _listed(self.study, growing)
        device = describe(self.cache.device)
        Manifest.of(self.study, draw, growing, files, seconds, device=device).save()
        _rename(growing, self.folder.pair(draw))


def grow_pair(
    study: StudyConfig, draw: Draw, folder: RunFolder, scratch: Path | None = None, cache: StudyCache | None = None
) -> None:
    """Grow one pair, unless it is whole, in a folder that belongs to the caller: without lock and journal."""
    grower = PairGrower(study, folder, scratch, cache, alone=True)
    with grower.writing():
        grower.grow(draw)


def require_space(study: StudyConfig, folder: RunFolder, scratch: Path | None) -> None:
    """Raise ``WeakfieldError`` (from an ENOSPC) unless a pair still fits on the disk, before hours are spent on it."""
    needed = bytes_of_pair(study)
    for path in {folder.root, scratch or folder.root}:
        free = shutil.disk_usage(path).free
        if free < needed:
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise WeakfieldError(
                f"{path} has {free / 1e6:.1f} MB free, expected {needed / 1e6:.1f} MB for a pair"
            ) from full


def scratch_folder(setting: str | None, folder: RunFolder) -> Path | None:
    """The folder on this node where pairs of this run grow; leftovers there of pairs that are now whole are removed."""
    if setting is None:
        return None
    base = os.path.expandvars(os.path.expanduser(setting))
    if "$" in base:
        raise BadInput(f"campaign.scratch is {setting}, expected environment variables that are set here")
    path = Path(base) / f"weakfield-{content_hash(str(folder.root.resolve()))}"
    path.mkdir(parents=True, exist_ok=True)
    for left in path.glob(".seed*.partial"):
        draw = draw_named(left.name.split(".")[1])
        if draw is not None and Manifest.exists(folder.pair(draw)):
            shutil.rmtree(left, ignore_errors=True)
    return path


def disk_fault(error: BaseException | None) -> str | None:
    """The system's name for the error ("ENOSPC") if a disk or folder failed rather than a pair; else ``None``."""
    while error is not None:
        if isinstance(error, OSError) and (number := errno_of(error)):
            return errno.errorcode[number] if number in _DISK_FAULTS else None
        error = error.__cause__ or error.__context__
    return None


def _rename(growing: Path, final: Path) -> None:
    """Give a whole pair its final name; a pair that grew elsewhere is first copied next to that name."""
    beside = final.with_name(growing.name)
    if growing != beside:
        shutil.rmtree(beside, ignore_errors=True)
        for path in sorted(p for p in growing.rglob("*") if p.is_file()):
            copy_file(path, beside / path.relative_to(growing))
    for path in (beside, *(beside / theory for theory in THEORIES)):
        sync_folder(path)
    try:
        os.replace(beside, final)
    except OSError as error:
        # where there are no locks, another process may have been first: its pair is identical to this one
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not Manifest.exists(final):
            raise
        shutil.rmtree(beside)
    sync_folder(final.parent)
    if growing != beside:
        shutil.rmtree(growing)


def _listed(study: StudyConfig, pair: Path) -> dict[str, FileEntry]:
    """Every file of a pair; fields also get a name, the number of their output and their redshift."""
    files: dict[str, FileEntry] = {}
    found = [(theory, path) for theory in sorted(THEORIES) for path in sorted((pair / theory).rglob("*"))]
    for theory, path in (one for one in found if one[1].is_file()):
        entry = FileEntry(file_hash(path), theory, path.stat().st_size)
        stem, _, name = path.stem.rpartition("_")
        if path.suffix == ".h5" and name in study.simulation.snapshot_fields:
            attributes = load_attributes(path)
            entry = replace(
                entry,
                field=name,
                index=int(stem.removeprefix(study.output.snapshot_base)),
                redshift=float(attributes["redshift"]),
                scale_factor=float(attributes["scale_factor"]),
            )
        files[str(path.relative_to(pair))] = entry
    return files
