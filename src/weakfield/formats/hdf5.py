"""Opening, reading and writing HDF5 files, with the errors of this package.

The HDF5 library trusts what a file says of its types: one wrong bit there can end the process. So a type is compared
with the few that are expected, as a whole, before anything is read.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5s, h5t

from weakfield.base.errors import BadInput
from weakfield.base.files import replacing
from weakfield.base.system_errors import errno_of, refusal, working_on

#: what an attribute may be once it is read
Attribute = str | int | float

#: the first bytes of every file
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
#: types of numbers that are read, by the kind of number they become; any byte order
_TYPES = {
    "f": (h5t.IEEE_F64LE, h5t.IEEE_F32LE, h5t.IEEE_F64BE, h5t.IEEE_F32BE),
    "i": (
        *(h5t.STD_I64LE, h5t.STD_I32LE, h5t.STD_I64BE, h5t.STD_I32BE),
        *(h5t.STD_U64LE, h5t.STD_U32LE, h5t.STD_U64BE, h5t.STD_U32BE),
    ),
    "b": (h5t.py_create(np.dtype(bool)),),
}
_NOT_WHOLE = "is not a whole HDF5 file"
#: deflate makes data at most so many times smaller
_MOST_PACKED = 1100
#: numbers in an attribute; the format has 64 KiB for one
_MOST_IN_ATTRIBUTE = 2**13
#: how a collection of texts of any length begins in a file (signature, version, three zeros), then its size in bytes
_TEXTS = b"GCOL\x01\0\0\0"
#: of a text: its number, how often it is used, and its size; the content follows, padded to eight bytes
_TEXT = struct.Struct("<HH4xQ")


def is_hdf5(path: str | Path) -> bool:
    """Whether a file begins as HDF5 does; true of one that another process holds open, too."""
    try:
        with open(path, "rb") as handle:
            return handle.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False


@contextmanager
def reading(path: str | Path) -> Iterator[h5py.File]:
    """An open file. Raises a ``BadInput`` that names it if it is missing, truncated, in use or of another kind."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path}: no such file, expected HDF5")
    try:
        with working_on(path), h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
        raise BadInput(f"{path} {_why(error)}") from error


def _why(error: Exception) -> str:
    """What is wrong with a file: the system's reason if there is one, which HDF5 gives only in words."""
    said = str(error)
    number = errno_of(error)
    if (number in (errno.EAGAIN, errno.EACCES) and "lock" in said) or "already open for write" in said:
        return "is in use by another process that writes to it, expected it closed"
    if number:
        return f"cannot be read: {refusal(error)}"
    return f"{_NOT_WHOLE} ({'it is truncated' if 'truncated' in said else 'damaged or of another kind'})"


@contextmanager
def writing(path: str | Path) -> Iterator[h5py.File]:
    """A new file that takes its name only when it is complete; on failure nothing is left behind.

    The file is laid out in memory and written in one go, so that a full disk makes an ordinary write fail rather than
    the HDF5 library, which cannot close such a file.
    """
    with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    with replacing(Path(path)) as scratch:
        scratch.write_bytes(image)


def only(file: h5py.Group, name: str, path: str | Path) -> h5py.Dataset:
    """The dataset ``name`` of a file, or a ``BadInput`` that lists what the file holds."""
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise BadInput(f"{path} has no dataset '{name}', found {', '.join(map(str, file)) or 'nothing'}")
    return found


def read_numbers(parent: h5py.Group, name: str, kinds: str = "fi", dimensions: int | None = None) -> npt.NDArray[Any]:
    """A dataset of real ("f") or whole ("i") numbers of 32 or 64 bits, as stored; an array type adds axes at the end.

    ``BadInput`` for another type, or another number of ``dimensions`` than was asked for.
    """
    path = parent.file.filename
    data = only(parent, name, path)
    stored = data.id.get_type()
    base, inner = (stored.get_super(), stored.get_array_dims()) if isinstance(stored, h5t.TypeArrayID) else (stored, ())
    if not _is_one_of(base, kinds) or data.shape is None or dimensions not in (None, len(data.shape)):
        raise BadInput(
            f"{path}: dataset '{name}' holds {_shown(stored)} and has shape {data.shape}, expected"
            f" {'real' if kinds == 'f' else 'whole' if kinds == 'i' else 'plain'} numbers of 32 or 64 bits"
            + ("" if dimensions is None else f" in {dimensions} dimensions")
        )
    return _read(data, np.dtype((base.dtype, inner)), path)


def dataset_names(file: h5py.File) -> list[str]:
    """The names of all datasets in a file, those in groups too, and none that lie behind a link."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return sorted(found)


def require_numbers(data: h5py.Dataset) -> h5py.Dataset:
    """The same dataset; ``BadInput`` unless it holds real or whole numbers of 32 or 64 bits, in this file alone."""
    path, stored = data.file.filename, data.id.get_type()
    if not _is_one_of(stored, "fi") or data.shape is None:
        raise BadInput(
            f"{path}: dataset '{data.name}' holds {_shown(stored)}, expected real or whole numbers of 32 or 64 bits"
        )
    if data.is_virtual or data.external:
        raise BadInput(f"{path}: dataset '{data.name}' lies in other files, expected its numbers in this one")
    _require_content(data, path)
    return data


def part_of(data: h5py.Dataset, index: int | None) -> npt.NDArray[Any]:
    """What lies at an index along the first axis of a dataset, or all of it."""
    values: npt.NDArray[Any] = data[()] if index is None else data[index]
    return values


def read_records(parent: h5py.Group, name: str, record: np.dtype[Any]) -> npt.NDArray[Any]:
    """The fields of ``record`` from a dataset (n,) of records, converted to the types that ``record`` has for them.

    Stored numbers have 32 or 64 bits; there may be further fields. ``BadInput`` for records without those fields, of
    other types, or with fields over one another.
    """
    path = parent.file.filename
    data = only(parent, name, path)
    stored = data.id.get_type()
    if not _holds(stored, record) or len(data.shape or ()) != 1:
        raise BadInput(
            f"{path}: dataset '{name}' holds {_shown(stored)} and has shape {data.shape}, expected records of"
            f" {', '.join(record.names or ())}"
        )
    return _read(data, record, path)


def read_attributes(parent: h5py.Group) -> dict[str, Attribute]:
    """The attributes of a file or group as Python values, several numbers as text.

    ``BadInput`` for an attribute that is neither numbers nor text.
    """
    path = parent.file.filename
    found: dict[str, Attribute] = {}
    _check_texts(path)
    for key in parent.attrs:
        one = h5a.open(parent.id, key.encode() if isinstance(key, str) else key)
        stored = one.get_type()
        text = isinstance(stored, h5t.TypeStringID) and stored.get_cset() in (h5t.CSET_ASCII, h5t.CSET_UTF8)
        if not (text or _is_one_of(stored, "fib")) or np.prod(one.shape) > _MOST_IN_ATTRIBUTE:
            raise BadInput(f"{path}: attribute '{key!s}' holds {_shown(stored)}, expected numbers or text")
        found[str(key)] = _plain(parent.attrs[key])
    return found


def load_attributes(path: str | Path) -> dict[str, Attribute]:
    """The attributes of a field alone; ``BadInput`` as for ``load_field``."""
    with reading(path) as file:
        return read_attributes(file)


def _check_texts(path: str) -> None:
    """``BadInput`` for a file with a text of no size, at which the HDF5 library never stops reading.

    HDF5 File Format Specification 3.0, III.E: the objects of a global heap, of which number 0 is its free space.
    """
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.find(_TEXTS)
        while start >= 0:
            at = start + len(_TEXTS)
            end = start + int.from_bytes(content[at : at + 8], "little")
            at += 8
            while at + _TEXT.size <= min(end, len(content)):
                number, _, size = _TEXT.unpack_from(content, at)
                if number == 0 and size == 0:
                    raise BadInput(f"{path} {_NOT_WHOLE} (damaged or of another kind)")
                at += -(-size // 8) * 8 + (_TEXT.size if number else 0)
            start = content.find(_TEXTS, start + 1)


def _read(data: h5py.Dataset, dtype: np.dtype[Any], path: str) -> npt.NDArray[Any]:
    """All of a dataset whose type has been checked, in memory of a type of our own."""
    _require_content(data, path)
    values = np.empty(data.shape, dtype=dtype)
    data.id.read(h5s.ALL, h5s.ALL, values, h5t.py_create(dtype))
    return values


def _require_content(data: h5py.Dataset, path: str) -> None:
    """``BadInput`` for a dataset whose shape is larger than its content can be."""
    size = data.size * data.id.get_type().get_size()
    if size > _MOST_PACKED * os.path.getsize(path) or (data.chunks is None and size != data.id.get_storage_size()):
        raise BadInput(f"{path}: dataset '{data.name}' states a shape of {data.shape}, expected that of its content")


def _is_one_of(stored: h5t.TypeID, kinds: str) -> bool:
    """Whether a type is exactly one of those for some kinds of number."""
    return any(stored == known for kind in kinds for known in _TYPES[kind])


def _holds(stored: h5t.TypeID, record: np.dtype[Any]) -> bool:
    """Whether records have the fields of ``record``, each a number of the same kind, and no fields overlap."""
    if not isinstance(stored, h5t.TypeCompoundID):
        return False
    names = [stored.get_member_name(i) for i in range(stored.get_nmembers())]
    types = [stored.get_member_type(i) for i in range(stored.get_nmembers())]
    end = 0
    for start, size in sorted((stored.get_member_offset(i), inner.get_size()) for i, inner in enumerate(types)):
        if start < end:
            return False
        end = start + size
    known = dict(zip(names, types, strict=True))
    return end <= stored.get_size() and all(
        name.encode() in known and _is_one_of(known[name.encode()], record[name].kind) for name in record.names or ()
    )


def _shown(stored: h5t.TypeID) -> str:
    """A type, described in one line."""
    try:
        text = str(stored.dtype)
    except (TypeError, ValueError):  # NumPy has no such type
        return "numbers of an unknown kind"
    return text if len(text) <= 200 else text[:200] + "..."


def _plain(value: object) -> Attribute:
    """An attribute as a Python value."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return value.item() if value.size == 1 else str(value.tolist())
    if isinstance(value, np.generic):
        plain: Attribute = value.item()
        return plain
    return value if isinstance(value, str | int | float) else str(value)
