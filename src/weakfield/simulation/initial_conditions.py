"""Initial particles and fields from linear theory (EQUATIONS 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import TransferHistory
from weakfield.mesh import fft
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.particles import Particles
from weakfield.simulation.gravity import momentum_density, to_b
from weakfield.simulation.linear_start import by_kind, initial_spectra
from weakfield.simulation.matter_start import linear_potential, matter_source, velocity_factor
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation, Source
from weakfield.simulation.snapshot_start import InitialState, load_initial_state
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
    """
    settings = run.simulation
    background = Background(run.cosmology, settings.box_size_mpch)
    if shared is None or not shared.serves(run):
        shared = StudyCache(run, history)
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
        radiation=LinearRadiation(run, background, history, realisation, shared.tables)
        if settings.linear_radiation
        else None,
    )


def _completed(start: InitialState, background: Background, kernels: Kernels, dtype: torch.dtype) -> Tensor:
    """The modes of B, and everything else rounded to the precision ``dtype`` of the run.

    If the modes are not given, they are computed from the particles while these are still in double precision. In this
    order the memory needed never exceeds that of a later cycle.
    """
    if start.b_modes is not None:
        start.round_to(dtype)
        return start.b_modes
    momentum = momentum_density(kernels, start.particles, start.phi)
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
    """Particles and phi from the transfer functions at the initial redshift."""
    sources = initial_spectra(run, background, history)
    k2 = realisation.lattice.k2(shared.device)
    particles = _displaced(realisation, kernels, sources.displacement, shared)
    particles.momentum = _by_kind(realisation, kernels, particles, sources.velocity, k2, sinc=False)
    particles.momentum *= -realisation.n
    return InitialState(particles, realisation.field(sources.potential, k2))


def _from_matter_power(
    run: RunSettings, background: Background, realisation: Realisation, kernels: Kernels, shared: StudyCache
) -> InitialState:
    """Particles displaced to have the matter power in a file, with the phi and velocities that linear theory gives."""
    particles = _displaced(realisation, kernels, (matter_source(run, background),), shared)
    phi = linear_potential(run, background, particles, kernels)
    particles.momentum = kernels.gradient(particles, phi)
    particles.momentum *= realisation.n
    particles.momentum *= -velocity_factor(run, background)
    return InitialState(particles, phi)


def _displaced(
    realisation: Realisation, kernels: Kernels, sources: tuple[Source, ...], shared: StudyCache
) -> Particles:
    """The tiled template moved by the gradient of the displacement potential."""
    particles = shared.particles()
    shift = _by_kind(realisation, kernels, particles, sources, shared.kernel, sinc=True)
    particles.displacement += shift.mul_(realisation.n**2)  # box units per cell, then cells
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
