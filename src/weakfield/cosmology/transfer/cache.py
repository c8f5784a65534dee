"""Named arrays kept in the user's cache folder; several processes may read and write at once."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import WeakfieldError
from weakfield.base.files import replacing

Array = npt.NDArray[np.float64]


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/weakfield``, by default ``~/.cache/weakfield``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weakfield"


def cached_arrays(name: str, compute: Callable[[], dict[str, Array]]) -> dict[str, Array]:
    """The arrays stored under ``name``; they are computed and stored if they are missing or damaged.

    If the folder cannot be written, that costs time but does not affect the result.
    """
    path = cache_folder() / f"{name}.npz"
    try:
        with np.load(path) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        arrays = compute()
    try:
        with replacing(path) as scratch, open(scratch, "wb") as handle:
            np.savez(handle, **arrays)  # type: ignore[arg-type]
    except (OSError, WeakfieldError):
        pass
    return arrays
