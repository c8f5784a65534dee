"""Tensors in files that are whole or absent, and that say when they are damaged.

A file is an archive of PyTorch that ``torch.load`` reads too. Its comment, at the very end, is the SHA-256 of what is
before it; a file of an earlier version has none, and the checksums of its entries are compared instead.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch

from weakfield.base.errors import BadInput
from weakfield.base.files import replacing

#: the comment is this and 64 hexadecimal digits; two bytes before it hold its length
MARK = b"weakfield sha256 "
LENGTH = len(MARK) + 64


class Damaged(BadInput):
    """Raised for a file that is there but does not hold what was written."""


def save_archive(path: Path, value: dict[str, Any]) -> None:
    """Write it whole or not at all; the same bytes for the same content (the archive does not hold its own name).

    An archive refers back to objects it met before, so equal strings must always be one object, or never.
    """
    buffer = io.BytesIO()
    torch.save(_interned(value), buffer)
    archive = buffer.getvalue()[:-2]  # without the length of its comment, which is 0
    comment = MARK + hashlib.sha256(archive).hexdigest().encode()
    with replacing(path) as scratch:
        scratch.write_bytes(archive + LENGTH.to_bytes(2, "little") + comment)


def _interned(value: Any) -> Any:
    """The same dictionaries and lists, with equal strings made one object."""
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, dict):
        return {_interned(key): _interned(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_interned(entry) for entry in value]
    return value


def load_archive(path: Path) -> dict[str, Any] | None:
    """What ``save_archive`` wrote, on the CPU; ``None`` when it is absent, and ``Damaged`` when it is not whole."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        _check(data)
        value = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except Exception as error:  # neither PyTorch nor zipfile documents what it raises for a damaged archive
        raise Damaged(f"{path} is damaged, expected the archive that weakfield wrote") from error
    if not isinstance(value, dict):
        raise Damaged(f"{path} holds a {type(value).__name__}, expected the dictionary that weakfield wrote")
    return value


def _check(data: bytes) -> None:
    """``ValueError`` or an exception of zipfile for an archive that differs from what was written."""
    if data[-LENGTH:].startswith(MARK):
        if data[-LENGTH:] != MARK + hashlib.sha256(data[: -LENGTH - 2]).hexdigest().encode():
            raise ValueError("another hash")
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if (damaged := archive.testzip()) is not None:
            raise ValueError(f"another checksum of {damaged}")


def archive_of(path: Path, key: str) -> dict[str, Any] | None:
    """What ``save_archive`` wrote if its ``hash`` is this one, otherwise ``None``; ``Damaged`` as ``load_archive``."""
    saved = load_archive(path)
    return saved if saved is not None and saved.get("hash") == key else None
