"""Info files of light cones (EQUATIONS 19.1): a line of text and a binary record for each active cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import replacing, write_text
from weakfield.base.system_errors import told

#: a record of the binary file, without padding; lengths in units of the box
RECORD = np.dtype(
    [("cycle", "<i4")] + [(name, "<f8") for name in ("tau", "a", "inner", "outer", "metric_inner", "metric_outer")]
)
_COLUMNS = "# cycle   tau/boxsize    a              pcl_inner        pcl_outer        metric_inner     metric_outer\n"

Row = tuple[int, float, float, float, float, float, float]


@dataclass(frozen=True)
class InfoHeader:
    """The geometry that the head of the text states; ``number`` is that of the cone where there are several."""

    number: int | None
    vertex_mpch: tuple[float, float, float]
    redshift: float
    distance_mpch: tuple[float, float]
    half_angle_deg: float
    direction: tuple[float, float, float]

    def text(self) -> str:
        """The eight lines before the first cycle."""
        name = "" if self.number is None else f" {self.number}"
        near, far = self.distance_mpch
        return (
            f"# information file for lightcone{name}\n"
            "# geometric parameters:\n"
            f"# vertex = ({_listed(self.vertex_mpch)}) Mpc/h\n"
            f"# redshift = {self.redshift:f}\n"
            f"# distance = ({far:f} - {near:f}) Mpc/h\n"
            f"# opening half-angle = {self.half_angle_deg:f} degrees\n"
            f"# direction = ({_listed(self.direction)})\n" + _COLUMNS
        )


def _listed(vector: tuple[float, float, float]) -> str:
    return ", ".join(f"{x:f}" for x in vector)


def info_line(row: Row) -> str:
    """One line of the text."""
    cycle, tau, a, *edges = row
    return f"{cycle:6d}   {tau:e}   {a:e}   " + "   ".join(f"{edge:2.12f}" for edge in edges) + "\n"


def append_info(text: Path, binary: Path, row: Row) -> None:
    """Add a cycle to both files."""
    try:
        with open(text, "a", encoding="ascii") as lines:
            lines.write(info_line(row))
        with open(binary, "ab") as records:
            records.write(np.array([tuple(row)], dtype=RECORD).tobytes())
    except OSError as error:
        raise WeakfieldError(told(error, text, "write")) from error


def write_info(text: Path, binary: Path, header: InfoHeader, rows: Sequence[Row]) -> None:
    """Write both files whole."""
    write_text(text, header.text() + "".join(info_line(row) for row in rows))
    with replacing(binary) as scratch:
        scratch.write_bytes(np.array([tuple(row) for row in rows], dtype=RECORD).tobytes())


def read_info(path: str | Path) -> npt.NDArray[np.void]:
    """The records of a binary info file, as an array of type ``RECORD``; ``BadInput`` for another kind of file."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(told(error, path, "read")) from error
    if len(content) % RECORD.itemsize:
        raise BadInput(f"{path} has {len(content)} bytes, expected records of {RECORD.itemsize} each")
    return np.frombuffer(content, dtype=RECORD)
