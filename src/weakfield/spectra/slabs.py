"""Triple sums on a CPU: shells transformed back plane by plane, multiplied and summed while they are in the cache.

Transforms along z are made once for each shell, and only for the columns that hold its modes; a few planes at a time
are then transformed along y and x for all shells and summed over by a kernel. Whole fields in space never exist, which
saves most of the memory. Each slab is one task on one thread, and the sums of the slabs are added in a fixed order, so
that the result has the same bits for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import ducc0
import numpy as np
from numpy.typing import NDArray

from weakfield.base.progress import bar
from weakfield.fourier.triangles import GridGroup, ShellModes
from weakfield.mesh.kernels.cpu import triples as kernel
from weakfield.mesh.threads import current_threads

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
Modes = NDArray[np.complex128]

#: bytes of the fields of a slab, all shells together: about what the second-level cache of a core holds
SLAB_BYTES = 3 * 2**19


@dataclass(frozen=True)
class Batch:
    """Shells of similar reach, ``first`` to ``stop`` of a layout's list, transformed together.

    Their spectra, without the empty parts, are (shells, size, rows, columns) [z, y, x]: rows from -reach to reach, or
    the whole axis if modes reach beyond it.
    """

    first: int
    stop: int
    reach: int
    size: int

    @property
    def compact(self) -> bool:
        """Whether modes leave rows of the grid empty."""
        return 2 * self.reach + 1 <= self.size

    @property
    def columns(self) -> int:
        """Columns of the half axis that hold modes."""
        return min(self.reach, self.size // 2) + 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of the spectra."""
        rows = 2 * self.reach + 1 if self.compact else self.size
        return (self.stop - self.first, self.size, rows, self.columns)


@dataclass(frozen=True)
class Layout:
    """How one grid is worked through: its shells by reach, in batches, and the cut into slabs.

    ``order`` says in which order the sides of a triangle enter the kernel: the one with the fewest tiles.
    """

    group: GridGroup
    modes: ShellModes
    shells: Integers
    batches: list[Batch]
    order: tuple[int, int, int]
    tiles: tuple[Any, Any, Any]

    @classmethod
    def of(cls, group: GridGroup, modes: ShellModes, triangles: Integers) -> Layout:
        """The layout for those of the triangles (T, 3) of ``modes`` that the group holds."""
        rows, reach = triangles[group.rows], modes.reach[2]
        shells = np.unique(rows)
        shells = shells[np.argsort(reach[shells], kind="stable")]
        place = np.zeros(modes.count, dtype=np.int64)
        place[shells] = np.arange(len(shells))
        padded = max(len(shells), kernel.SIDE)
        choices = {order: kernel.tiling(place[rows[:, order]], padded) for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1))}
        order = min(choices, key=lambda order: len(choices[order][1]))
        batches = _batches(reach[shells].tolist(), group.size)
        return cls(group, modes, shells, batches, order, choices[order])

    @property
    def padded(self) -> int:
        """Number of fields of a slab; the kernel needs a few at least."""
        return max(len(self.shells), kernel.SIDE)

    @property
    def planes(self) -> int:
        """Planes of a slab: a divisor of the side."""
        return _divisor(self.group.size, SLAB_BYTES // (8 * self.padded * self.group.size**2))

    @property
    def rows(self) -> int:
        """Rows of a plane that are transformed along x at once: a divisor of the side."""
        if self.planes > 1:
            return self.group.size
        return _divisor(self.group.size, SLAB_BYTES // (8 * self.padded * self.group.size))

    @property
    def spectra_bytes(self) -> int:
        """Memory of the spectra of all shells of one field."""
        return 16 * sum(int(np.prod(batch.shape)) for batch in self.batches)

    def cut(self, memory: Modes) -> list[Modes]:
        """The spectra of all batches, placed in the given memory."""
        ends = np.cumsum([np.prod(batch.shape) for batch in self.batches])
        parts = np.split(memory[: ends[-1]], ends[:-1])
        return [part.reshape(batch.shape) for part, batch in zip(parts, self.batches, strict=True)]


class Scratch:
    """What one worker writes to for one field: the spectrum along y and x of a slab, and its values in space."""

    def __init__(self, layout: Layout) -> None:
        size, planes = layout.group.size, layout.planes
        self.layout = layout
        self.columns = [
            np.zeros((batch.stop - batch.first, planes, size, batch.columns), dtype=np.complex128)
            for batch in layout.batches
        ]
        self.lines = np.zeros((len(layout.shells), planes, size, size // 2 + 1), dtype=np.complex128)
        self.values = np.zeros((layout.padded, planes, layout.rows, size))

    def transform_y(self, spectra: Sequence[Modes], first: int) -> None:
        """Transform the planes from ``first`` of all shells along y; columns beyond a shell's reach stay zero."""
        for batch, spectrum, columns in zip(self.layout.batches, spectra, self.columns, strict=True):
            planes = spectrum[:, first : first + self.layout.planes]
            if batch.compact:
                columns[:, :, : batch.reach + 1] = planes[:, :, batch.reach :]
                if batch.reach:
                    columns[:, :, -batch.reach :] = planes[:, :, : batch.reach]
            else:
                columns[:] = planes
            out = self.lines[batch.first : batch.stop, :, :, : batch.columns]
            ducc0.fft.c2c(columns, axes=(2,), forward=False, inorm=0, nthreads=1, out=out)

    def transform_x(self, row: int) -> Reals:
        """Transform the rows from ``row`` of the slab along x, into space: (shells, sites)."""
        part = self.lines[:, :, row : row + self.layout.rows]
        out, size = self.values[: len(part)], self.layout.group.size
        ducc0.fft.c2r(part, axes=(3,), lastsize=size, forward=False, inorm=0, nthreads=1, out=out)
        return self.values.reshape(self.layout.padded, -1)


def slab_sums(
    amplitudes: Sequence[Modes], modes: ShellModes, triangles: Integers, groups: Sequence[GridGroup]
) -> Reals:
    """The same as ``triples.triple_sums``, for numpy arrays."""
    result = np.zeros(len(triangles))
    layouts = [Layout.of(group, modes, triangles) for group in groups]
    most = max((layout.spectra_bytes for layout in layouts), default=0) // 16
    memories = [np.empty(most, dtype=np.complex128) for _ in amplitudes]
    slabs = sum(len(layout.group.shifts) * layout.group.size // layout.planes for layout in layouts)
    with ThreadPoolExecutor(current_threads()) as pool, bar("bispectrum", slabs) as progress:
        for layout in layouts:
            scratch: SimpleQueue[list[Scratch]] = SimpleQueue()
            for _ in range(current_threads()):
                scratch.put([Scratch(layout) for _ in amplitudes])
            spectra = [layout.cut(memory) for memory in memories]
            rows = layout.group.rows
            for shift in layout.group.shifts:
                _fill(layout, amplitudes, shift, spectra, pool.map)
                result[rows] += _sum_slabs(layout, spectra, scratch, pool.map, progress.advance)
            result[rows] /= layout.group.sites
    return result


def _fill(
    layout: Layout, amplitudes: Sequence[Modes], shift: float, spectra: list[list[Modes]], run: Callable[..., Any]
) -> None:
    """The spectra of all fields and shells on a grid, transformed along z."""
    modes, size = layout.modes, layout.group.size
    reach = 3 * max(batch.reach for batch in layout.batches)
    phases = np.exp(2j * np.pi * shift / size * np.arange(-reach, reach + 1))

    def one(field: int, number: int) -> None:
        batch, spectrum = layout.batches[number], spectra[field][number]
        shells = layout.shells[batch.first : batch.stop]
        kernel.lay_out(
            modes.z,
            modes.y,
            modes.x,
            amplitudes[field],
            modes.start[shells],
            modes.stop[shells],
            phases,
            batch.compact,
            spectrum,
        )
        ducc0.fft.c2c(spectrum, axes=(1,), forward=False, inorm=0, nthreads=1, out=spectrum)

    numbers = list(reversed(range(len(layout.batches)))) * len(amplitudes)
    fields = np.repeat(np.arange(len(amplitudes)), len(layout.batches)).tolist()
    for _ in run(one, fields, numbers):
        pass


def _sum_slabs(
    layout: Layout,
    spectra: Sequence[Sequence[Modes]],
    scratch: SimpleQueue[list[Scratch]],
    run: Callable[..., Iterable[Any]],
    advance: Callable[[], None],
) -> Reals:
    """Sums over one cubic grid, one for each triangle of the group."""
    blocks, columns, place = layout.tiles
    firsts = range(0, layout.group.size, layout.planes)
    partial = np.zeros((len(firsts), len(columns), kernel.SIDE**2))

    def one(number: int) -> None:
        mine = scratch.get()
        for field, part in zip(mine, spectra, strict=True):
            field.transform_y(part, firsts[number])
        for row in range(0, layout.group.size, layout.rows):
            values = [field.transform_x(row) for field in mine]
            sides = [values[side % len(values)] for side in layout.order]
            kernel.accumulate(*sides, blocks, columns, partial[number])
        scratch.put(mine)

    for _ in run(one, range(len(firsts))):
        advance()
    return np.asarray(partial.sum(axis=0).ravel()[place])


def _batches(reach: list[int], size: int) -> list[Batch]:
    """Shells, sorted by reach, in batches whose members waste little when treated as the largest of them."""
    batches: list[Batch] = []
    stop = len(reach)
    while stop:
        first = stop - 1
        least = min(0.6 * reach[stop - 1], reach[stop - 1] - 3)
        while first and reach[first - 1] >= least:
            first -= 1
        batches.insert(0, Batch(first, stop, reach[stop - 1], size))
        stop = first
    return batches


def _divisor(number: int, most: int) -> int:
    """The largest divisor of ``number`` not above ``most``; 1 at least."""
    return max(d for d in range(1, number + 1) if number % d == 0 and d <= max(most, 1))
