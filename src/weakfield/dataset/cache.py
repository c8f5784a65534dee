"""Cubes ready to be read, kept on disk and memory-mapped: what is not read takes no memory and no time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from weakfield.base.files import replacing


def cached_cubes(path: Path, shape: tuple[int, ...], make: Callable[[], Tensor]) -> Tensor:
    """The float32 array in ``path``, mapped for reading; made by ``make`` and written whole if it is not there.

    A file that is cut off or of another shape is made again. The tensor must not be written to.
    """
    values = _mapped(path)
    if values is None or values.shape != shape:
        made = make().numpy()
        with replacing(path) as scratch, open(scratch, "wb") as handle:
            np.save(handle, made)
        values = _mapped(path)
        assert values is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch has no read-only tensors and says so
        return torch.from_numpy(values)


def _mapped(path: Path) -> np.ndarray | None:
    try:
        values: np.ndarray = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return values if values.dtype == np.float32 else None
