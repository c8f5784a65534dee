"""Metric maps of light cones as plain HEALPix, in FITS or HDF5, for programs that do not know their own layout."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
import numpy.typing as npt

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import replacing
from weakfield.formats.cone_maps import MapShell, load_maps
from weakfield.mesh.healpix import file_order

#: the value of HEALPix for a pixel that is not seen
UNSEEN = -1.6375e30
_CARD, _BLOCK = 80, 2880

Card = tuple[str, str | int | float | bool, str]


def ring_map(shell: MapShell) -> npt.NDArray[np.float64]:
    """(12 Nside^2,) a shell in the order of rings from its pole, the axis of the cone; ``UNSEEN`` elsewhere."""
    full = np.full(12 * shell.nside**2, UNSEEN)
    full[file_order(shell.nside, shell.nside_ring, shell.values.size)] = shell.values
    return full


def export_maps(path: str | Path, out: str | Path) -> Path:
    """Write the shells of a ``.map`` file to ``out``, in FITS or, if its name ends in .h5 or .hdf5, in HDF5.

    FITS has one table a shell, as HEALPix has them (RING order, implicit pixels); HDF5 one data set a shell,
    ``shell000`` onwards from inside out. Both state the radius of each shell [Mpc/h] and the axis of the cone, around
    which the rings lie. Raises ``BadInput`` for a file that is no map, or another ending of the name.
    """
    path, out = Path(path), Path(out)
    shells = load_maps(path)
    if not shells:
        raise BadInput(f"{path} is empty, expected a map of a light cone")
    name = path.stem.rpartition("_")[2] or "value"
    if out.suffix.lower() in (".h5", ".hdf5"):
        _write_hdf5(out, shells, name)
    elif out.suffix.lower() in (".fits", ".fit"):
        with replacing(out) as scratch, open(scratch, "wb") as handle:
            _write_fits(handle, shells, name)
    else:
        raise BadInput(f"{out} ends in '{out.suffix}', expected .fits or .h5")
    return out


def _write_hdf5(out: Path, shells: list[MapShell], name: str) -> None:
    with replacing(out) as scratch, h5py.File(scratch, "w") as file:
        file.attrs.update({"quantity": name, "software_version": __version__, "box_size_mpch": shells[0].box_size_mpch})
        for k, shell in enumerate(shells):
            data = file.create_dataset(f"shell{k:03d}", data=ring_map(shell))
            data.attrs.update(
                {
                    "nside": shell.nside,
                    "ordering": "RING",
                    "unseen": UNSEEN,
                    "distance_mpch": shell.distance_mpch,
                    "axis": shell.direction,
                }
            )


def _write_fits(handle: BinaryIO, shells: list[MapShell], name: str) -> None:
    """A primary header without data, and a binary table a shell."""
    _header(
        handle,
        [
            ("SIMPLE", True, "FITS"),
            ("BITPIX", 8, ""),
            ("NAXIS", 0, ""),
            ("EXTEND", True, ""),
            ("CREATOR", f"weakfield {__version__}", ""),
        ],
    )
    for k, shell in enumerate(shells):
        x, y, z = shell.direction
        full = ring_map(shell)
        _header(
            handle,
            [
                ("XTENSION", "BINTABLE", ""),
                ("BITPIX", 8, ""),
                ("NAXIS", 2, ""),
                ("NAXIS1", 8, "bytes a row"),
                ("NAXIS2", full.size, "pixels"),
                ("PCOUNT", 0, ""),
                ("GCOUNT", 1, ""),
                ("TFIELDS", 1, ""),
                ("TTYPE1", name, ""),
                ("TFORM1", "1D", ""),
                ("EXTNAME", f"shell{k:03d}", ""),
                ("PIXTYPE", "HEALPIX", ""),
                ("ORDERING", "RING", ""),
                ("NSIDE", shell.nside, ""),
                ("FIRSTPIX", 0, ""),
                ("LASTPIX", full.size - 1, ""),
                ("INDXSCHM", "IMPLICIT", ""),
                ("OBJECT", "FULLSKY", ""),
                ("BAD_DATA", UNSEEN, "pixels outside the cone"),
                ("DISTANCE", shell.distance_mpch, "comoving radius [Mpc/h]"),
                ("BOXSIZE", shell.box_size_mpch, "[Mpc/h]"),
                ("AXIS_X", x, "axis of the cone, pole of the rings"),
                ("AXIS_Y", y, ""),
                ("AXIS_Z", z, ""),
            ],
        )
        _padded(handle, full.astype(">f8").tobytes(), b"\0")


def _header(handle: BinaryIO, cards: list[Card]) -> None:
    lines = [f"{key:8}= {_shown(value)}" + (f" / {comment}" if comment else "") for key, value, comment in cards]
    _padded(handle, "".join(line.ljust(_CARD)[:_CARD] for line in [*lines, "END"]).encode("ascii"), b" ")


def _shown(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    if isinstance(value, str):
        return f"'{value:8}'".ljust(20)
    return f"{value:20d}" if isinstance(value, int) else f"{value:20.13E}"


def _padded(handle: BinaryIO, content: bytes, filler: bytes) -> None:
    handle.write(content + filler * (-len(content) % _BLOCK))
