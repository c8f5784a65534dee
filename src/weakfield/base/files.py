"""Files that are whole or absent: write beside, fsync, rename; and hashes of content."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.system_errors import told, working_on


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside ``path``; rename it to ``path`` if the block ends without an error.

    The data are on disk before the name is, so a reader sees either the whole old file or the whole new one. An
    exception removes the scratch file and leaves what existed untouched.
    """
    path = Path(path)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with working_on(path):
            yield scratch
        with open(scratch, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(scratch, path)
        sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise WeakfieldError(told(error, path, "write")) from error
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty scratch folder beside ``path``; rename it to ``path`` if the block ends without an error.

    ``BadInput`` if something of that name exists, before or after the block. An error removes the scratch folder.
    """
    path = Path(path)
    _require_absent(path)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with working_on(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield empty_folder(scratch)
            for file in scratch.rglob("*"):
                if file.is_file():
                    with open(file, "rb") as handle:
                        os.fsync(handle.fileno())
            _require_absent(path)
            os.rename(scratch, path)
            sync_folder(path.parent)
    except BaseException as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if isinstance(error, OSError):
            raise WeakfieldError(told(error, path, "write")) from error
        raise


def _require_absent(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise BadInput(f"{path} exists, expected the name of a folder to be made")


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
    """Read JSON; a missing or damaged file, or one with NaN or infinity, is a ``BadInput`` that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_not_a_number)
    except FileNotFoundError as error:
        raise BadInput(f"{path} is missing") from error
    except (ValueError, OSError) as error:
        raise BadInput(f"{path} is not readable JSON: {error}") from error
    except RecursionError as error:
        raise BadInput(f"{path} is not readable JSON: its lists are nested too deep") from error


def _not_a_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


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


def refuse_link(path: Path, root: Path) -> Path:
    """The same path; ``BadInput`` if it is a link, or lies behind one below ``root``."""
    between = (part for part in path.parents if part != root and part.is_relative_to(root))
    if link := next((part for part in (path, *between) if part.is_symlink()), None):
        raise BadInput(f"{link} is a link, and import follows none; expected the file or folder itself")
    return path


def content_hash(value: Any) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of ``value`` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of the bytes of a file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]
