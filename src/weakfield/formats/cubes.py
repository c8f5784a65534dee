"""Sets of periodic cubes in the arrays of other people: .npy, .npz, HDF5, zarr, or a folder of files with a cube each.

Nothing that such a file says is believed: no pickled objects are read, no links are followed, and the type and shape of
what is there are compared with those of cubes before a number is read.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput, one_line
from weakfield.base.files import refuse_link
from weakfield.base.optional import from_extra
from weakfield.formats.hdf5 import dataset_names, only, part_of, reading, require_numbers

HDF5 = (".h5", ".hdf5", ".hdf", ".he5")
KINDS = (".npy", ".npz", *HDF5, ".zarr")
#: files with which a zarr array or group begins
ZARR = (".zarray", ".zgroup", "zarr.json")
#: what reading a damaged or hostile array raises
DAMAGED = (OSError, ValueError, EOFError, KeyError, TypeError, RuntimeError, SyntaxError, zipfile.BadZipFile)

Reals = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class CubeSet:
    """``count`` cubes of ``grid`` cells a side; ``read`` gives one by its index, as it is stored or as doubles.

    ``where`` says of an index what was read, for errors and for the record of a pair.
    """

    source: str
    count: int
    grid: int
    dtype: str
    _read: Callable[[int], NDArray[Any]]
    where: Callable[[int], str]

    def read(self, index: int) -> Reals:
        """The cube (N, N, N) [z, y, x], float32 or float64; ``BadInput`` where it is damaged or not finite."""
        try:
            cube = np.ascontiguousarray(self._read(index), dtype=self.dtype)
        except DAMAGED as error:
            why = one_line(str(error), 200)
            raise BadInput(f"{self.where(index)} cannot be read ({why}), expected a cube") from error
        if cube.shape != (self.grid,) * 3:
            raise BadInput(f"{self.where(index)} has shape {cube.shape}, expected {(self.grid,) * 3} as the first cube")
        if not np.isfinite(cube).all():
            raise BadInput(f"{self.where(index)} holds NaN or infinity, expected finite numbers")
        return cube


def open_cubes(source: str | Path | Sequence[str | Path], key: str | None = None) -> CubeSet:
    """The cubes of a file, of a folder, or of a list of files.

    A file holds an array (n, N, N, N); those of a folder, in the order of their names, or of a list hold a cube (N, N,
    N) each. ``key`` names the array of an .npz, HDF5 or zarr that has several. Whole numbers become doubles and half
    precision singles; single and double precision stay. Raises ``BadInput`` for what is none of these, for links,
    pickled objects, arrays that are not real, and shapes that are no cubes.
    """
    if not isinstance(source, str | Path):
        return _of_files(", ".join(map(str, source)), [_one(Path(path)) for path in source], key)
    path = refuse_link(Path(source), Path(source).parent)
    if path.is_dir() and not _is_zarr(path):
        names = sorted(os.listdir(path))
        files = [refuse_link(path / name, path) for name in names if (path / name).suffix.lower() in KINDS]
        if not files:
            raise BadInput(f"{path} holds no file of cubes, expected {', '.join(KINDS)}")
        return _of_files(str(path), files, key)
    array = _open(path, key)
    if len(array.shape) != 4:
        raise BadInput(f"{array.name} has shape {array.shape}, expected (n, N, N, N)")
    count, *sides = array.shape
    _require_cube(array.name, tuple(sides))
    if not count:
        raise BadInput(f"{array.name} has shape {array.shape}, expected at least one cube")
    return CubeSet(array.name, count, sides[0], _kept(array), array.read, lambda index: f"{array.name}[{index}]")


def _one(path: Path) -> Path:
    return refuse_link(path, path.parent)


def _of_files(source: str, files: Sequence[Path], key: str | None) -> CubeSet:
    """A cube from each file; the first one says what the others have to be."""
    if not files:
        raise BadInput("the list of files is empty, expected a file for each cube")
    arrays = [_open(path, key) for path in files]
    for array in arrays:
        if len(array.shape) != 3:
            raise BadInput(f"{array.name} has shape {array.shape}, expected a cube (N, N, N) in each of several files")
        _require_cube(array.name, array.shape)
        if array.shape != arrays[0].shape:
            raise BadInput(f"{array.name} has shape {array.shape}, expected {arrays[0].shape} as {arrays[0].name}")
        if _kept(array) != _kept(arrays[0]):
            raise BadInput(f"{array.name} holds {array.dtype}, expected {arrays[0].dtype} as {arrays[0].name}")
    return CubeSet(
        source,
        len(files),
        arrays[0].shape[0],
        _kept(arrays[0]),
        lambda index: arrays[index].read(None),
        lambda index: arrays[index].name,
    )


@dataclass(frozen=True)
class _Array:
    """An array on disk: what it states of itself, and ``read``, which gives what lies at an index, or all of it."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[int | None], NDArray[Any]]


def _require_cube(name: str, sides: tuple[int, ...]) -> None:
    if len(set(sides)) != 1 or sides[0] < 4:
        raise BadInput(f"{name} holds boxes of {sides} cells, expected cubes of at least 4 cells a side")


def _kept(array: _Array) -> str:
    """The precision in which the cubes of an array are kept."""
    dtype = array.dtype
    if dtype.kind in "iu":
        return "float64"
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise BadInput(f"{array.name} holds {dtype}, expected real numbers of at most 64 bits")
    return "float64" if dtype.itemsize == 8 else "float32"


def _open(path: Path, key: str | None) -> _Array:
    """The array in a file, by its suffix."""
    kind = path.suffix.lower()
    if not path.exists():
        raise BadInput(f"{path}: no such file, expected cubes in {', '.join(KINDS)}")
    if _is_zarr(path):
        return _zarr(path, key)
    if kind in HDF5:
        return _hdf5(path, key)
    if kind not in (".npy", ".npz"):
        raise BadInput(f"{path} is of an unknown kind, expected {', '.join(KINDS)}, or a folder of them")
    try:
        return _npz(path, key) if kind == ".npz" else _npy(path)
    except DAMAGED as error:
        raise BadInput(
            f"{path} cannot be read as {kind} without pickled objects ({one_line(str(error), 200)}), expected an array"
        ) from error


def _chosen(path: Path, names: Sequence[str], key: str | None) -> str:
    """The name of the array that is meant."""
    if key is not None and key not in names:
        raise BadInput(f"{path} has no array '{key}', found {', '.join(names) or 'none'}; --keys names it")
    if key is None and len(names) != 1:
        raise BadInput(f"{path} holds {', '.join(names) or 'no arrays'}, expected one array, or --keys to name it")
    return names[0] if key is None else key


def _npy(path: Path) -> _Array:
    held = np.load(path, mmap_mode="r", allow_pickle=False)
    return _Array(str(path), held.shape, held.dtype, lambda index: held if index is None else held[index])


def _npz(path: Path, key: str | None) -> _Array:
    with np.load(path, allow_pickle=False) as file:
        name = _chosen(path, file.files, key)
        held = file[name]
    return _Array(f"{path}:{name}", held.shape, held.dtype, lambda index: held if index is None else held[index])


def _hdf5(path: Path, key: str | None) -> _Array:
    with reading(path) as file:
        name = _chosen(path, dataset_names(file), key)
        data = require_numbers(only(file, name, path))
        shape, dtype = data.shape, data.dtype

    def read(name: str, index: int | None) -> NDArray[Any]:
        with reading(path) as file:
            return part_of(require_numbers(only(file, name, path)), index)

    return _Array(f"{path}:{name}", shape, dtype, partial(read, name))


def _is_zarr(path: Path) -> bool:
    return path.is_dir() and (path.suffix.lower() == ".zarr" or any((path / name).exists() for name in ZARR))


def _zarr(path: Path, key: str | None) -> _Array:
    with from_extra("arrays", f"reading {path}"):
        import zarr
    _require_plain(path)
    try:
        held: Any = zarr.open(str(path), mode="r")
        name = str(path)
        if hasattr(held, "arrays"):  # a group
            chosen = _chosen(path, sorted(one for one, _ in held.arrays()), key)
            held, name = held[chosen], f"{path}:{chosen}"
        shape, dtype = tuple(held.shape), np.dtype(held.dtype)
    except DAMAGED as error:
        raise BadInput(f"{path} cannot be read as zarr ({one_line(str(error), 200)}), expected an array") from error
    return _Array(name, shape, dtype, lambda index: np.asarray(held[...] if index is None else held[index]))


def _require_plain(path: Path) -> None:
    """Refuse a zarr that leads elsewhere by links, or whose chunks are pickled objects."""
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            refuse_link(Path(folder) / name, path)
            if name in (*ZARR, ".zmetadata") and b"pickle" in (Path(folder) / name).read_bytes().lower():
                raise BadInput(f"{Path(folder) / name} names pickled objects, expected numbers: no pickles are read")
