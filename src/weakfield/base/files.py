"""Files that are whole or absent: write beside, fsync, rename; and hashes of content."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, WeakfieldError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside ``path``; rename it to ``path`` if the block ends without an error.

    The data are on disk before the name is, so a reader sees either the whole old file or the whole new one. An
    exception removes the scratch file and leaves what existed untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield scratch
        with open(scratch, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(scratch, path)
        sync_folder(path.parent)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise WeakfieldError(f"cannot write {path}: {error.strerror or error}") from error
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all."""
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


def copy_file(source: Path, path: Path) -> None:
    """Copy the bytes of ``source`` to ``path``, whole or not at all."""
    with replacing(path) as scratch:
        shutil.copyfile(source, scratch)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON (no NaN or infinity), whole or not at all."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; a missing or damaged file is a ``BadInput`` that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"{path} is missing") from error
    except (ValueError, OSError) as error:
        raise BadInput(f"{path} is not readable JSON: {error}") from error


def empty_folder(folder: Path) -> Path:
    """An empty folder of that name; what was in it is removed."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def sweep(partials: Iterable[Path]) -> None:
    """Remove what interrupted writes have left; the caller must hold the lock that keeps others from writing."""
    for path in list(partials):
        path.unlink()


def content_hash(value: Any) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of ``value`` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of the bytes of a file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]
