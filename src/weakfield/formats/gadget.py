"""Gadget-2 snapshots (format 1) as particle templates: header, positions and, if present, IDs (PHYSICS 3.1, 10)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.formats.templates import Template

_HEADER_BYTES = 256
_HEADER = np.dtype(
    [
        ("npart", "<u4", 6),
        ("mass", "<f8", 6),
        ("time", "<f8"),
        ("redshift", "<f8"),
        ("flag_sfr", "<i4"),
        ("flag_feedback", "<i4"),
        ("npartTotal", "<u4", 6),
        ("flag_cooling", "<i4"),
        ("num_files", "<i4"),
        ("BoxSize", "<f8"),
        ("Omega0", "<f8"),
        ("OmegaLambda", "<f8"),
        ("HubbleParam", "<f8"),
        ("rest", "V96"),
    ]
)


def load_template(path: str | Path) -> Template:
    """The type-1 particles of a Gadget-2 file as a template: positions / BoxSize in [0, 1), in file order.

    Raises ``BadInput`` naming the file when it is missing, truncated, of another kind, or holds no such
    particles inside its box.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such particle template") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    header_bytes, rest = _record(content, 0, path, "header")
    if len(header_bytes) != _HEADER_BYTES:
        raise BadInput(f"{path}: the first record has {len(header_bytes)} bytes, expected a Gadget-2 header of 256")
    header = np.frombuffer(header_bytes, dtype=_HEADER)[0]
    count, box = int(header["npart"][1]), float(header["BoxSize"])
    if count == 0 or int(header["npart"].sum()) != count or not box > 0:
        raise BadInput(
            f"{path} holds {header['npart'].tolist()} particles by type in a box of {box:g}, expected type 1 alone"
            " in a box above 0"
        )
    block, _ = _record(content, rest, path, "positions")
    if len(block) != 12 * count:
        raise BadInput(f"{path}: the positions have {len(block)} bytes, expected {12 * count} for {count} particles")
    positions = np.frombuffer(block, dtype="<f4").reshape(count, 3).astype(np.float64) / box
    if not np.isfinite(positions).all() or positions.min() < 0 or positions.max() > 1:
        raise BadInput(f"{path}: positions lie outside the box of {box:g} that its header states")
    return Template(str(path), _wrapped(positions))


def _wrapped(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(positions >= 1.0, positions - 1.0, positions)


def _record(content: bytes, start: int, path: Path, name: str) -> tuple[bytes, int]:
    """One Fortran record and where the next begins."""
    length = int.from_bytes(content[start : start + 4], "little")
    end = start + 4 + length
    if len(content) < end + 4 or int.from_bytes(content[end : end + 4], "little") != length:
        raise BadInput(f"{path}: the record of the {name} is not whole, expected a Gadget-2 file of format 1")
    return content[start + 4 : end], end + 4
