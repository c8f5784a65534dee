"""Tensors in files that are whole or absent."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from weakfield.base.files import replacing


def save_archive(path: Path, value: dict[str, Any]) -> None:
    """Whole or not at all; the same bytes for the same content (the archive does not hold its own name)."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with replacing(path) as scratch:
        scratch.write_bytes(buffer.getvalue())


def load_archive(path: Path) -> dict[str, Any] | None:
    """What ``save_archive`` wrote, on the CPU, or nothing when it is absent or damaged."""
    try:
        value: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        return None
    except Exception:  # PyTorch names none for a damaged archive
        return None
    return value


def archive_of(path: Path, key: str) -> dict[str, Any] | None:
    """What ``save_archive`` wrote with this ``hash``, or nothing."""
    saved = load_archive(path)
    return saved if saved is not None and saved.get("hash") == key else None
