"""What the system refused, in words: every error number that people meet has its own sentence, with the path.

``told`` is for errors at a known file; ``working_on`` marks errors that fly through a block with the file that was at
hand there, so that an error nobody expected can still be told with it.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from weakfield.base.errors import WeakfieldError

_FREE, _OWN = "free space there", "a file and a folder that this user may use"
#: what was expected, by the number of the error; the system's own words say what was found
_EXPECTED = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EACCES: _OWN,
    errno.EPERM: _OWN,
    errno.EROFS: "one that can be written",
    errno.EMFILE: "a higher limit for this process ('ulimit -n' shows it)",
    errno.ENFILE: "fewer processes that hold files",
    errno.ENAMETOOLONG: "at most 255 bytes in each part of a path",
    errno.EISDIR: "a file",
    errno.ENOTDIR: "folders in all parts of the path but the last",
    errno.ENOENT: "it to be there",
    errno.EEXIST: "a folder or nothing of that name",
    errno.ELOOP: "a file at the end of the links",
    errno.EIO: "a disk without faults",
    errno.ESTALE: "a network file system that is still mounted",
    errno.EFBIG: "a file within the limits of the file system and of this process ('ulimit -f' shows it)",
    errno.EBUSY: "nobody else at work on it",
    errno.ETXTBSY: "nobody else at work on it",
}
_FILE, _WORK = "weakfield_file", "weakfield_work"
#: the file that a block of ``working_on`` was last entered for, in each thread
_last: ContextVar[Path | None] = ContextVar("last", default=None)


def errno_of(error: BaseException) -> int | None:
    """The system's number of an error; HDF5 mentions it in its text alone."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    stated = re.search(r"errno = (\d+)", str(error)[:5000])
    return int(stated[1]) if stated else None


def refusal(error: BaseException) -> str:
    """What the system refused, and what was expected instead."""
    number = errno_of(error)
    if number is None:
        return str(error) or type(error).__name__
    expected = _EXPECTED.get(number)
    return f"{os.strerror(number)}, expected {expected}" if expected else os.strerror(number)


def told(error: BaseException, path: str | os.PathLike[str] | None = None, doing: str = "use") -> str:
    """The sentence about an error of the system; ``path`` is the file, if the error does not name one that it knows."""
    place = path if path is not None else file_at_hand(error)
    return f"cannot {doing} {place}: {refusal(error)}" if place is not None else refusal(error)


@contextmanager
def working_on(path: str | os.PathLike[str]) -> Iterator[None]:
    """Mark an exception that leaves the block with the file at hand, unless it carries a mark already."""
    _last.set(Path(path))
    try:
        yield
    except Exception as error:
        if not isinstance(error, WeakfieldError) and not hasattr(error, _FILE):
            setattr(error, _FILE, Path(path))
        raise


def file_at_hand(error: BaseException) -> Path | str | None:
    """The file that an error names itself, or that it was marked with (``working_on``)."""
    named = getattr(error, "filename", None)
    if isinstance(named, bytes):
        named = os.fsdecode(named)
    return named if isinstance(named, str) and named else getattr(error, _FILE, None)


@contextmanager
def during(work: str) -> Iterator[None]:
    """Mark errors that nobody expected with the ``work`` that they ended, and with the file at hand or the last one.

    The command line says both (``in_words``), and so does the traceback. Errors with a sentence of their own pass as
    they are.
    """
    _last.set(None)
    try:
        yield
    except WeakfieldError:
        raise
    except Exception as error:
        place, last = file_at_hand(error), _last.get()
        at = f" at {place}" if place is not None else f" after {last}" if last is not None else ""
        setattr(error, _WORK, (work, at))
        error.add_note(f"in {work}{at}")
        raise


def in_words(error: Exception) -> str:
    """The sentence about an error that nobody expected, or that is the system's: what it ended, and at which file."""
    work, at = getattr(error, _WORK, ("", ""))
    begin = f"{work}: " if work else ""
    place = file_at_hand(error)
    if isinstance(error, OSError):
        return begin + (refusal(error) if place is None else f"{place}: {refusal(error)}")
    return f"{begin}unexpected {type(error).__name__}{at or (f' at {place}' if place is not None else '')}: {error}"
