"""Particles kept in lattice order, as rest cell plus displacement, so that single precision loses nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput

#: at most so many slabs: every second slab may be worked on in parallel; more slabs balance better, fewer cost less
_MOST_SLABS = 32


@dataclass
class Particles:
    """One species of equal-mass particles on a periodic mesh of ``grid`` cells a side.

    Particle p sits at (rest cell + displacement) in cells, with axis order x, y, z. Particles are sorted by rest cell
    (z slowest), so a slab of the lattice is a slice of every array. Momenta are the q of EQUATIONS section 1.
    """

    grid: int
    column: Tensor  # (P,) int32: x index of the rest cell
    row_start: Tensor  # (grid^2 + 1,) int64: first particle of each row (z, y) of rest cells
    displacement: Tensor  # (3, P) cells from the lower corner of the rest cell
    momentum: Tensor  # (3, P)
    ids: Tensor  # (P,) int64
    mass: float  # of one particle, in critical densities times box volume
    row_cache: Tensor | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.column.shape[0]

    @classmethod
    def at_rest(cls, grid: int, lattice: np.ndarray, ids: np.ndarray, mass: float, dtype: torch.dtype) -> Particles:
        """Particles at ``lattice`` positions (P, 3) in units of the box, 0 <= x < 1; transposed arrays are fastest."""
        displacement = torch.empty((3, len(ids)), dtype=dtype)
        rows = np.zeros(len(ids), dtype=np.int64)
        for axis in (2, 1, 0):  # one at a time: these are the largest arrays of a start
            cells = lattice[:, axis] * grid
            whole = np.floor(cells)
            cells -= whole
            displacement[axis] = torch.from_numpy(cells)
            if axis > 0:
                rows *= grid
                rows += whole.astype(np.int64)
        column = whole.astype(np.int32)
        del cells, whole
        order = _in_order(rows * grid + column, ids)
        if order is not None:
            ids, column = ids[order], column[order]
            for along in displacement:
                along.copy_(along[torch.from_numpy(order)])
        return cls(
            grid=grid,
            column=torch.from_numpy(column),
            row_start=torch.from_numpy(np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=grid * grid))])),
            displacement=displacement,
            momentum=torch.zeros((3, len(ids)), dtype=dtype),
            ids=torch.from_numpy(np.array(ids, dtype=np.int64)),
            mass=mass,
        )

    def rows(self) -> Tensor:
        """(P,) int32: row (z, y) of the rest cell of every particle; computed only once."""
        if self.row_cache is None:
            rows = torch.arange(self.grid**2, dtype=torch.int32, device=self.column.device)
            repeats = self.row_start[1:] - self.row_start[:-1]
            self.row_cache = torch.repeat_interleave(rows, repeats, output_size=len(self))
        return self.row_cache

    def rest_cells(self) -> Tensor:
        """(3, P) int64 rest cells, order x, y, z."""
        row = self.rows().long()
        return torch.stack([self.column.long(), row % self.grid, row // self.grid])

    def to(self, device: torch.device) -> Particles:
        """The same particles on a device; arrays that are there already are shared, not copied."""
        arrays = ("column", "row_start", "displacement", "momentum", "ids")
        moved = {name: getattr(self, name).to(device) for name in arrays}
        return replace(self, **moved, row_cache=None if self.row_cache is None else self.row_cache.to(device))

    def require_possible(self, most_momentum: float = 1.0) -> None:
        """Raise ``BadInput`` unless all particles are within a box of their rest cells and below a momentum [m c].

        Kernels find cells by displacements: what is no number or astronomically large would lead them astray.
        """
        for name, values, most in (
            ("displacements", self.displacement, self.grid),
            ("momenta", self.momentum, most_momentum),
        ):
            low, high = (float(end) for end in torch.aminmax(values))
            if not max(-low, high) < most:  # NaN is not below, either
                unit = "cells, expected less than the box" if most == self.grid else f"m c, expected below {most:g}"
                raise BadInput(f"the particles of the start have {name} of {low:g} to {high:g} {unit}")

    def positions(self) -> Tensor:
        """(3, P) float64 positions in units of the box, wrapped to [0, 1)."""
        wrapped = torch.remainder((self.rest_cells() + self.displacement.double()) / self.grid, 1.0)
        return torch.where(wrapped >= 1.0, 0.0, wrapped)  # remainder(-tiny, 1) rounds to 1

    def reach(self, shift: float = 0.0) -> tuple[int, int]:
        """(low, high): particles whose rest cells are in plane z touch planes z + low to z + high + 1.

        With ``shift``, as if all particles were that many cells further along.
        """
        height = self.displacement[2]
        # added in the precision of the particles, as kernels add it
        return int(np.floor(float(height.min() + shift))), int(np.floor(float(height.max() + shift)))

    def slabs(self, margin: int = 0, shift: float = 0.0) -> tuple[np.ndarray, int, int]:
        """Boundaries (planes) of slabs such that every second one can deposit at once without touching another.

        The slabs depend only on the particles, so the order of all sums is the same for any number of threads; there is
        one slab if particles reach too far. They are returned with their ``reach``, widened by ``margin`` planes on
        either side: a cloud in cell touches the two planes around it, a cubic spline one more on each side.
        """
        low, high = self.reach(shift)
        low, high = low - margin, high + margin
        count = min(_MOST_SLABS, self.grid // (high - low + 1)) // 2 * 2
        if count < 2:
            return np.array([0, self.grid], dtype=np.int64), low, high
        return np.arange(count + 1, dtype=np.int64) * self.grid // count, low, high


def _in_order(site: np.ndarray, ids: np.ndarray) -> np.ndarray | None:
    """The order that sorts particles by rest cell, and by ID within a cell; None if they are sorted already."""
    if not np.all(ids[1:] > ids[:-1]):
        return np.lexsort((ids, site))
    if np.all(site[1:] >= site[:-1]):
        return None
    return np.argsort(site, kind="stable")  # IDs ascend already
