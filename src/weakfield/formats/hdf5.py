"""Opening and writing HDF5 files, with the errors of this package."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from weakfield.base.errors import BadInput
from weakfield.base.files import replacing


@contextmanager
def reading(path: str | Path) -> Iterator[h5py.File]:
    """An open file. Raises a ``BadInput`` that names it if it is missing, truncated, in use or of another kind."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path}: no such file, expected HDF5")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        raise BadInput(f"{path} {_why(error)}") from error


def _why(error: Exception) -> str:
    """What is wrong with a file: the system's reason if there is one, which HDF5 gives only in words."""
    said = str(error)
    number = getattr(error, "errno", None) or int((re.search(r"errno = (\d+)", said) or ["", "0"])[1])
    if number in (errno.EAGAIN, errno.EACCES) and "lock" in said:
        return "is in use by another process that writes to it, expected it closed"
    if number:
        return f"cannot be read: {os.strerror(number)}"
    return f"is not a whole HDF5 file ({'it is truncated' if 'truncated' in said else 'damaged or of another kind'})"


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


def only(file: h5py.File, name: str, path: str | Path) -> h5py.Dataset:
    """The dataset ``name`` of a file, or a ``BadInput`` that lists what the file holds."""
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise BadInput(f"{path} has no dataset '{name}', found {', '.join(file) or 'nothing'}")
    return found
