"""Triple sums on a CPU: shells transformed back plane by plane, multiplied and summed while they are in the cache.

Transforms along z are made once for each shell, of the columns that hold its modes only; a few planes at a time are
then transformed along y and x for all shells and summed over by a kernel. Whole fields in space never exist, which
saves most of the memory. Each slab is one task on one thread, and their sums add in one order: the same bits for any
number of threads.
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
from weakfield.mesh.kernels.cpu import triples as kernel
from weakfield.mesh.threads import current_threads
from weakfield.mesh.triangles import GridGroup, ShellModes

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
Modes = NDArray[np.complex128]

#: fields of a slab, all shells together: about what the second cache of a core holds
SLAB_BYTES = 2**20


@dataclass(frozen=True)
class Layout:
    """Shapes of a group's arrays: its shells, the columns that hold their modes, and how the grid is cut into slabs."""

    group: GridGroup
    modes: ShellModes
    shells: Integers

    @classmethod
    def of(cls, group: GridGroup, modes: ShellModes, triangles: Integers) -> Layout:
        """For the triangles (T, 3) of ``modes`` that the group holds."""
        return cls(group, modes, np.unique(triangles[group.rows]))

    def reach(self, shell: int) -> int:
        """Largest component of a mode of the shell."""
        return int(self.modes.reach[2][shell])

    def compact(self, shell: int) -> bool:
        """Whether the modes of a shell leave rows of the grid empty."""
        return 2 * self.reach(shell) + 1 <= self.group.size

    def shape(self, shell: int) -> tuple[int, int, int]:
        """Of the shell's spectrum without what is empty, [z, y, x]."""
        size, reach = self.group.size, self.reach(shell)
        return (size, min(2 * reach + 1, size), min(reach, size // 2) + 1)

    @property
    def padded(self) -> int:
        """Number of fields of a slab: the kernel wants a few at least."""
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
        return 16 * sum(int(np.prod(self.shape(shell))) for shell in self.shells.tolist())

    @property
    def scratch_bytes(self) -> int:
        """Memory of one worker and field."""
        size, pads = self.group.size, sum(self.shape(shell)[2] for shell in self.shells.tolist())
        half = size // 2 + 1
        return (
            16 * self.planes * size * (pads + len(self.shells) * half)
            + 8 * self.padded * self.planes * self.rows * size
        )


class Scratch:
    """What one worker writes to for one field: the spectrum along y and x of a slab, and its values in space."""

    def __init__(self, layout: Layout) -> None:
        size, planes = layout.group.size, layout.planes
        self.columns = [
            np.zeros((planes, size, layout.shape(shell)[2]), dtype=np.complex128) for shell in layout.shells.tolist()
        ]
        self.lines = np.zeros((len(layout.shells), planes, size, size // 2 + 1), dtype=np.complex128)
        self.values = np.zeros((layout.padded, planes, layout.rows, size))

    def transform_y(self, layout: Layout, spectra: Sequence[Modes], first: int) -> None:
        """Planes from ``first`` of all shells, along y; columns beyond a shell's reach stay zero."""
        for number, (shell, spectrum) in enumerate(zip(layout.shells.tolist(), spectra, strict=True)):
            columns, planes = self.columns[number], spectrum[first : first + layout.planes]
            if layout.compact(shell):
                reach = layout.reach(shell)
                columns[:, : reach + 1] = planes[:, reach:]
                if reach:
                    columns[:, -reach:] = planes[:, :reach]
            else:
                columns[:] = planes
            out = self.lines[number, :, :, : columns.shape[2]]
            ducc0.fft.c2c(columns, axes=(1,), forward=False, inorm=0, nthreads=1, out=out)

    def transform_x(self, layout: Layout, row: int) -> Reals:
        """Rows from ``row`` of the slab in space, (shells, sites)."""
        size, shells = layout.group.size, len(self.lines)
        part = self.lines[:, :, row : row + layout.rows]
        ducc0.fft.c2r(part, axes=(3,), lastsize=size, forward=False, inorm=0, nthreads=1, out=self.values[:shells])
        return self.values.reshape(layout.padded, -1)


def slab_sums(
    amplitudes: Sequence[Modes], modes: ShellModes, triangles: Integers, groups: Sequence[GridGroup]
) -> Reals:
    """As ``triples.triple_sums``, of numpy arrays."""
    result = np.zeros(len(triangles))
    layouts = [Layout.of(group, modes, triangles) for group in groups]
    slabs = sum(len(layout.group.shifts) * layout.group.size // layout.planes for layout in layouts)
    with ThreadPoolExecutor(current_threads()) as pool, bar("bispectrum", slabs) as progress:
        for layout in layouts:
            group = layout.group
            local = np.searchsorted(layout.shells, triangles[group.rows])
            tiles = kernel.tiling(local, layout.padded)
            scratch: SimpleQueue[list[Scratch]] = SimpleQueue()
            for _ in range(current_threads()):
                scratch.put([Scratch(layout) for _ in amplitudes])
            spectra = [
                [np.empty(layout.shape(s), dtype=np.complex128) for s in layout.shells.tolist()] for _ in amplitudes
            ]
            for shift in group.shifts:
                _fill(layout, amplitudes, shift, spectra, pool.map)
                result[group.rows] += _sum_slabs(layout, spectra, scratch, tiles, pool.map, progress.advance)
            result[group.rows] /= group.sites
    return result


def _fill(
    layout: Layout, amplitudes: Sequence[Modes], shift: float, spectra: list[list[Modes]], run: Callable[..., Any]
) -> None:
    """The spectra of all fields and shells on a grid, transformed along z."""
    modes = layout.modes

    def one(field: int, number: int) -> None:
        shell, spectrum = int(layout.shells[number]), spectra[field][number]
        part = slice(modes.start[shell], modes.stop[shell])
        sums = np.arange(-3 * layout.reach(shell), 3 * layout.reach(shell) + 1)
        phases = np.exp(2j * np.pi * shift / layout.group.size * sums)
        spectrum[:] = 0
        kernel.lay_out(
            modes.z[part],
            modes.y[part],
            modes.x[part],
            amplitudes[field][part],
            phases,
            layout.compact(shell),
            spectrum,
        )
        ducc0.fft.c2c(spectrum, axes=(0,), forward=False, inorm=0, nthreads=1, out=spectrum)

    numbers = list(reversed(range(len(layout.shells)))) * len(amplitudes)
    fields = np.repeat(np.arange(len(amplitudes)), len(layout.shells)).tolist()
    for _ in run(one, fields, numbers):
        pass


def _sum_slabs(
    layout: Layout,
    spectra: Sequence[Sequence[Modes]],
    scratch: SimpleQueue[list[Scratch]],
    tiles: tuple[Any, Any, Any],
    run: Callable[..., Iterable[Any]],
    advance: Callable[[], None],
) -> Reals:
    """Sums over one cubic grid, one a triangle of the group."""
    blocks, columns, place = tiles
    firsts = range(0, layout.group.size, layout.planes)
    partial = np.zeros((len(firsts), len(columns), kernel.SIDE**2))

    def one(number: int) -> None:
        mine = scratch.get()
        for field, part in zip(mine, spectra, strict=True):
            field.transform_y(layout, part, firsts[number])
        for row in range(0, layout.group.size, layout.rows):
            values = [field.transform_x(layout, row) for field in mine]
            a, b, c = values if len(values) == 3 else values * 3
            kernel.accumulate(a, b, c, blocks, columns, partial[number])
        scratch.put(mine)

    for _ in run(one, range(len(firsts))):
        advance()
    return np.asarray(partial.sum(axis=0).ravel()[place])


def _divisor(number: int, most: int) -> int:
    """The largest divisor of ``number`` not above ``most``; 1 at least."""
    return max(d for d in range(1, number + 1) if number % d == 0 and d <= max(most, 1))
