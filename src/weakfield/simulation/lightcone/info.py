"""The files that say which cycles a light cone has seen (EQUATIONS 19.1)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from weakfield.formats.cone_info import InfoHeader, append_info, read_info, write_info
from weakfield.simulation.clock import Clock
from weakfield.simulation.lightcone.geometry import Cone, Shells


class Record(NamedTuple):
    """One line: the cycle, its time, and the inner and outer edges for particles and for the metric."""

    cycle: int
    tau: float
    a: float
    inner: float
    outer: float
    metric_inner: float
    metric_outer: float

    @classmethod
    def of(cls, clock: Clock, shells: Shells) -> Record:
        return cls(
            clock.cycle, clock.tau, clock.a, shells.inner, shells.outer, shells.metric_inner, shells.metric_outer
        )


class InfoFiles:
    """``<stem>_info.dat`` and ``<stem>_info.bin`` of one cone, with their ``records``."""

    def __init__(self, folder: Path, stem: str, cone: Cone, box_mpch: float, numbered: bool) -> None:
        self.text, self.binary = folder / f"{stem}_info.dat", folder / f"{stem}_info.bin"
        self.records: list[Record] = []
        vx, vy, vz = (x * box_mpch for x in cone.vertex)
        self._header = InfoHeader(
            number=cone.number if numbered else None,
            vertex_mpch=(vx, vy, vz),
            redshift=cone.settings.redshift,
            distance_mpch=(cone.near * box_mpch, cone.far * box_mpch),
            half_angle_deg=cone.settings.half_angle_deg,
            direction=cone.axis,
        )

    def clear(self) -> None:
        """Remove the files of an earlier run."""
        self.text.unlink(missing_ok=True)
        self.binary.unlink(missing_ok=True)

    def cut(self, cycle: int) -> None:
        """Go on with what an earlier run has recorded up to a cycle, if its files are here."""
        rows = read_info(self.binary) if self.binary.exists() else ()
        self.records = [Record(int(row["cycle"]), *(float(row[name]) for name in Record._fields[1:])) for row in rows]
        self.records = [record for record in self.records if record.cycle <= cycle]
        self.write()

    def begin(self) -> list[Path]:
        """Write the header; returns the files."""
        self.write()
        return [self.text, self.binary]

    def add(self, record: Record) -> None:
        """Append a line and a record."""
        self.records.append(record)
        append_info(self.text, self.binary, record)

    def write(self) -> None:
        """Write both files anew, with all records so far."""
        write_info(self.text, self.binary, self._header, self.records)
