"""Metric maps of light cones, shell by shell, in the reference program's own layout (EQUATIONS 19.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.base.files import replacing
from weakfield.base.system_errors import told

_HEADER = np.dtype(
    {
        "names": ["nside", "npix", "precision", "grid", "direction", "distance", "boxsize", "nside_ring"],
        "formats": ["<u4", "<u4", "<u4", "<u4", ("<f8", 3), "<f8", "<f8", "<u4"],
        "offsets": [0, 4, 8, 12, 16, 40, 48, 56],
        "itemsize": 256,
    }
)
_PRECISIONS = {4: "<f4", 8: "<f8"}


@dataclass(frozen=True)
class MapShell:
    """One shell of a map: ``values`` (n,), in the order that ``nside`` and ``nside_ring`` describe.

    ``direction`` is the axis, of length 1; ``distance`` the comoving radius in units of the box.
    """

    nside: int
    nside_ring: int
    grid: int
    direction: tuple[float, float, float]
    distance: float
    box_size_mpch: float
    values: npt.NDArray[np.float64]

    @property
    def distance_mpch(self) -> float:
        return self.distance * self.box_size_mpch


@contextmanager
def map_file(path: Path) -> Iterator[BinaryIO]:
    """A file of shells to ``write_shell`` into; it is there when all are written."""
    with replacing(path) as scratch, open(scratch, "wb") as handle:
        yield handle


def write_shell(handle: BinaryIO, shell: MapShell) -> None:
    """Append a shell: a header of 256 bytes and the values, each a record with its length before and behind."""
    header = np.zeros(1, dtype=_HEADER)
    header["nside"], header["nside_ring"], header["npix"] = shell.nside, shell.nside_ring, shell.values.size
    header["precision"], header["grid"], header["direction"] = 8, shell.grid, shell.direction
    header["distance"], header["boxsize"] = shell.distance, shell.box_size_mpch
    for block in (header.tobytes(), shell.values.astype("<f8").tobytes()):
        mark = np.uint32(len(block)).astype("<u4").tobytes()
        handle.write(mark + block + mark)


def load_maps(path: str | Path) -> list[MapShell]:
    """All shells of a file, from inside out; ``BadInput`` names one that is missing, truncated or of another kind."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(told(error, path, "read")) from error
    shells, at = [], 0
    while at < len(content):
        head, at = _record(content, at, path)
        if len(head) != _HEADER.itemsize:
            raise BadInput(f"{path}: a header has {len(head)} bytes, expected a map of a light cone, with 256")
        header = np.frombuffer(head, dtype=_HEADER)[0]
        body, at = _record(content, at, path)
        size, count = int(header["precision"]), int(header["npix"])
        if size not in _PRECISIONS or len(body) != size * count:
            raise BadInput(f"{path}: {len(body)} bytes follow a header of {count} pixels of {size} bytes each")
        x, y, z = (float(n) for n in header["direction"])
        shells.append(
            MapShell(
                int(header["nside"]), int(header["nside_ring"]), int(header["grid"]), (x, y, z),
                float(header["distance"]), float(header["boxsize"]),
                np.frombuffer(body, dtype=_PRECISIONS[size]).astype(np.float64),
            )
        )  # fmt: skip
    return shells


def _record(content: bytes, start: int, path: Path) -> tuple[bytes, int]:
    """One record, and where the next one begins."""
    length = int.from_bytes(content[start : start + 4], "little")
    end = start + 4 + length
    if end + 4 > len(content) or content[end : end + 4] != content[start : start + 4]:
        raise BadInput(f"{path}: a record is not whole, expected a map of a light cone")
    return content[start + 4 : end], end + 4
