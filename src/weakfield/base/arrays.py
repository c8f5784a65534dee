"""Arrays in .npz files that are whole or absent; their checksums are compared when they are read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.base.files import replacing


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays by name, whole or not at all."""
    with replacing(path) as scratch, open(scratch, "wb") as handle:
        np.savez(handle, **arrays)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a file that ``save_arrays`` wrote; ``BadInput`` where it is missing, damaged or something else."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(f"{path} is missing") from error
    try:
        with np.load(io.BytesIO(data)) as file:
            return dict(file)
    except Exception as error:  # a damaged archive raises what zipfile, NumPy and Python's own parser happen to find
        raise BadInput(f"{path} is damaged, expected the arrays that weakfield wrote") from error
