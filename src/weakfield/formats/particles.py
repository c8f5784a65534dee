"""Particles as HDF5 in the layout of the reference program (EQUATIONS 10), as a single process would write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.formats.hdf5 import read_attributes, read_numbers, read_records, reading, writing

_AXES = "XYZ"
_RECORD = np.dtype([("ID", "<i8")] + [(f"{part}{axis}", "<f8") for part in ("position", "velocity") for axis in _AXES])
_MASS = ("mass", "<f8")
_INFO = np.dtype([_MASS, ("relativistic", "<i4"), ("type_name_size", "<i4"), ("type_name", "S64")])


@dataclass(frozen=True)
class Particles:
    """Particles of one species, sorted by ``ids`` (n,).

    ``positions`` (n, 3) are in units of the box; ``momenta`` (n, 3) are q per mass, half a step before the fields;
    ``mass`` is in units of today's critical density times the box volume. Massive neutrinos
    are ``relativistic``.
    """

    ids: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    momenta: npt.NDArray[np.float64]
    mass: float
    relativistic: bool = False


def save_particles(path: str | Path, particles: Particles, grid: int) -> None:
    """Write the particles of a run with ``grid`` cells a side, whole or not at all.

    Raises ``WeakfieldError`` when a position or momentum is not finite, or when the file cannot be written.
    """
    if not (np.isfinite(particles.positions).all() and np.isfinite(particles.momenta).all()):
        raise WeakfieldError(f"{path} was not written: positions or momenta are not finite")
    records = np.empty(particles.ids.size, dtype=_RECORD)
    records["ID"] = particles.ids
    for column, axis in enumerate(_AXES):
        records[f"position{axis}"] = particles.positions[:, column]
        records[f"velocity{axis}"] = particles.momenta[:, column]
    with writing(path) as file:
        file.create_dataset("data", data=records)
        file.create_dataset(
            "part_info", data=np.array([(particles.mass, int(particles.relativistic), 0, b"part_simple")], dtype=_INFO)
        )
        file.create_dataset("numParts", data=np.array([records.size], dtype="<i8"))
        file.create_dataset("localBoxOffset", data=np.zeros((1, 3), dtype="<f8"))
        file.create_dataset("localBoxSize", data=np.ones((1, 3), dtype="<f8"))
        file.attrs["boxSize"] = np.ones(3)
        file.attrs["fileBoxOffset"] = np.float64(0.0)
        file.attrs["fileBoxSize"] = np.float64(1.0)
        file.attrs["fileNumber"] = np.int32(1)
        file.attrs["grid_size"] = np.ones(2, dtype="<i4")
        file.attrs["latSize"] = np.full(3, grid, dtype="<i4")
        file.attrs["numProcPerFile"] = np.int32(1)
        file.attrs["world_size"] = np.int32(1)


def load_particles(path: str | Path) -> Particles:
    """Read particles, sorted by ID; their order in a file written by several processes has no meaning.

    Raises ``BadInput`` naming the file when it is missing, truncated or of another kind, or when it holds NaN.
    """
    with reading(path) as file:
        records = read_records(file, "data", _RECORD)
        info = read_records(file, "part_info", np.dtype([_MASS]))
        stated = int(read_numbers(file, "numParts", "i", 1).sum()) if "numParts" in file else records.size
        box = read_attributes(file).get("boxSize", 1.0)
    if records.size == 0 or info.size != 1:
        raise BadInput(f"{path} holds {records.size} particles and {info.size} masses, expected particles and one mass")
    if stated != records.size:
        raise BadInput(f"{path} holds {records.size} particles, expected {stated} as its 'numParts' says")
    if box not in (1.0, str([1.0] * 3)):
        raise BadInput(f"{path} states a box of {box}, expected 1: positions are in units of the box")
    records = records[np.argsort(records["ID"], kind="stable")]
    positions, momenta = (
        np.stack([records[f"{part}{axis}"] for axis in _AXES], axis=1) for part in ("position", "velocity")
    )
    if not (np.isfinite(positions).all() and np.isfinite(momenta).all()):
        raise BadInput(f"{path}: a position or momentum is NaN or infinite")
    return Particles(records["ID"].copy(), positions, momenta, float(info["mass"][0]))
