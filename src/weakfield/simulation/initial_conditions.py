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
from weakfield.cosmology.transfer import TransferFunctions, TransferHistory, transfer_history
from weakfield.formats.gadget import load_template
from weakfield.formats.templates import built_in_template
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.noise import unit_modes
from weakfield.mesh.particles import Particles
from weakfield.simulation.displacement import displacement_kernel
from weakfield.simulation.gravity import solve_b_elliptic
from weakfield.simulation.matter_start import linear_potential, matter_source, velocity_factor
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation, Source
from weakfield.simulation.snapshot_start import SnapshotStart, load_start
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
    run: RunSettings, history: TransferHistory | None = None, kernel_kind: str | None = None
) -> Universe:
    """Particles, phi, chi and B at the initial redshift, in the order of PHYSICS 3.5, or from a snapshot."""
    settings = run.simulation
    background = Background(run.cosmology, settings.box_size_mpch)
    history = history or transfer_history(settings, run.cosmology)
    kernels = kernels_for("cpu", kernel_kind)
    realisation = Realisation(unit_modes(settings.grid, run.seed, settings.k_domain, settings.noise), kernels)
    if settings.initial_conditions == "snapshot":
        start = load_start(run, background, kernels)
    elif settings.transfer == "spectrum":
        start = _from_matter_power(run, background, realisation, kernels)
    else:
        start = _from_transfer(run, background, history, realisation, kernels)
    n, phi = settings.grid, start.phi
    kind = torch.complex128 if phi.dtype == torch.float64 else torch.complex64
    universe = Universe(
        run=run, background=background, particles=start.particles, phi=phi,
        chi=torch.zeros_like(phi) if start.chi is None else start.chi,
        b_modes=torch.zeros((3, n, n, n // 2 + 1), dtype=kind) if start.b_modes is None else start.b_modes,
        realisation=realisation, history=history, kernel_kind=kernel_kind,
        radiation=LinearRadiation(run, background, history, realisation) if settings.linear_radiation else None,
    )  # fmt: skip
    if start.b_modes is None:
        solve_b_elliptic(universe, universe.particles)
    return universe


def _from_transfer(
    run: RunSettings, background: Background, history: TransferHistory, realisation: Realisation, kernels: ModuleType
) -> SnapshotStart:
    """Particles and phi with the transfer functions at the initial redshift."""
    sources, dtype = linear_sources(run, background, history), DTYPES[run.simulation.precision]
    k2 = realisation.lattice.k2()
    particles = _displaced(run, realisation, kernels, sources.displacement)
    velocity = _by_kind(realisation, kernels, particles, sources.velocity, k2, sinc=False)
    particles.momentum.copy_(velocity * -realisation.n)
    return SnapshotStart(particles, realisation.field(sources.potential, k2).to(dtype))


def _from_matter_power(
    run: RunSettings, background: Background, realisation: Realisation, kernels: ModuleType
) -> SnapshotStart:
    """Particles displaced to the matter power of a file, and the phi and velocities that linear theory gives them."""
    particles = _displaced(run, realisation, kernels, (matter_source(run, background),))
    phi = linear_potential(run, background, particles, kernels)
    gradient = kernels.gradient(particles, phi) * realisation.n
    particles.momentum.copy_(gradient * -velocity_factor(run, background))
    return SnapshotStart(particles, phi)


def _displaced(
    run: RunSettings, realisation: Realisation, kernels: ModuleType, sources: tuple[Source, ...]
) -> Particles:
    """The tiled template moved by the gradient of the displacement potential."""
    settings, template = run.simulation, _template(run)
    particles = _lattice_particles(run, template, DTYPES[settings.precision])
    kernel = displacement_kernel(settings.grid, template, settings.tiling_factor, settings.correct_displacement)
    shift = _by_kind(realisation, kernels, particles, sources, kernel, sinc=True)
    particles.displacement += shift * settings.grid**2  # box units per cell, then cells
    return particles


def _by_kind(
    realisation: Realisation, kernels: ModuleType, particles: Particles, sources: tuple[Source, ...], kernel: Tensor,
    sinc: bool,
) -> Tensor:  # fmt: skip
    """Gradient at the particles, per cell, of the potential each kind of particle moves in, (3, P)."""
    dtype = particles.displacement.dtype
    fields = (realisation.field(source, kernel, sinc=sinc).to(dtype) for source in sources)
    gradients: list[Tensor] = [kernels.gradient(particles, field) for field in fields]
    if len(gradients) == 1:
        return gradients[0]
    return torch.where(particles.ids % _HYBRID == 0, gradients[1], gradients[0])


def _template(run: RunSettings) -> np.ndarray:
    """Template positions (T, 3) in template units."""
    settings = run.simulation
    if settings.template_file is not None:
        return load_template(settings.template_file).positions
    return built_in_template(settings.template).positions


def _lattice_particles(run: RunSettings, template: np.ndarray, dtype: torch.dtype) -> Particles:
    """The template tiled over the box; ID = i + T (x + t (y + t z)) for entry i of tile (x, y, z)."""
    t = run.simulation.tiling_factor
    z, y, x = np.meshgrid(*[np.arange(t)] * 3, indexing="ij")
    tiles = np.stack([x, y, z], axis=-1).reshape(-1, 1, 3)
    lattice = ((tiles + template) / t).reshape(-1, 3)
    ids = np.arange(len(lattice), dtype=np.int64)  # tiles run x fastest, entries within a tile faster still
    return Particles.at_rest(run.simulation.grid, lattice, ids, run.cosmology.Omega_m / len(ids), dtype)
