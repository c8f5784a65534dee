"""Particles as HDF5 in the layout of the reference program (EQUATIONS 10), as a single process would write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.formats.hdf5 import only, reading, writing

_AXES = "XYZ"
_RECORD = np.dtype([("ID", "<i8")] + [(f"{part}{axis}", "<f8") for part in ("position", "velocity") for axis in _AXES])
_INFO = np.dtype([("mass", "<f8"), ("relativistic", "<i4"), ("type_name_size", "<i4"), ("type_name", "S64")])


@dataclass(frozen=True)
class Particles:
    """Particles of one species, sorted by ``ids`` (n,).

    ``positions`` (n, 3) are in units of the box; ``momenta`` (n, 3) are q per mass, half a step before the fields;
    ``mass`` is in units of today's critical density times the box volume.
    """

    ids: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    momenta: npt.NDArray[np.float64]
    mass: float


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
        file.create_dataset("part_info", data=np.array([(particles.mass, 0, 0, b"part_simple")], dtype=_INFO))
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
        data = only(file, "data", path)
        if data.ndim != 1 or data.size == 0 or not _plain(data.dtype, _RECORD):
            raise BadInput(
                f"{path}: dataset 'data' holds {_shown(data.dtype)}, expected records of"
                f" {', '.join(_RECORD.names or ())}"
            )
        info = only(file, "part_info", path)
        if info.size != 1 or not _plain(info.dtype, _INFO[["mass"]]):
            raise BadInput(f"{path}: dataset 'part_info' holds {_shown(info.dtype)}, expected one record with 'mass'")
        records, mass = data[...], float(info[0]["mass"])
    records = records[np.argsort(records["ID"], kind="stable")]
    positions, momenta = (
        np.stack([np.asarray(records[f"{part}{axis}"], dtype=np.float64) for axis in _AXES], axis=1)
        for part in ("position", "velocity")
    )
    if not (np.isfinite(positions).all() and np.isfinite(momenta).all()):
        raise BadInput(f"{path}: a position or momentum is NaN or infinite")
    return Particles(np.asarray(records["ID"], dtype=np.int64), positions, momenta, mass)


def _plain(found: Any, expected: Any) -> bool:
    """Whether records have the fields of ``expected``, each a number of the same kind, and no fields overlap."""
    fields: Mapping[str, Any] = found.fields or {}
    known: Mapping[str, Any] = expected.fields or {}
    end = 0
    for inner, offset, *_ in sorted(fields.values(), key=lambda field: field[1]):
        if offset < end:
            return False
        end = offset + inner.itemsize
    return (
        set(known) <= set(fields)
        and end <= found.itemsize <= 8 * expected.itemsize
        and all(fields[name][0].kind == known[name][0].kind for name in known)
        and all(fields[name][0].itemsize in (4, 8) for name in known)
    )


def _shown(found: Any) -> str:
    """A type, described in one line."""
    text = str(found)
    return text if len(text) <= 200 else text[:200] + "..."
