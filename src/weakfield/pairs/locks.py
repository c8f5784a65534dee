"""Who works on what: one lock for the run folder and one for each pair, so that many processes can share a run folder.

A pair is locked by an flock on a file of its own, so that no two processes grow it at once. The kernel drops the lock
when its process ends, however that happens: the pair of a dead worker becomes free again. No clock is read, so a jump
of the time can neither free a lock nor keep one. Linux passes flock on to NFS servers of version 4 (and of version 3
with lockd); these free the locks of a node that has died when its lease ends, within minutes. Lustre needs the mount
option ``flock``. A file system without locks is recognised by the error it returns. Two processes that are given the
same seed there both grow the pair, each in a folder of its own (``own_name``); the first whole pair stays and the other
is dropped, and both are identical. Locks that work but do not reach other nodes (``localflock``, NFS with
``local_lock``) cannot be told from those that do: two nodes would then meet in one folder, so each node has to be given
its own seeds.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from weakfield.base.errors import WeakfieldError
from weakfield.base.provenance import now
from weakfield.base.system_errors import told
from weakfield.config import Draw, RunFolder
from weakfield.config.layout import draw_named, in_order, pair_name

#: a process that asks who has a pair (``holder``) takes its lock for microseconds; one that is refused retries for this
#: long [s]
_READER = 0.05
_POLL = 0.2
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
#: lock files of this process that are on a file system without locks
_UNLOCKED: set[Path] = set()


def lock_path(folder: RunFolder, draw: Draw) -> Path:
    """The file whose lock says who has the pair of a seed, or of its inverse."""
    return folder.campaign / "claims" / pair_name(draw)


@contextmanager
def pair_lock(folder: RunFolder, draw: Draw, wait: bool = False) -> Iterator[bool]:
    """Yield whether the pair is ours during the block; with ``wait``, first wait until nobody else has it.

    Raises ``WeakfieldError`` where the run folder cannot be written.
    """
    path = lock_path(folder, draw)
    try:
        handle = _taken(path, wait)
        if handle is not None:
            _signed(handle, path)
    except OSError as error:
        raise WeakfieldError(told(error, path, "write")) from error
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        _UNLOCKED.discard(path)
        path.unlink(missing_ok=True)  # before the lock goes, so that a waiting process sees that the file is gone
        os.close(handle)


def holder(folder: RunFolder, draw: Draw) -> dict[str, Any] | None:
    """Host, process and time of whoever has the pair now; ``None`` if nobody has it."""
    try:
        handle = os.open(lock_path(folder, draw), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        try:
            said = json.loads(os.pread(handle, 4096, 0))
        except (ValueError, RecursionError):  # taken at this instant
            said = None
        unknown = {"host": "unknown", "process": 0, "since": now()}
        return {key: said.get(key, other) for key, other in unknown.items()} if isinstance(said, dict) else unknown
    except OSError:
        return None
    finally:
        os.close(handle)


def holders(folder: RunFolder) -> dict[Draw, dict[str, Any]]:
    """Every pair that a process has now, with its host, its process and since when it has had the pair."""
    named = (draw_named(path.name) for path in (folder.campaign / "claims").glob("seed*"))
    draws = sorted((draw for draw in named if draw is not None), key=in_order)
    found = {draw: holder(folder, draw) for draw in draws}
    return {draw: who for draw, who in found.items() if who is not None}


def identity() -> dict[str, Any]:
    """The host and process that we run in, and the time now."""
    return {"host": socket.gethostname(), "process": os.getpid(), "since": now()}


def own_name(folder: RunFolder, draw: Draw) -> str:
    """A part of the name of the folder a pair grows in: host and process where there are no locks, otherwise empty.

    A process continues what an interrupted one left under the same name, which is safe only under a lock.
    """
    return f".{socket.gethostname()}-{os.getpid()}" if lock_path(folder, draw) in _UNLOCKED else ""


def _taken(path: Path, wait: bool) -> int | None:
    """The locked file, or ``None`` if another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_named(handle, path):
                return handle
            again = True  # its holder removed the file while we were opening it
        except BlockingIOError:
            again = wait or time.monotonic() - begin < _READER
        except OSError as error:
            if error.errno in _NO_LOCKS:
                _UNLOCKED.add(path)  # no locks here: giving each process its own seeds is the only protection
                return handle
            os.close(handle)
            raise
        os.close(handle)
        if not again:
            return None
        time.sleep(_POLL if wait else _READER / 5)


def _signed(handle: int, path: Path) -> None:
    """Write down who has the pair; if that fails, the lock is given up, as it would otherwise stay with us."""
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(identity()).encode(), 0)
    except OSError:
        _UNLOCKED.discard(path)
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(handle)
        raise


def _is_named(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def run_lock(folder: RunFolder) -> Iterator[None]:
    """Hold the run folder's lock; the kernel releases it when the process ends, however that happens."""
    with lock_file(folder, ".lock") as handle:
        if not flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise WeakfieldError(
                f"{folder.root} is in use by another weakfield (process {holder}); wait for it or choose another --out"
            )
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def lock_file(folder: RunFolder, name: str) -> IO[str]:
    """An open lock file of a run folder, made if missing; ``WeakfieldError`` where it cannot be written."""
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        return open(folder.root / name, "a+", encoding="utf-8")
    except OSError as error:
        raise WeakfieldError(told(error, folder.root, "write in")) from error


def flock(handle: IO[str], how: int) -> bool:
    """Whether the lock is ours now; where a cluster file system has no locks, users must avoid simultaneous work."""
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
