"""Fields on the mesh as HDF5, in the layout of the reference program (EQUATIONS 10), with attributes of our own.

A file has one dataset ``data``, indexed [z, y, x], little endian. A vector is an HDF5 array type of 3 (x, y, z), a
symmetric tensor one of 6 (xx, xy, xz, yy, yz, zz). In memory the component is the first index.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.formats.hdf5 import Attribute, read_attributes, read_numbers, reading, writing

_COMPONENTS = (3, 6)


def save_field(
    path: str | Path,
    field: Tensor | npt.NDArray[np.floating],
    attributes: Mapping[str, Attribute],
    dtype: Literal["float32", "float64"] = "float32",
    compression: Literal["none", "gzip"] = "none",
) -> None:
    """Write a field (N, N, N), a vector (3, N, N, N) or a symmetric tensor (6, N, N, N), whole or not at all.

    Raises ``WeakfieldError`` when the field holds NaN or infinity, or when the file cannot be written.
    """
    values = field.detach().cpu().numpy() if isinstance(field, Tensor) else np.asarray(field)
    if not _is_cube(values.shape):
        raise ValueError(f"a field has shape {values.shape}, expected (N,N,N), (3,N,N,N) or (6,N,N,N)")
    if not np.isfinite(values).all():
        raise WeakfieldError(f"{path} was not written: the field holds values that are not finite")
    kind = np.dtype(dtype).newbyteorder("<")
    components = values.shape[0] if values.ndim == 4 else 0
    stored = np.dtype((kind, (components,))) if components else kind
    content = np.ascontiguousarray(np.moveaxis(values, 0, -1) if components else values, dtype=kind)
    with writing(path) as file:
        options = {} if compression == "none" else {"compression": compression, "shuffle": True}
        data = file.create_dataset("data", shape=values.shape[-3:], dtype=stored, **options)
        data.write_direct(content) if not components else _write_components(data, content)
        for name, value in attributes.items():
            file.attrs[name] = value


def load_field(path: str | Path) -> tuple[Tensor, dict[str, Attribute]]:
    """Read a field and its attributes; the reference program's files have none.

    Returns a tensor [z, y, x] in the stored precision, of shape (N, N, N), (3, N, N, N) or (6, N, N, N). Raises
    ``BadInput`` naming the file when it is missing, truncated or not HDF5, lacks such a dataset, or holds NaN.
    """
    with reading(path) as file:
        values = read_numbers(file, "data", "f", 3)
        attributes = read_attributes(file)
    inner = values.ndim - 3
    if not _is_cube(values.shape[3:] + values.shape[:3]):
        raise BadInput(
            f"{path}: dataset 'data' has shape {values.shape[:3]} with {values.shape[3:] or 1} values each, expected a"
            " cube of scalars, of 3 or of 6 values"
        )
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if not np.isfinite(values).all():
        raise BadInput(f"{path}: the field holds NaN or infinity")
    if inner:
        values = np.moveaxis(values, -1, 0)
    return torch.from_numpy(np.ascontiguousarray(values)), attributes


def _is_cube(shape: tuple[int, ...]) -> bool:
    cube = shape[-3:]
    return len(cube) == 3 and len(set(cube)) == 1 and cube[0] > 0 and (shape[:-3] in ((), (3,), (6,)))


def _write_components(data: h5py.Dataset, content: npt.NDArray[np.floating]) -> None:
    """Write (N, N, N, c) into a dataset of array type; h5py takes the inner axis to belong to that type."""
    memory = h5py.h5t.py_create(data.dtype)
    data.id.write(h5py.h5s.ALL, h5py.h5s.ALL, content, memory)
