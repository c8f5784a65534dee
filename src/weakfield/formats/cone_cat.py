"""Puts the particles of a light cone, cycle after cycle, into one file or several of equal size (EQUATIONS 19.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.base.files import replacing
from weakfield.base.system_errors import told
from weakfield.config import RunSettings
from weakfield.formats.cone_particles import HEADER

_KPC_PER_MPC = 1000.0
#: particles that are in memory at once
_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class _Column:
    """A record of the layout: numbers of type ``dtype`` per particle."""

    dtype: str
    numbers: int

    @property
    def bytes(self) -> int:
        return np.dtype(self.dtype).itemsize * self.numbers


#: the records behind the header: positions, velocities, IDs
_COLUMNS = (_Column("<f4", 3), _Column("<f4", 3), _Column("<i8", 1))


@dataclass(frozen=True)
class _Part:
    """The file of one cycle of one cone."""

    path: Path
    header: np.void

    @classmethod
    def read(cls, path: Path) -> _Part:
        """Only the header is read; raises ``BadInput`` for a file whose size is not that of its particles."""
        try:
            with open(path, "rb") as handle:
                head = handle.read(HEADER.itemsize + 8)
            size = path.stat().st_size
        except OSError as error:
            raise BadInput(told(error, path, "read")) from error
        if len(head) < HEADER.itemsize + 8 or int.from_bytes(head[:4], "little") != HEADER.itemsize:
            raise BadInput(f"{path} does not begin with a header of 256 bytes, expected particles of a light cone")
        part = cls(path, np.frombuffer(head[4:-4], dtype=HEADER)[0])
        if size != _place(part.count, len(_COLUMNS)):
            raise BadInput(
                f"{path} has {size} bytes, expected {_place(part.count, len(_COLUMNS))} for {part.count} particles"
            )
        return part

    @property
    def count(self) -> int:
        return int(self.header["npart"][1])

    def column(self, which: int) -> npt.NDArray[np.floating | np.integer]:
        """(count, numbers) of one record, read from the disk when it is used."""
        shape, place = (self.count, _COLUMNS[which].numbers), _place(self.count, which) + 4
        return np.memmap(self.path, _COLUMNS[which].dtype, "r", offset=place, shape=shape)


def _place(count: int, which: int) -> int:
    """Where record ``which`` behind the header begins, in a file of ``count`` particles."""
    return HEADER.itemsize + 8 + sum(column.bytes * count + 8 for column in _COLUMNS[:which])


def catenate_cones(
    run: RunSettings,
    folder: Path,
    out: Path | None = None,
    files: int = 1,
    cones: Sequence[int] | None = None,
    cycles: tuple[int, int] | None = None,
    offset_mpch: tuple[float, float, float] = (0.0, 0.0, 0.0),
    species: str = "cdm",
) -> list[Path]:
    """Put the files that ``run`` has left in ``folder`` together; returns what was written, ``<out>_<species>``.

    They follow each other by cycle, then by cone, in the order of each file; with several ``files``, named
    ``<out>_<species>.<j>``, each has as many particles and the last also the rest. ``cones`` (default: all) must share
    vertex and redshift; ``cycles`` are the first and the last one taken. ``offset_mpch`` is added to the positions. The
    header states the observation, not a cycle, and BoxSize at least as large as the largest coordinate. Raises
    ``BadInput`` where there is nothing to put together.
    """
    chosen = _chosen(run, cones)
    parts = list(_parts(run, folder, chosen, cycles, species))
    total = sum(part.count for part in parts)
    if not 1 <= files <= max(total, 1):
        raise BadInput(f"{files} files were asked for and there are {total} particles, expected 1 to {total} files")
    base = folder / run.lightcone.base if out is None else out
    names = [base.with_name(f"{base.name}_{species}" + (f".{j}" if files > 1 else "")) for j in range(files)]
    taken = {part.path.resolve() for part in parts}
    if clash := [name for name in names if name.resolve() in taken]:
        raise BadInput(f"{clash[0]} is one of the files that are put together, expected another name")
    header = _header(run, chosen[0], parts[-1], total, files)
    header["BoxSize"] = max(run.simulation.box_size_mpch * _KPC_PER_MPC, _largest(parts, offset_mpch))
    each = total // files
    with ExitStack() as stack:
        for j, name in enumerate(names):
            first, last = j * each, total if j == files - 1 else (j + 1) * each
            handle = stack.enter_context(open(stack.enter_context(replacing(name)), "wb"))
            _write(handle, header, parts, first, last, offset_mpch)
            handle.close()
    return names


def _chosen(run: RunSettings, cones: Sequence[int] | None) -> list[int]:
    """The numbers of the cones, which observe the same event."""
    count = len(run.lightcone.cones)
    chosen = list(range(count)) if cones is None else list(dict.fromkeys(cones))
    if wrong := [i for i in chosen if not 0 <= i < count]:
        raise BadInput(f"light cone {wrong[0]} was asked for and the settings describe {count}, counted from 0")
    if not chosen:
        raise BadInput("the settings describe no light cone, expected 'lightcone vertex'")
    events = {(run.lightcone.cones[i].vertex_mpch, run.lightcone.cones[i].redshift) for i in chosen}
    if len(events) > 1:
        raise BadInput(
            f"light cones {', '.join(map(str, chosen))} have {len(events)} vertices or redshifts, expected cones of one"
            " observation; choose some of them"
        )
    return chosen


def _parts(
    run: RunSettings, folder: Path, chosen: Sequence[int], cycles: tuple[int, int] | None, species: str
) -> Iterator[_Part]:
    """The files of the cones, by cycle and then by cone."""
    numbered = len(run.lightcone.cones) > 1
    found: list[tuple[int, int, Path]] = []
    for place, i in enumerate(chosen):
        stem = f"{run.lightcone.base}{i}" if numbered else run.lightcone.base
        name = re.compile(rf"{re.escape(stem)}_(\d{{4,}})_{re.escape(species)}")
        for path in folder.iterdir() if folder.is_dir() else ():
            match = name.fullmatch(path.name)
            if match and (cycles is None or cycles[0] <= int(match[1]) <= cycles[1]):
                found.append((int(match[1]), place, path))
    if not found:
        which = "" if cycles is None else f" in cycles {cycles[0]} to {cycles[1]}"
        raise BadInput(f"{folder} holds no particles '{species}' of these light cones{which}, expected files of a run")
    for _, _, path in sorted(found):
        yield _Part.read(path)


def _header(run: RunSettings, cone: int, last: _Part, total: int, files: int) -> npt.NDArray[np.void]:
    """What all files state, but for the number of particles in each and the size of the box."""
    header = np.array([last.header], dtype=HEADER)
    redshift = run.lightcone.cones[cone].redshift
    header["npartTotal"][0, 1] = total % 2**32
    header["time"], header["redshift"], header["num_files"] = 1.0 / (1.0 + redshift), redshift, files
    header["OmegaLambda"] = 1.0 - header["Omega0"]
    return header


def _largest(parts: Sequence[_Part], offset_mpch: tuple[float, float, float]) -> float:
    """The largest coordinate that will be written [kpc/h]."""
    shift = np.array(offset_mpch) * _KPC_PER_MPC
    return max((float((part.column(0).max(axis=0) + shift).max()) for part in parts if part.count), default=0.0)


def _write(
    handle: BinaryIO, header: npt.NDArray[np.void], parts: Sequence[_Part], first: int, last: int,
    offset_mpch: tuple[float, float, float],
) -> None:  # fmt: skip
    """One file, with particles ``first`` to ``last`` of all."""
    header["npart"][0, 1] = last - first
    shift = np.array(offset_mpch) * _KPC_PER_MPC
    _record(handle, header.tobytes())
    for which, column in enumerate(_COLUMNS):
        mark = np.uint32((column.bytes * (last - first)) % 2**32).astype("<u4").tobytes()
        handle.write(mark)
        before = 0
        for part in parts:
            low, high = max(first - before, 0), min(last - before, part.count)
            values = part.column(which) if low < high else None
            for at in range(low, high, _AT_ONCE):
                assert values is not None
                block = values[at : min(at + _AT_ONCE, high)]
                if which == 0 and shift.any():
                    block = (block + shift).astype("<f4")
                handle.write(np.ascontiguousarray(block).tobytes())
            before += part.count
        handle.write(mark)


def _record(handle: BinaryIO, block: bytes) -> None:
    mark = np.uint32(len(block)).astype("<u4").tobytes()
    handle.write(mark + block + mark)
