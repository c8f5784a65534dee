"""What the universes of one study have in common, made only once: a seed's noise, particles at rest, and tables."""

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
    """Serves runs that differ only in theory and seed; what a run may change is made anew for each call.

    The noise of one seed is kept, so that the second member of a pair finds it. On a GPU the tables of radiation are
    kept too: their splines are computed on the processor, and every pair passes through the same scale factors.
    """

    def __init__(self, run: RunSettings, history: TransferHistory | None = None) -> None:
        self._settings, self._cosmology = run.simulation, run.cosmology
        self.device = device_for(run.simulation.device)
        self.tables: Tables | None = {} if self.device.type == "cuda" else None
        self._given = history
        self._noise: tuple[tuple[int, bool], Tensor] | None = None

    def serves(self, run: RunSettings) -> bool:
        """Whether a run has the settings that this cache was made for."""
        return run.simulation == self._settings and run.cosmology == self._cosmology

    @cached_property
    def history(self) -> TransferHistory:
        """Transfer functions."""
        return self._given or transfer_history(self._settings, self._cosmology)

    def noise(self, seed: int, inverted: bool = False) -> Tensor:
        """Unit modes of a seed on the device; do not change them. Drawn on the processor and copied once per pair."""
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
        """The template tiled over the box, at rest: cells and IDs are shared, displacements and momenta are one's own.

        The latter two are in double precision whatever the precision of the run; the start is rounded when it is
        complete. The momenta are zero and take no memory: replace them, do not write to them.
        """
        displacement = self._at_rest.displacement.to(torch.float64, copy=True)
        return replace(
            self._at_rest, displacement=displacement, momentum=displacement.new_zeros(1).expand_as(displacement)
        )

    @cached_property
    def _at_rest(self) -> Particles:
        """ID = i + T (x + t (y + t z)) for entry i of tile (x, y, z)."""
        settings, t = self._settings, self._settings.tiling_factor
        places = (np.arange(t)[:, None, None] + self.template) / t  # (t, T, 3): by tile and entry, along each axis
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
        return replace(particles, momentum=particles.momentum[:, :0].clone())  # particles at rest need no momenta

    @cached_property
    def kernel(self) -> Tensor:
        """The kernel by which the source of the displacement is divided, on the device."""
        settings = self._settings
        kernel = displacement_kernel(
            settings.grid, self.template, settings.tiling_factor, settings.correct_displacement
        )
        return kernel.to(self.device)
