"""Initial particles and fields from linear theory (PHYSICS 3)."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import RunSettings
from weakfield.cosmology import Background, amplitude
from weakfield.cosmology.splines import natural_spline
from weakfield.cosmology.transfer import TransferFunctions, TransferHistory
from weakfield.mesh import fft
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.particles import Particles
from weakfield.simulation.gravity import momentum_density, to_b
from weakfield.simulation.matter_start import linear_potential, matter_source, velocity_factor
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation, Source
from weakfield.simulation.shared import Shared
from weakfield.simulation.snapshot_start import Start, load_start
from weakfield.simulation.universe import DTYPES, Universe

#: with hybrid baryons every particle whose ID this divides follows baryons more closely
_HYBRID = 8


@dataclass(frozen=True)
class LinearSources:
    """The functions of x = k L that the initial conditions realise (PHYSICS 3.2).

    Displacement and velocity: one for all particles, or with hybrid baryons one for most and one for every eighth.
    """

    potential: Source  # k^2 phi
    displacement: tuple[Source, ...]  # k^2 times the displacement potential
    velocity: tuple[Source, ...]  # k^2 times the potential whose gradient is -q


def linear_sources(run: RunSettings, background: Background, history: TransferHistory) -> LinearSources:
    """Sources of potential, displacement and velocity at the initial redshift, for the theory of the run.

    GR starts in Poisson gauge. Newton starts in N-body gauge: its density is that of the relativistic run seen in
    N-body gauge, and so is its velocity when the tables reach past one redshift (PHYSICS 0.10, 3.2).
    """
    a = 1.0 / (1.0 + run.simulation.initial_redshift)
    box = run.simulation.box_size_mpch
    functions = history.at(a)
    x = functions.k_hmpc * box
    scale = amplitude(run.cosmology, box, x)
    hubble = background.conformal_hubble(a)
    theta_tot = functions.column("theta", "tot") * box / run.cosmology.h  # 1/Mpc to code units
    expansion = 1.5 * (hubble**2 - background.H0**2 * a**2 * run.cosmology.Omega_lambda)
    potential = scale * (
        expansion * functions.column("delta", "tot") + background.velocity_source_coefficient(a) * theta_tot / x**2
    )
    if run.theory == "gr":
        gauge, drift = -3.0 * potential / x**2, np.zeros_like(x)
    else:
        gauge, drift = -3.0 * hubble * theta_tot * scale / x**2, np.zeros_like(x)
        if run.simulation.newton_velocities == "nbody":
            drift = a * scale * _gauge_velocity(run, background, history, a)
    deltas, thetas = (_matter(run, functions, kind) for kind in ("delta", "theta"))
    name = functions.source
    return LinearSources(
        potential=natural_spline(x, potential, name),
        displacement=tuple(natural_spline(x, gauge - delta * scale, name) for delta in deltas),
        velocity=tuple(
            natural_spline(x, -a * (theta * box / run.cosmology.h) * scale + drift, name) for theta in thetas
        ),
    )


def _matter(run: RunSettings, functions: TransferFunctions, kind: str) -> list[np.ndarray]:
    """Contrast or velocity divergence of what the particles stand for (baryon treatment)."""
    cosmology, cdm = run.cosmology, functions.column(kind, "cdm")
    treatment = run.simulation.baryon_treatment
    if treatment == "ignore" or cosmology.Omega_b == 0:
        return [cdm]
    baryons, share = functions.column(kind, "b"), cosmology.Omega_b / cosmology.Omega_m
    if treatment == "blend":
        return [(1 - share) * cdm + share * baryons]
    if _HYBRID * share > 1:
        return [(8 * (1 - share) * cdm + (8 * share - 1) * baryons) / 7, baryons]
    return [cdm, (1 - 8 * share) * cdm + 8 * share * baryons]


def _gauge_velocity(run: RunSettings, background: Background, history: TransferHistory, a: float) -> np.ndarray:
    """V / A = 3 d/dtau (phi + H theta_tot / k^2): N-body minus Poisson gauge velocity divergence (PHYSICS 3.2)."""

    def comoving_curvature(at: float) -> np.ndarray:
        functions = history.at(at)
        if functions.phi is None:
            raise BadInput(f"{functions.source} has no column phi, expected it for N-body gauge velocities")
        x = functions.k_hmpc * run.simulation.box_size_mpch
        theta = functions.column("theta", "tot") * run.simulation.box_size_mpch / run.cosmology.h
        curvature: np.ndarray = functions.phi + background.conformal_hubble(at) * theta / x**2
        return curvature

    rate = 99.5 * background.conformal_hubble(0.995 * a)
    velocity: np.ndarray = 3.0 * rate * (comoving_curvature(a) - comoving_curvature(0.99 * a))
    return velocity


def initial_universe(
    run: RunSettings,
    history: TransferHistory | None = None,
    kernel_kind: str | None = None,
    shared: Shared | None = None,
) -> Universe:
    """Particles, phi, chi and B at the initial redshift, in the order of PHYSICS 3.5, or from a snapshot.

    They lie on the device of the settings. ``shared``: what other runs of the same study have made already.
    """
    settings = run.simulation
    background = Background(run.cosmology, settings.box_size_mpch)
    if shared is None or not shared.serves(run):
        shared = Shared(run, history)
    history, device = shared.history, shared.device
    if kernel_kind is None and device.type == "cuda":
        kernel_kind = "deterministic" if settings.deterministic else "cuda"
    kernels = kernels_for(device.type, kernel_kind)
    realisation = Realisation(shared.noise(run.seed, run.inverted), kernels)
    if settings.initial_conditions == "snapshot":
        start = load_start(run, background, kernels_for("cpu")).to(device)
    elif settings.transfer == "spectrum":
        start = _from_matter_power(run, background, realisation, kernels, shared)
    else:
        start = _from_transfer(run, background, history, realisation, kernels, shared)
    b_modes = _completed(start, background, kernels, DTYPES[settings.precision])
    return Universe(
        run=run, background=background, particles=start.particles, phi=start.phi,
        chi=torch.zeros_like(start.phi) if start.chi is None else start.chi, b_modes=b_modes,
        realisation=realisation, history=history, kernel_kind=kernel_kind,
        radiation=LinearRadiation(run, background, history, realisation, shared.tables)
        if settings.linear_radiation
        else None,
    )  # fmt: skip


def _completed(start: Start, background: Background, kernels: ModuleType, dtype: torch.dtype) -> Tensor:
    """The modes of B, from particles that are still double where they are not given; and all else rounded to the run.

    In this order no more lies in memory at once than later in a cycle.
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
    run: RunSettings, background: Background, history: TransferHistory, realisation: Realisation, kernels: ModuleType,
    shared: Shared,
) -> Start:  # fmt: skip
    """Particles and phi with the transfer functions at the initial redshift."""
    sources = linear_sources(run, background, history)
    k2 = realisation.lattice.k2(shared.device)
    particles = _displaced(realisation, kernels, sources.displacement, shared)
    particles.momentum = _by_kind(realisation, kernels, particles, sources.velocity, k2, sinc=False)
    particles.momentum *= -realisation.n
    return Start(particles, realisation.field(sources.potential, k2))


def _from_matter_power(
    run: RunSettings, background: Background, realisation: Realisation, kernels: ModuleType, shared: Shared
) -> Start:
    """Particles displaced to the matter power of a file, and the phi and velocities that linear theory gives them."""
    particles = _displaced(realisation, kernels, (matter_source(run, background),), shared)
    phi = linear_potential(run, background, particles, kernels)
    particles.momentum = kernels.gradient(particles, phi)
    particles.momentum *= realisation.n
    particles.momentum *= -velocity_factor(run, background)
    return Start(particles, phi)


def _displaced(realisation: Realisation, kernels: ModuleType, sources: tuple[Source, ...], shared: Shared) -> Particles:
    """The tiled template moved by the gradient of the displacement potential."""
    particles = shared.particles()
    shift = _by_kind(realisation, kernels, particles, sources, shared.kernel, sinc=True)
    particles.displacement += shift.mul_(realisation.n**2)  # box units per cell, then cells
    return particles


def _by_kind(
    realisation: Realisation, kernels: ModuleType, particles: Particles, sources: tuple[Source, ...], kernel: Tensor,
    sinc: bool,
) -> Tensor:  # fmt: skip
    """Gradient at the particles, per cell, of the potential each kind of particle moves in, (3, P)."""
    fields = (realisation.field(source, kernel, sinc=sinc) for source in sources)
    gradients: list[Tensor] = [kernels.gradient(particles, field) for field in fields]
    if len(gradients) == 1:
        return gradients[0]
    return torch.where(particles.ids % _HYBRID == 0, gradients[1], gradients[0])
