"""Gadget-2 snapshots (format 1): as particle templates, and as the particles of a run (EQUATIONS 3.1, 10)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import replacing
from weakfield.formats.templates import Template

#: mass unit 1e10 Msun/h: critical density today in these per (Mpc/h)^3
CRITICAL_DENSITY = 27.7459457
#: km/s in units of the speed of light
VELOCITY_UNIT = 3.335640952e-6
#: length unit kpc/h
_KPC_PER_MPC = 1000.0

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


@dataclass(frozen=True)
class GadgetSnapshot:
    """Type-1 particles of a snapshot, sorted by ``ids`` (n,).

    ``positions`` (n, 3) in units of the box, in [0, 1); ``momenta`` (n, 3) q per mass in units of c, at the time of
    the positions; ``particle_density``: Omega that one particle stands for, the mass of ``formats.Particles``.
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
    """Write one file of format 1: header, POS [kpc/h], VEL [km/s per sqrt(a)], float32, and IDs, 64 bits.

    Raises ``WeakfieldError`` when a position or velocity is not finite, or the file cannot be written.
    """
    count, a, box = snapshot.ids.size, snapshot.scale_factor, snapshot.box_size_mpch
    if not (np.isfinite(snapshot.positions).all() and np.isfinite(snapshot.momenta).all()):
        raise WeakfieldError(f"{path} was not written: positions or momenta are not finite")
    header = np.zeros(1, dtype=_HEADER)
    header["npart"][0, 1] = header["npartTotal"][0, 1] = count
    header["mass"][0, 1] = CRITICAL_DENSITY * snapshot.particle_density * box**3
    header["time"], header["redshift"], header["num_files"] = a, 1.0 / a - 1.0, 1
    header["BoxSize"] = box * _KPC_PER_MPC
    header["Omega0"], header["OmegaLambda"] = snapshot.omega_m, snapshot.omega_lambda
    header["HubbleParam"] = snapshot.h
    positions = snapshot.positions * (box * _KPC_PER_MPC)
    velocities = snapshot.momenta / (a * np.sqrt(a) * VELOCITY_UNIT)
    blocks = (header, positions.astype("<f4"), velocities.astype("<f4"), snapshot.ids.astype("<i8"))
    with replacing(Path(path)) as scratch, open(scratch, "wb") as handle:
        for block in blocks:
            mark = np.uint32(block.nbytes).astype("<u4").tobytes()
            handle.write(mark + np.ascontiguousarray(block).tobytes() + mark)


def load_gadget(path: str | Path) -> GadgetSnapshot:
    """Read a snapshot of one file, IDs of 32 or 64 bits, sorted by ID.

    Raises ``BadInput`` naming the file when it is missing, truncated, of another kind, one of several files, or holds
    particles of other types, without mass or outside its box.
    """
    path = Path(path)
    content = _content(path, "snapshot")
    header, rest = _header(content, path)
    count = int(header["npart"][1])
    if int(header["num_files"]) > 1:
        raise BadInput(f"{path} is one of {int(header['num_files'])} files, expected a snapshot in one file")
    if not (float(header["time"]) > 0.0 and float(header["mass"][1]) > 0.0):
        raise BadInput(
            f"{path}: the header states scale factor {float(header['time']):g} and particle mass"
            f" {float(header['mass'][1]):g}, expected both above 0"
        )
    positions, rest = _positions(content, rest, header, path)
    block, rest = _record(content, rest, path, "velocities")
    if len(block) != 12 * count:
        raise BadInput(f"{path}: the velocities have {len(block)} bytes, expected {12 * count} for {count} particles")
    velocities = np.frombuffer(block, dtype="<f4").reshape(count, 3).astype(np.float64)
    block, _ = _record(content, rest, path, "IDs")
    if len(block) not in (4 * count, 8 * count):
        raise BadInput(f"{path}: the IDs have {len(block)} bytes, expected {4 * count} or {8 * count}")
    ids = np.frombuffer(block, dtype="<u4" if len(block) == 4 * count else "<i8").astype(np.int64)
    if not np.isfinite(velocities).all():
        raise BadInput(f"{path}: a velocity is NaN or infinite")
    a, box, order = float(header["time"]), float(header["BoxSize"]) / _KPC_PER_MPC, np.argsort(ids, kind="stable")
    return GadgetSnapshot(
        ids=ids[order],
        positions=positions[order],
        momenta=velocities[order] * (a * np.sqrt(a) * VELOCITY_UNIT),
        particle_density=float(header["mass"][1]) / (CRITICAL_DENSITY * box**3),
        scale_factor=a,
        box_size_mpch=box,
        omega_m=float(header["Omega0"]),
        omega_lambda=float(header["OmegaLambda"]),
        h=float(header["HubbleParam"]),
    )


def load_template(path: str | Path) -> Template:
    """The type-1 particles of a Gadget-2 file as a template: positions / BoxSize in [0, 1), in file order.

    Raises ``BadInput`` naming the file when it is missing, truncated, of another kind, or holds no such
    particles inside its box.
    """
    path = Path(path)
    content = _content(path, "particle template")
    header, rest = _header(content, path)
    return Template(str(path), _positions(content, rest, header, path)[0])


def _content(path: Path, kind: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such {kind}") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def _header(content: bytes, path: Path) -> tuple[np.void, int]:
    """The header of a file with particles of type 1 alone, and where the next record begins."""
    block, rest = _record(content, 0, path, "header")
    if len(block) != _HEADER_BYTES:
        raise BadInput(f"{path}: the first record has {len(block)} bytes, expected a Gadget-2 header of 256")
    header: np.void = np.frombuffer(block, dtype=_HEADER)[0]
    count, box = int(header["npart"][1]), float(header["BoxSize"])
    if count == 0 or int(header["npart"].sum()) != count or not box > 0:
        raise BadInput(
            f"{path} holds {header['npart'].tolist()} particles by type in a box of {box:g}, expected type 1 alone"
            " in a box above 0"
        )
    return header, rest


def _positions(content: bytes, start: int, header: np.void, path: Path) -> tuple[npt.NDArray[np.float64], int]:
    """Positions in units of the box, in [0, 1), and where the next record begins."""
    count, box = int(header["npart"][1]), float(header["BoxSize"])
    block, rest = _record(content, start, path, "positions")
    if len(block) != 12 * count:
        raise BadInput(f"{path}: the positions have {len(block)} bytes, expected {12 * count} for {count} particles")
    positions = np.frombuffer(block, dtype="<f4").reshape(count, 3).astype(np.float64) / box
    if not np.isfinite(positions).all() or positions.min() < 0 or positions.max() > 1:
        raise BadInput(f"{path}: positions lie outside the box of {box:g} that its header states")
    return np.where(positions >= 1.0, positions - 1.0, positions), rest


def _record(content: bytes, start: int, path: Path, name: str) -> tuple[bytes, int]:
    """One Fortran record and where the next begins."""
    length = int.from_bytes(content[start : start + 4], "little")
    end = start + 4 + length
    if len(content) < end + 4 or int.from_bytes(content[end : end + 4], "little") != length:
        raise BadInput(f"{path}: the record of the {name} is not whole, expected a Gadget-2 file of format 1")
    return content[start + 4 : end], end + 4
