"""What the universes of one study have in common, made once: noise of a seed, particles at rest, tables."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.cosmology.transfer import TransferHistory, transfer_history
from weakfield.formats.gadget import load_template
from weakfield.formats.templates import built_in_template
from weakfield.mesh.devices import device_for
from weakfield.mesh.noise import unit_modes
from weakfield.mesh.particles import Particles
from weakfield.simulation.displacement import displacement_kernel
from weakfield.simulation.radiation import Tables
from weakfield.simulation.universe import DTYPES


class StudyCache:
    """Serves runs that differ in theory and seed alone; each call gives what that run may change.

    The noise of one seed is kept, so that the second member of a pair finds it. On a GPU the tables of radiation are
    kept too: their splines are made on the processor, and every pair passes the same scale factors.
    """

    def __init__(self, run: RunSettings, history: TransferHistory | None = None) -> None:
        self._settings, self._cosmology = run.simulation, run.cosmology
        self.device = device_for(run.simulation.device)
        self.tables: Tables | None = {} if self.device.type == "cuda" else None
        self._given = history
        self._noise: tuple[tuple[int, bool], Tensor] | None = None

    def serves(self, run: RunSettings) -> bool:
        """Whether a run has the settings this was made for."""
        return run.simulation == self._settings and run.cosmology == self._cosmology

    @cached_property
    def history(self) -> TransferHistory:
        """Transfer functions."""
        return self._given or transfer_history(self._settings, self._cosmology)

    def noise(self, seed: int, inverted: bool = False) -> Tensor:
        """Unit modes of a seed on the device, not to be changed. Drawn on the processor: one copy a pair."""
        if self._noise is None or self._noise[0] != (seed, inverted):
            self._noise = None  # the old one goes before the new one comes
            settings = self._settings
            drawn = unit_modes(
                settings.grid, seed, settings.k_domain, settings.noise, settings.fixed_amplitude, inverted
            )
            self._noise = ((seed, inverted), drawn.to(self.device))
        return self._noise[1]

    @cached_property
    def template(self) -> np.ndarray:
        """Template positions (T, 3) in template units."""
        if self._settings.template_file is not None:
            return load_template(self._settings.template_file).positions
        return built_in_template(self._settings.template).positions

    def particles(self) -> Particles:
        """The template tiled over the box, at rest; cells and IDs shared, displacements and momenta of one's own.

        Those are double whatever the precision of the run, to which a start is rounded when it is made. Momenta of
        zero take no memory: they are to be replaced, not written to.
        """
        displacement = self._at_rest.displacement.to(torch.float64, copy=True)
        return replace(
            self._at_rest, displacement=displacement, momentum=displacement.new_zeros(1).expand_as(displacement)
        )

    @cached_property
    def _at_rest(self) -> Particles:
        """ID = i + T (x + t (y + t z)) for entry i of tile (x, y, z)."""
        settings, t = self._settings, self._settings.tiling_factor
        places = (np.arange(t)[:, None, None] + self.template) / t  # (t, T, 3): along each axis, of tile and entry
        lattice = np.empty((3, t, t, t, len(self.template)))  # tiles z, y, x
        for axis in range(3):
            shape = np.ones(4, dtype=int)
            shape[2 - axis], shape[3] = t, -1
            lattice[axis] = places[:, :, axis].reshape(shape)
        ids = np.arange(lattice[0].size, dtype=np.int64)  # tiles run x fastest, entries within a tile faster still
        mass, dtype = self._cosmology.Omega_m / len(ids), DTYPES[settings.precision]
        particles = Particles.at_rest(settings.grid, lattice.reshape(3, -1).T, ids, mass, dtype).to(self.device)
        if self.device.type == "cuda":
            particles.rows()
        return replace(particles, momentum=particles.momentum[:, :0].clone())  # nobody moves here

    @cached_property
    def kernel(self) -> Tensor:
        """What the source of the displacement is divided by, on the device."""
        settings = self._settings
        kernel = displacement_kernel(
            settings.grid, self.template, settings.tiling_factor, settings.correct_displacement
        )
        return kernel.to(self.device)
