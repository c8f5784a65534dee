"""Particles of a species at rest: a template tiled over the box, and the kernel of their displacement (EQUATIONS 3)."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import SimulationSettings
from weakfield.formats.gadget import load_template
from weakfield.formats.templates import built_in_template
from weakfield.mesh.particles import Particles
from weakfield.simulation.displacement import displacement_kernel
from weakfield.simulation.universe import DTYPES


class RestLattice:
    """A ``template``, built in or a Gadget-2 file, in ``tiling`` copies along each side.

    ``density`` is the Omega that all particles together represent; ``corrected`` asks for the corrected kernel.
    """

    def __init__(
        self,
        settings: SimulationSettings,
        template: str | Path,
        tiling: int,
        density: float,
        device: torch.device,
        corrected: bool,
    ) -> None:
        self._corrected = corrected
        self._settings, self._template, self._tiling = settings, template, tiling
        self._density, self._device = density, device

    @cached_property
    def template(self) -> np.ndarray:
        """Template positions (T, 3) in template units."""
        if isinstance(self._template, Path):
            return load_template(self._template).positions
        return built_in_template(self._template).positions

    def particles(self) -> Particles:
        """The template tiled over the box, at rest: cells and IDs are shared, displacements and momenta are one's own.

        The latter two are in double precision whatever the precision of the run; the start is rounded when it is
        complete. The momenta are zero and take no memory: replace them, do not write to them.
        """
        displacement = self._rest_displacement()
        return replace(
            self._at_rest, displacement=displacement, momentum=displacement.new_zeros(1).expand_as(displacement)
        )

    @cached_property
    def _tiled(self) -> np.ndarray:
        """(t, T, 3) in units of the box: the template in each of t tiles along each axis."""
        t = self._tiling
        return np.asarray((np.arange(t)[:, None, None] + self.template) / t)

    @cached_property
    def _at_rest(self) -> Particles:
        """ID = i + T (x + t (y + t z)) for entry i of tile (x, y, z)."""
        settings, t = self._settings, self._tiling
        lattice = np.empty((3, t, t, t, len(self.template)))  # tiles z, y, x
        for axis in range(3):
            shape = np.ones(4, dtype=int)
            shape[2 - axis], shape[3] = t, -1
            lattice[axis] = self._tiled[:, :, axis].reshape(shape)
        ids = np.arange(lattice[0].size, dtype=np.int64)  # tiles run x fastest, entries within a tile faster still
        mass, dtype = self._density / len(ids), DTYPES[settings.precision]
        particles = Particles.at_rest(settings.grid, lattice.reshape(3, -1).T, ids, mass, dtype).to(self._device)
        if self._device.type == "cuda":
            particles.rows()
        # of particles at rest neither is kept: all momenta are 0, and displacements are known from IDs
        return replace(
            particles, displacement=particles.displacement[:, :0].clone(), momentum=particles.momentum[:, :0].clone()
        )

    def _rest_displacement(self) -> Tensor:
        """(3, P) float64: the displacements of ``_at_rest``, in the precision of the run, anew for each universe."""
        settings, ids, entries = self._settings, self._at_rest.ids, len(self.template)
        t, dtype = self._tiling, DTYPES[settings.precision]
        out = torch.empty((3, len(ids)), dtype=torch.float64, device=self._device)
        for axis in range(3):
            cells = self._tiled[:, :, axis] * settings.grid
            along = torch.from_numpy(cells - np.floor(cells)).reshape(-1).to(self._device, dtype)
            tile = ids // (entries * t**axis) % t
            out[axis] = along[tile.mul_(entries).add_(ids % entries)]
        return out

    @cached_property
    def kernel(self) -> Tensor:
        """The kernel by which the source of the displacement is divided, on the device.

        Raises ``BadInput`` where it vanishes: the response of the density to the displacement is then unknown.
        """
        kernel = displacement_kernel(self._settings.grid, self.template, self._tiling, self._corrected)
        if not bool(kernel.any()):
            raise BadInput(
                f"no particle of the template {self._template} in {self._tiling} copies a side lies within a cell of a"
                " node, so the displacement cannot be corrected; expected a finer tiling, or correct_displacement ="
                " false"
            )
        return kernel.to(self._device)
