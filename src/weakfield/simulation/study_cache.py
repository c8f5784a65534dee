"""What the universes of one study have in common, made only once: a seed's noise, particles at rest, and tables."""

from __future__ import annotations

from functools import cached_property, lru_cache

from torch import Tensor

from weakfield.config import OutputSettings, RunSettings, Theory
from weakfield.config.species import species_densities
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import TransferHistory, transfer_history
from weakfield.mesh.devices import device_for
from weakfield.mesh.noise import unit_modes
from weakfield.mesh.particles import Particles
from weakfield.simulation.radiation import Tables
from weakfield.simulation.rest import RestLattice
from weakfield.simulation.spectral.linear_steps import LinearSteps

#: cells a side up to which the tables of radiation are kept: 25 kB each there, two a cycle and theory
LARGEST_KEPT = 64


class StudyCache:
    """Serves runs that differ only in theory and seed; what a run may change is made anew for each call.

    The noise of one seed is kept, so that the second member of a pair finds it. The tables of radiation are kept too,
    because every pair passes through the same scale factors: on a GPU always, as their splines are computed on the
    processor, and elsewhere on meshes on which they take a few megabytes.
    """

    def __init__(self, run: RunSettings, history: TransferHistory | None = None) -> None:
        self._settings, self._cosmology, self._lightcone = run.simulation, run.cosmology, run.lightcone
        self.device = device_for(run.simulation.device)
        kept = self.device.type == "cuda" or run.simulation.grid <= LARGEST_KEPT
        self.tables: Tables | None = {} if kept else None
        self._given = history
        self._linear_steps: dict[Theory, LinearSteps] = {}
        self._noise: tuple[tuple[int, bool], Tensor] | None = None
        self._names = tuple(species_densities(run.simulation, run.cosmology))
        self._lattices: dict[int, RestLattice] = {}

    def serves(self, run: RunSettings) -> bool:
        """Whether a run has the settings that this cache was made for."""
        settings = run.simulation, run.cosmology, run.lightcone
        return settings == (self._settings, self._cosmology, self._lightcone)

    @cached_property
    def history(self) -> TransferHistory:
        """Transfer functions."""
        return self._given or transfer_history(self._settings, self._cosmology)

    def linear_steps(self, run: RunSettings) -> LinearSteps:
        """The corrections of linear theory in the steps of a run on the spectral mesh, until its last output."""
        if run.theory not in self._linear_steps:
            any_seed = run.model_copy(update={"seed": 0, "inverted": False, "output": OutputSettings()})
            solve = _linear_steps if self._given is not None else _kept_linear_steps
            self._linear_steps[run.theory] = solve(any_seed, self.history)
        return self._linear_steps[run.theory]

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

    def particles(self, species: int = 0) -> Particles:
        """The particles of a species at rest (``RestLattice.particles``)."""
        return self._lattice(species).particles()

    @property
    def kernel(self) -> Tensor:
        """The kernel by which the source of the displacement of cold dark matter is divided, on the device."""
        return self.kernel_of(0)

    def kernel_of(self, species: int) -> Tensor:
        """That of any species."""
        return self._lattice(species).kernel

    def _lattice(self, species: int) -> RestLattice:
        if species not in self._lattices:
            name, settings = self._names[species], self._settings
            densities = species_densities(settings, self._cosmology)
            self._lattices[species] = RestLattice(
                settings,
                settings.template_of(species),
                settings.tiling_of(species),
                densities[name],
                self.device,
                corrected=settings.correct_displacement and not name.startswith("ncdm"),
            )
        return self._lattices[species]


def _linear_steps(run: RunSettings, history: TransferHistory) -> LinearSteps:
    """The corrections of a run until its last output."""
    simulation = run.simulation
    outputs = *simulation.snapshot_redshifts, *simulation.spectra_redshifts
    last = min((*outputs, *(cone.redshift for cone in run.lightcone.cones), simulation.initial_redshift))
    return LinearSteps(run, Background(run.cosmology, simulation.box_size_mpch), history, last)


#: the same for the next cache of the same settings: providers return one object for the tables that they compute once
_kept_linear_steps = lru_cache(maxsize=8)(_linear_steps)
