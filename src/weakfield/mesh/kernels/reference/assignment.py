"""Cloud-in-cell painting and reading, and the lattice gradient at the particles (EQUATIONS 4, 6.1)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from weakfield.mesh.particles import Particles

Offset = tuple[int, int, int]
CORNERS: tuple[Offset, ...] = tuple(itertools.product((0, 1), (0, 1), (0, 1)))


@dataclass(frozen=True)
class Cells:
    """Base cell of every particle, in the order x, y, z, and the fractions d of EQUATIONS 4."""

    n: int
    base: Tensor  # (3, P) int64
    fraction: Tensor  # (3, P)

    @classmethod
    def of(cls, particles: Particles) -> Cells:
        """The cells in which the particles are now."""
        whole = torch.floor(particles.displacement)
        base = torch.remainder(particles.rest_cells() + whole.long(), particles.grid)
        return cls(particles.grid, base, particles.displacement - whole)

    def index(self, offset: Offset) -> Tensor:
        """Flat index [z, y, x] of the node at an offset (x, y, z) from the base cell, (P,)."""
        x, y, z = (torch.remainder(self.base[i] + offset[i], self.n) for i in range(3))
        return (z * self.n + y) * self.n + x

    def weight(self, corner: Offset, axes: str = "xyz") -> Tensor:
        """Product over ``axes`` of the linear weights, 1 - d or d, of a corner, (P,)."""
        product = torch.ones_like(self.fraction[0])
        for i, axis in enumerate("xyz"):
            if axis in axes:
                product = product * (self.fraction[i] if corner[i] else 1 - self.fraction[i])
        return product

    def gather(self, field: Tensor, offset: Offset) -> Tensor:
        """Values of a field at an offset from the base cells, (P,)."""
        return field.reshape(-1)[self.index(offset)]

    def corners(self, axes: str) -> Iterator[Offset]:
        """Offsets of the corners spanned by ``axes``."""
        yield from itertools.product(*((0, 1) if axis in axes else (0,) for axis in "xyz"))

    def interpolate(self, field: Tensor, axes: str = "xyz", shift: Offset = (0, 0, 0)) -> Tensor:
        """Linear interpolation along ``axes``, with the nearest lower site along the others, (P,)."""
        total = torch.zeros_like(self.fraction[0])
        for corner in self.corners(axes):
            at = (corner[0] + shift[0], corner[1] + shift[1], corner[2] + shift[2])
            total = total + self.weight(corner, axes) * self.gather(field, at)
        return total


def paint(
    particles: Particles,
    weight: Tensor | None = None,
    scale: float = 1.0,
    out: Tensor | None = None,
    start: float = 0.0,
) -> Tensor:
    """start + sum_p scale w_p W_CIC at every node, ``(N, N, N)``; w = 1 if not given; the adjoint of ``read``.

    With ``start`` at minus its mean, a density keeps the accuracy of its contrast in single precision.
    """
    cells = Cells.of(particles)
    values = particles.displacement.new_ones(len(particles)) if weight is None else weight
    result = values.new_full((particles.grid**3,), start)
    for corner in CORNERS:
        result = result.index_add(0, cells.index(corner), scale * values * cells.weight(corner))
    result = result.reshape((particles.grid,) * 3)
    return result if out is None else out.copy_(result)


def read(particles: Particles, field: Tensor) -> Tensor:
    """The field interpolated to the particles with the weights of ``paint``, (P,)."""
    return Cells.of(particles).interpolate(field)


def gradient(particles: Particles, field: Tensor) -> Tensor:
    """Differences of the field across the base cell, per cell (not divided by dx), (3, P).

    They are constant along the differentiated axis and bilinear in the others (EQUATIONS 6.1).
    """
    cells = Cells.of(particles)
    return torch.stack(
        [
            cells.interpolate(field, "xyz".replace(axis, ""), unit) - cells.interpolate(field, "xyz".replace(axis, ""))
            for axis, unit in zip("xyz", ((1, 0, 0), (0, 1, 0), (0, 0, 1)), strict=True)
        ]
    )
