"""Particles on a light cone in the layout of Gadget-2 (EQUATIONS 19.3): each was met at its own time.

Unlike those of a snapshot, positions run on beyond the box and velocities are peculiar ones, without a factor sqrt(a).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import replacing
from weakfield.base.system_errors import told
from weakfield.formats.gadget import _HEADER, CRITICAL_DENSITY, VELOCITY_UNIT

HEADER = _HEADER  # of any Gadget-2 file
_KPC_PER_MPC = 1000.0


@dataclass(frozen=True)
class ConeParticles:
    """Particles of one cycle of a cone, as the file has them.

    ``positions`` (n, 3) float32 in kpc/h, continuous across the box; ``velocities`` (n, 3) float32 in km/s; ``ids``
    (n,) int64; ``header`` is a record of type ``HEADER``, with masses in 1e10 Msun/h.
    """

    header: np.void
    positions: npt.NDArray[np.float32]
    velocities: npt.NDArray[np.float32]
    ids: npt.NDArray[np.int64]

    @property
    def redshift(self) -> float:
        """The redshift of the cycle in which the particles were met."""
        return float(self.header["redshift"])


@dataclass(frozen=True)
class ConeHeader:
    """What the header of a cone file states; ``particle_density`` is the Omega of one particle written."""

    particle_density: float
    scale_factor: float
    box_size_mpch: float
    omega_m: float
    omega_lambda: float
    h: float

    def record(self, count: int) -> np.void:
        """The header of a file with ``count`` particles."""
        header = np.zeros(1, dtype=HEADER)
        header["npart"][0, 1] = header["npartTotal"][0, 1] = count
        header["mass"][0, 1] = CRITICAL_DENSITY * self.particle_density * self.box_size_mpch**3
        header["time"], header["redshift"] = self.scale_factor, 1.0 / self.scale_factor - 1.0
        header["num_files"], header["BoxSize"] = 1, self.box_size_mpch * _KPC_PER_MPC
        header["Omega0"], header["OmegaLambda"], header["HubbleParam"] = self.omega_m, self.omega_lambda, self.h
        record: np.void = header[0]
        return record


def cone_particles(
    header: ConeHeader,
    positions: npt.NDArray[np.float64],
    velocities: npt.NDArray[np.float64],
    ids: npt.NDArray[np.int64],
) -> ConeParticles:
    """Particles at ``positions`` (n, 3) in units of the box with peculiar ``velocities`` (n, 3) in units of c."""
    return ConeParticles(
        header.record(ids.size),
        (positions * (header.box_size_mpch / 0.001)).astype(np.float32),
        (velocities / VELOCITY_UNIT).astype(np.float32),
        ids,
    )


def save_cone_particles(path: Path, particles: ConeParticles) -> None:
    """Write one file; raises ``WeakfieldError`` when a number is not finite, or when it cannot be written."""
    if not (np.isfinite(particles.positions).all() and np.isfinite(particles.velocities).all()):
        raise WeakfieldError(f"{path} was not written: positions or velocities are not finite")
    blocks = (
        np.array(particles.header, dtype=HEADER), particles.positions.astype("<f4"),
        particles.velocities.astype("<f4"), particles.ids.astype("<i8"),
    )  # fmt: skip
    with replacing(Path(path)) as scratch, open(scratch, "wb") as handle:
        for block in blocks:
            mark = np.uint32(block.nbytes).astype("<u4").tobytes()
            handle.write(mark + np.ascontiguousarray(block).tobytes() + mark)


def load_cone_particles(path: str | Path) -> ConeParticles:
    """Read one file, in its order; ``BadInput`` names one that is missing, truncated or of another kind."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(told(error, path, "read")) from error
    head, *blocks = _records(content, path)
    if len(head) != HEADER.itemsize or len(blocks) != 3:
        raise BadInput(f"{path} has {1 + len(blocks)} records, the first of {len(head)} bytes, expected a light cone's")
    header = np.frombuffer(head, dtype=HEADER)[0]
    count = int(header["npart"][1])
    if [len(block) for block in blocks] != [12 * count, 12 * count, 8 * count]:
        raise BadInput(f"{path}: its records do not hold the {count} particles that the header states")
    positions, velocities = (np.frombuffer(block, dtype="<f4").reshape(count, 3) for block in blocks[:2])
    return ConeParticles(header, positions, velocities, np.frombuffer(blocks[2], dtype="<i8").astype(np.int64))


def _records(content: bytes, path: Path) -> list[bytes]:
    """The Fortran records of a file."""
    found: list[bytes] = []
    start = 0
    while start < len(content):
        length = int.from_bytes(content[start : start + 4], "little")
        end = start + 4 + length
        if content[end : end + 4] != content[start : start + 4] or end + 4 > len(content):
            raise BadInput(f"{path}: record {len(found)} is not whole, expected a light cone in the layout of Gadget-2")
        found.append(content[start + 4 : end])
        start = end + 4
    if not found:
        raise BadInput(f"{path} is empty, expected a light cone in the layout of Gadget-2")
    return found
