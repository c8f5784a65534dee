"""The hashes of files, taken once a process for each state of a file.

SHA-256, which pairs record, takes about 1 ns a byte on processors that have instructions for it: 0.15 s for a field of
256^3 doubles beside 0.04 s of reading it from memory and seconds of measuring it. BLAKE2b takes 0.22 s, CRC-32 0.05 s:
a cheaper hash would save nothing that can be noticed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from weakfield.base.files import file_hash

_TAKEN: dict[str, tuple[tuple[int, ...], str]] = {}


def look_of(path: Path) -> list[int]:
    """Size [bytes], and the times of the last change of the content and of the inode [ns]."""
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def known_hash(path: Path, take: Callable[[Path], str] = file_hash) -> str:
    """The ``file_hash`` of a file, which ``take`` takes when the file is new to this process or looks different."""
    name, look = os.path.abspath(path), (os.stat(path).st_ino, *look_of(path))
    if name not in _TAKEN or _TAKEN[name][0] != look:
        _TAKEN[name] = (look, take(path))
    return _TAKEN[name][1]
