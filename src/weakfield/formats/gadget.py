"""Gadget-2 snapshots, used as particle templates and as the particles of a run (EQUATIONS 3.1, 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import replacing
from weakfield.base.system_errors import told
from weakfield.formats.templates import Template

#: today's critical density in units of 1e10 Msun/h per (Mpc/h)^3
CRITICAL_DENSITY = 27.7459457
#: 1 km/s in units of the speed of light
VELOCITY_UNIT = 3.335640952e-6
#: the unit of length is kpc/h
_KPC_PER_MPC = 1000.0

_HEADER_BYTES = 256
#: the records that are read, in the order of the file: their names in format 2, and in words
_RECORDS = {"HEAD": "header", "POS": "positions", "VEL": "velocities", "ID": "IDs"}
#: how far outside the box rounding may put a position, in units of the box
_BEYOND = 1e-5
#: how far scale factor and redshift of a header may differ
_SAME = 1e-3
#: most files that one snapshot may have
_MOST_FILES = 100_000
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


@dataclass(frozen=True)
class GadgetSnapshot:
    """Type-1 particles of a snapshot, sorted by ``ids`` (n,).

    ``positions`` (n, 3) are in units of the box, in [0, 1); ``momenta`` (n, 3) are q per mass in units of c, at the
    time of the positions; ``particle_density`` is the Omega of one particle, i.e. the mass in ``formats.Particles``.
    """

    ids: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    momenta: npt.NDArray[np.float64]
    particle_density: float
    scale_factor: float
    box_size_mpch: float
    omega_m: float
    omega_lambda: float
    h: float


def save_gadget(path: str | Path, snapshot: GadgetSnapshot) -> None:
    """Write one file of format 1: header, POS [kpc/h] and VEL [km/s per sqrt(a)] in float32, and IDs in 64 bits.

    Raises ``WeakfieldError`` when a position or velocity is not finite, or when the file cannot be written.
    """
    _write(Path(path), snapshot, np.arange(snapshot.ids.size), 1)


def save_gadget_files(
    path: str | Path, snapshot: GadgetSnapshot, parts: Sequence[npt.NDArray[np.integer]]
) -> list[Path]:
    """Write a snapshot as the files ``path.0``, ``path.1``, ..., each with the particles of its part, in that order.

    A part has the indices of its particles, and may be empty. Files and errors are as in ``save_gadget``. Returns the
    paths.
    """
    paths = [Path(path).with_name(f"{Path(path).name}.{i}") for i in range(len(parts))]
    for file, part in zip(paths, parts, strict=True):
        _write(file, snapshot, part, len(parts))
    return paths


def _write(path: Path, snapshot: GadgetSnapshot, part: npt.NDArray[np.integer], files: int) -> None:
    """Write the file of one part of a snapshot in so many files."""
    a, box = snapshot.scale_factor, snapshot.box_size_mpch
    kept, momenta = snapshot.positions[part], snapshot.momenta[part]
    if not (np.isfinite(kept).all() and np.isfinite(momenta).all()):
        raise WeakfieldError(f"{path} was not written: positions or momenta are not finite")
    header = np.zeros(1, dtype=_HEADER)
    header["npart"][0, 1], header["npartTotal"][0, 1] = part.size, snapshot.ids.size
    header["mass"][0, 1] = CRITICAL_DENSITY * snapshot.particle_density * box**3
    header["time"], header["redshift"], header["num_files"] = a, 1.0 / a - 1.0, files
    header["BoxSize"] = box * _KPC_PER_MPC
    header["Omega0"], header["OmegaLambda"] = snapshot.omega_m, snapshot.omega_lambda
    header["HubbleParam"] = snapshot.h
    positions, velocities = kept * (box * _KPC_PER_MPC), momenta / (a * np.sqrt(a) * VELOCITY_UNIT)
    blocks = (header, positions.astype("<f4"), velocities.astype("<f4"), snapshot.ids[part].astype("<i8"))
    with replacing(path) as scratch, open(scratch, "wb") as handle:
        for block in blocks:
            mark = np.uint32(block.nbytes).astype("<u4").tobytes()
            handle.write(mark + np.ascontiguousarray(block).tobytes() + mark)


def load_gadget(path: str | Path) -> GadgetSnapshot:
    """Read a snapshot, sorted by ID: format 1 or 2, either byte order, one file or several.

    If there are several files, ``path`` is any one of them, or their common part before ``.0``, ``.1``, .... IDs have
    32 or 64 bits, as have positions and velocities. Raises ``BadInput`` naming the file when it is missing, truncated
    or of another kind, or when it holds particles that are of other types, without mass or outside its box.
    """
    parts = [_Part.read(part) for part in _files(Path(path), "snapshot")]
    first = parts[0]
    for part in parts[1:]:
        part.check_beside(first)
    a, box, mass = first.scale_factor, first.box, float(first.header["mass"][1])
    if not (np.isfinite([a, mass]).all() and a > 0.0 and mass > 0.0):
        raise BadInput(
            f"{first.path}: the header states scale factor {a:g} and particle mass {mass:g}, expected both above 0"
        )
    z = float(first.header["redshift"])
    if z != 0.0 and not abs(a * (1.0 + z) - 1.0) < _SAME:  # some programs leave it 0
        raise BadInput(f"{first.path}: the header states scale factor {a:g} and redshift {z:g}, expected the same time")
    positions, velocities, ids = (
        np.concatenate([getattr(part, name)() for part in parts]) for name in ("positions", "velocities", "ids")
    )
    total = int(first.header["npartTotal"][1])
    if total != ids.size and (len(parts) > 1 or total != 0):
        raise BadInput(
            f"{first.path} holds {ids.size} particles in {len(parts)} files, expected {total} as its header says"
        )
    order = np.argsort(ids, kind="stable")
    return GadgetSnapshot(
        ids=ids[order],
        positions=positions[order],
        momenta=velocities[order] * (a * np.sqrt(a) * VELOCITY_UNIT),
        particle_density=mass / (CRITICAL_DENSITY * (box / _KPC_PER_MPC) ** 3),
        scale_factor=a,
        box_size_mpch=box / _KPC_PER_MPC,
        omega_m=float(first.header["Omega0"]),
        omega_lambda=float(first.header["OmegaLambda"]),
        h=float(first.header["HubbleParam"]),
    )


def load_template(path: str | Path) -> Template:
    """The type-1 particles of a Gadget-2 snapshot as a template: positions / BoxSize in [0, 1), in file order.

    Files are as in ``load_gadget``. Raises ``BadInput`` naming the file when it is missing, truncated or of another
    kind, or when it holds no such particles inside its box.
    """
    parts = [_Part.read(part) for part in _files(Path(path), "particle template")]
    return Template(str(path), np.concatenate([part.positions() for part in parts]))


def _files(path: Path, kind: str) -> list[Path]:
    """All files of a snapshot, given one of them or the common part of their names."""
    if path.is_file():
        count = int(_Part.read(path).header["num_files"])
        if count <= 1:
            return [path]
        base = path.with_suffix("") if path.suffix[1:].isdigit() else path
    else:
        base, first = path, path.with_name(f"{path.name}.0")
        if not first.is_file():
            raise BadInput(f"{path}: no such {kind}")
        count = int(_Part.read(first).header["num_files"])
    if not 0 < count <= _MOST_FILES:
        raise BadInput(f"{path} states that it is one of {count} files, expected at most {_MOST_FILES}")
    files = [base.with_name(f"{base.name}.{i}") for i in range(count)]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise BadInput(f"{path} is one of {count} files but {missing[0]} is missing, expected all beside each other")
    return files


@dataclass(frozen=True)
class _Part:
    """One file: its header, and its records by name, with numbers in the byte order of the file."""

    path: Path
    order: Literal["<", ">"]
    header: np.void
    records: Mapping[str, bytes]

    @classmethod
    def read(cls, path: Path) -> _Part:
        """Header and records of a file of format 1, or of format 2, where a name record precedes each record."""
        content = _content(path)
        order: Literal["<", ">"] = "<"
        if content[:4] in (_HEADER_BYTES.to_bytes(4, "big"), (8).to_bytes(4, "big")):
            order = ">"
        named = content[:4] == (8).to_bytes(4, "little" if order == "<" else "big")
        records: dict[str, bytes] = {}
        start = 0
        for name, said in _RECORDS.items():
            if start >= len(content) and records:
                break
            if named:
                label, start = _record(content, start, order, path, f"name of the {said}")
                if label[:4].decode("ascii", "replace").strip() != name:
                    raise BadInput(f"{path}: the record of the {said} is named {label[:4]!r}, expected {name!r}")
            records[name], start = _record(content, start, order, path, said)
        if len(records["HEAD"]) != _HEADER_BYTES:
            raise BadInput(
                f"{path}: the first record has {len(records['HEAD'])} bytes, expected a Gadget-2 header of 256"
            )
        header = np.frombuffer(records["HEAD"], dtype=_HEADER.newbyteorder(order))[0]
        part = cls(path, order, header, records)
        none = part.count == 0 and not (header["num_files"] > 1 and header["npartTotal"][1] > 0)  # a part may be empty
        if none or int(header["npart"].sum()) != part.count or not (np.isfinite(part.box) and part.box > 0):
            raise BadInput(
                f"{path} holds {header['npart'].tolist()} particles by type in a box of {part.box:g}, expected type 1"
                " alone in a box above 0"
            )
        return part

    @property
    def count(self) -> int:
        return int(self.header["npart"][1])

    @property
    def box(self) -> float:
        return float(self.header["BoxSize"])

    @property
    def scale_factor(self) -> float:
        return float(self.header["time"])

    def check_beside(self, first: _Part) -> None:
        """Raise ``BadInput`` if this file and the first belong to different snapshots."""
        for name in ("mass", "time", "BoxSize", "npartTotal", "num_files", "Omega0", "OmegaLambda", "HubbleParam"):
            mine, others = self.header[name].tolist(), first.header[name].tolist()
            if mine != others:
                raise BadInput(
                    f"{self.path} states {name} {mine} and {first.path} {others}, expected files of one snapshot"
                )

    def positions(self) -> npt.NDArray[np.float64]:
        """(n, 3) in units of the box, in [0, 1); positions that rounding has put outside are wrapped."""
        positions = self._vectors("POS", "positions") / self.box
        if positions.size == 0:
            return positions
        if not np.isfinite(positions).all() or positions.min() < -_BEYOND or positions.max() > 1.0 + _BEYOND:
            raise BadInput(f"{self.path}: positions lie outside the box of {self.box:g} that its header states")
        wrapped = np.mod(positions, 1.0)
        return np.where(wrapped >= 1.0, 0.0, wrapped)

    def velocities(self) -> npt.NDArray[np.float64]:
        """(n, 3) as stored, in km/s per sqrt(a)."""
        velocities = self._vectors("VEL", "velocities")
        if not np.isfinite(velocities).all():
            raise BadInput(f"{self.path}: a velocity is NaN or infinite")
        return velocities

    def ids(self) -> npt.NDArray[np.int64]:
        """(n,); they have 32 or 64 bits in the file."""
        block = self._block("ID", "IDs")
        if len(block) not in (4 * self.count, 8 * self.count):
            raise BadInput(
                f"{self.path}: the IDs have {len(block)} bytes, expected {4 * self.count} or {8 * self.count}"
            )
        kind = "u4" if len(block) == 4 * self.count else "i8"
        return np.frombuffer(block, dtype=f"{self.order}{kind}").astype(np.int64)

    def _vectors(self, name: str, said: str) -> npt.NDArray[np.float64]:
        block = self._block(name, said)
        if len(block) not in (12 * self.count, 24 * self.count):
            raise BadInput(
                f"{self.path}: the {said} have {len(block)} bytes, expected {12 * self.count} or"
                f" {24 * self.count} for {self.count} particles"
            )
        kind = "f4" if len(block) == 12 * self.count else "f8"
        return np.frombuffer(block, dtype=f"{self.order}{kind}").reshape(self.count, 3).astype(np.float64)

    def _block(self, name: str, said: str) -> bytes:
        if name not in self.records:
            raise BadInput(f"{self.path} ends before the record of the {said}, expected a whole Gadget-2 file")
        return self.records[name]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(told(error, path, "read")) from error


def _record(content: bytes, start: int, order: Literal["<", ">"], path: Path, said: str) -> tuple[bytes, int]:
    """One Fortran record, and where the next one begins."""
    byteorder: Literal["little", "big"] = "little" if order == "<" else "big"
    length = int.from_bytes(content[start : start + 4], byteorder)
    end = start + 4 + length
    if len(content) < end + 4 or int.from_bytes(content[end : end + 4], byteorder) != length:
        raise BadInput(f"{path}: the record of the {said} is not whole, expected a Gadget-2 file of format 1 or 2")
    return content[start + 4 : end], end + 4
