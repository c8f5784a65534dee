"""Initial particles and fields from linear theory (EQUATIONS 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.base.memory import return_freed_memory
from weakfield.config import RunSettings
from weakfield.config.species import species_densities
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import TransferHistory
from weakfield.mesh import fft
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.particles import Particles
from weakfield.simulation.bounds import require_linear, require_linear_contrast, require_possible
from weakfield.simulation.gravity import momentum_density, to_b
from weakfield.simulation.linear_start import by_kind, initial_spectra
from weakfield.simulation.matter_start import linear_potential, matter_source, velocity_factor
from weakfield.simulation.neutrino_start import heated
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation, Source
from weakfield.simulation.snapshot_start import InitialState, load_initial_state
from weakfield.simulation.species import Species
from weakfield.simulation.spectral.begin import spectral_universe
from weakfield.simulation.spectral.primordial import primordial_modes
from weakfield.simulation.study_cache import StudyCache
from weakfield.simulation.universe import DTYPES, Universe


def initial_universe(
    run: RunSettings,
    history: TransferHistory | None = None,
    backend: str | None = None,
    shared: StudyCache | None = None,
) -> Universe:
    """Particles, phi, chi and B at the initial redshift, made in the order of EQUATIONS 3.5 or read from a snapshot.

    They lie on the device that the settings name. ``shared`` holds what other runs of the same study have already made.
    Raises ``BadInput`` for a run beyond the bounds of ``simulation.bounds``.
    """
    return_freed_memory()  # of the universe before, where two are grown one after the other
    universe = _begun(run, history, backend, shared)
    return_freed_memory()  # a start leaves more of it than the cycles find a use for
    return universe


def _begun(
    run: RunSettings, history: TransferHistory | None, backend: str | None, shared: StudyCache | None
) -> Universe:
    settings = run.simulation
    background = Background(run.cosmology, settings.box_size_mpch)
    if shared is None or not shared.serves(run):
        shared = StudyCache(run, history)
    require_possible(run, shared.device)
    history, device = shared.history, shared.device
    if backend is None and device.type == "cuda":
        backend = "deterministic" if settings.deterministic else "cuda"
    kernels = kernels_for(device.type, backend)
    realisation = Realisation(primordial_modes(run, shared.noise(run.seed, run.inverted)), kernels)
    if settings.mesh == "spectral":
        return spectral_universe(run, background, history, realisation, kernels, backend, shared)
    if settings.initial_conditions == "snapshot":
        start = load_initial_state(run, background, kernels_for("cpu")).to(device)
    elif settings.transfer == "spectrum":
        start = _from_matter_power(run, background, realisation, kernels, shared)
    else:
        start = _from_transfer(run, background, history, realisation, kernels, shared)
    start.particles.require_possible()
    for one in start.others:
        one.particles.require_possible(most_momentum=1.0 if one.neutrinos is None else float("inf"))
    b_modes = _completed(start, background, kernels, DTYPES[settings.precision])
    return Universe(
        run=run,
        background=background,
        particles=start.particles,
        phi=start.phi,
        chi=torch.zeros_like(start.phi) if start.chi is None else start.chi,
        b_modes=b_modes,
        realisation=realisation,
        history=history,
        backend=backend,
        others=start.others,
        radiation=LinearRadiation(run, background, history, realisation, shared.tables) if run.linear_fields else None,
    )


def _completed(start: InitialState, background: Background, kernels: Kernels, dtype: torch.dtype) -> Tensor:
    """The modes of B, and everything else rounded to the precision ``dtype`` of the run.

    If the modes are not given, they are computed from the particles while these are still in double precision. In this
    order the memory needed never exceeds that of a later cycle.
    """
    if start.b_modes is not None:
        start.round_to(dtype)
        return start.b_modes
    all_particles = [start.particles, *(one.particles for one in start.others if one.neutrinos is None)]
    momentum = momentum_density(kernels, all_particles, start.phi)
    start.round_to(dtype)
    modes = fft.forward(momentum)
    del momentum
    to_b(modes, kernels, background)
    return modes.to(fft.COMPLEX[dtype])


def _from_transfer(
    run: RunSettings,
    background: Background,
    history: TransferHistory,
    realisation: Realisation,
    kernels: Kernels,
    shared: StudyCache,
) -> InitialState:
    """Particles of each species and phi from the transfer functions at the initial redshift."""
    k2 = realisation.lattice.k2(shared.device)
    found: list[Species] = []
    for i, (name, density) in enumerate(species_densities(run.simulation, run.cosmology).items()):
        if run.simulation.tiling_of(i) == 0:
            continue
        sources = initial_spectra(run, background, history, name)
        require_linear(run, sources)
        particles = _displaced(realisation, kernels, sources.displacement, shared, i)
        particles.momentum = _by_kind(realisation, kernels, particles, sources.velocity, k2, sinc=False)
        particles.momentum *= -realisation.n
        one = Species(name, particles, density, run.simulation.tracer_factor_of(i))
        found.append(one if name in ("cdm", "b") else heated(run, one))
    potential = realisation.field(sources.potential, k2)  # the same for all species
    return InitialState(found[0].particles, potential, others=tuple(found[1:]))


def _from_matter_power(
    run: RunSettings, background: Background, realisation: Realisation, kernels: Kernels, shared: StudyCache
) -> InitialState:
    """Particles displaced to have the matter power in a file, with the phi and velocities that linear theory gives.

    Massive neutrinos have the displacement of cold matter.
    """
    source = matter_source(run, background)
    require_linear_contrast(run, source)
    found: list[Species] = []
    for i, (name, density) in enumerate(species_densities(run.simulation, run.cosmology).items()):
        if run.simulation.tiling_of(i) > 0:
            particles = _displaced(realisation, kernels, (source,), shared, i, kernel_of=0)
            found.append(Species(name, particles, density, run.simulation.tracer_factor_of(i)))
    phi = linear_potential(run, background, [one.particles for one in found], kernels)
    for one in found:
        one.particles.momentum = kernels.gradient(one.particles, phi)
        one.particles.momentum *= realisation.n
        one.particles.momentum *= -velocity_factor(run, background, neutrinos=one.name != "cdm")
    return InitialState(found[0].particles, phi, others=tuple(heated(run, one) for one in found[1:]))


def _displaced(
    realisation: Realisation,
    kernels: Kernels,
    sources: tuple[Source, ...],
    shared: StudyCache,
    species: int = 0,
    kernel_of: int | None = None,
) -> Particles:
    """The tiled template moved by the gradient of the displacement potential; ``kernel_of`` names another's kernel."""
    particles = shared.particles(species)
    shift = _by_kind(
        realisation,
        kernels,
        particles,
        sources,
        shared.kernel_of(species if kernel_of is None else kernel_of),
        sinc=True,
    )
    particles.displacement += shift.mul_(realisation.n**2)  # box units per cell, then cells
    particles.require_possible()
    return particles


def _by_kind(
    realisation: Realisation,
    kernels: Kernels,
    particles: Particles,
    sources: tuple[Source, ...],
    kernel: Tensor,
    sinc: bool,
) -> Tensor:
    """Gradient at the particles, per cell, of the potential that belongs to each kind of particle, (3, P)."""
    fields = (realisation.field(source, kernel, sinc=sinc) for source in sources)
    return by_kind(particles, [kernels.gradient(particles, field) for field in fields])
