"""Tensors in files that are whole or absent."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import torch

from weakfield.base.files import replacing


def save_archive(path: Path, value: dict[str, Any]) -> None:
    """Write it whole or not at all; the same bytes for the same content (the archive does not hold its own name).

    An archive refers back to objects it met before, so equal strings must always be one object, or never.
    """
    buffer = io.BytesIO()
    torch.save(_interned(value), buffer)
    with replacing(path) as scratch:
        scratch.write_bytes(buffer.getvalue())


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
    """What ``save_archive`` wrote, on the CPU; ``None`` when it is absent or damaged."""
    try:
        value: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        return None
    except Exception:  # PyTorch documents no exception for a damaged archive
        return None
    return value


def archive_of(path: Path, key: str) -> dict[str, Any] | None:
    """What ``save_archive`` wrote if its ``hash`` is this one, otherwise ``None``."""
    saved = load_archive(path)
    return saved if saved is not None and saved.get("hash") == key else None
