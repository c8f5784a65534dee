"""Initial particles and fields from linear theory (PHYSICS 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

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
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation, Source
from weakfield.simulation.universe import DTYPES, Universe


@dataclass(frozen=True)
class LinearSources:
    """The functions of x = k L that the initial conditions realise (PHYSICS 3.2)."""

    potential: Source  # k^2 phi
    displacement: Source  # k^2 times the displacement potential
    velocity: Source  # k^2 times the potential whose gradient is -q


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
    delta, theta = _matter(run, functions)
    theta = theta * box / run.cosmology.h
    expansion = 1.5 * (hubble**2 - background.H0**2 * a**2 * run.cosmology.Omega_lambda)
    potential = scale * (
        expansion * functions.column("delta", "tot") + background.velocity_source_coefficient(a) * theta_tot / x**2
    )
    if run.theory == "gr":
        displacement = -3.0 * potential / x**2 - delta * scale
        velocity = -a * theta * scale
    else:
        displacement = -3.0 * hubble * theta_tot * scale / x**2 - delta * scale
        velocity = -a * theta * scale
        if run.simulation.newton_velocities == "nbody":
            velocity = velocity + a * scale * _gauge_velocity(run, background, history, a)
    name = functions.source
    return LinearSources(
        potential=natural_spline(x, potential, name),
        displacement=natural_spline(x, displacement, name),
        velocity=natural_spline(x, velocity, name),
    )


def _matter(run: RunSettings, functions: TransferFunctions) -> tuple[np.ndarray, np.ndarray]:
    """Contrast and velocity divergence of what the particles stand for (baryon treatment)."""
    if run.simulation.baryon_treatment == "ignore" or run.cosmology.Omega_b == 0:
        return functions.column("delta", "cdm"), functions.column("theta", "cdm")
    share = run.cosmology.Omega_b / run.cosmology.Omega_m
    delta, theta = (
        (1 - share) * functions.column(kind, "cdm") + share * functions.column(kind, "b") for kind in ("delta", "theta")
    )
    return delta, theta


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
    """Particles, phi, chi and B at the initial redshift, in the order of PHYSICS 3.5."""
    settings, n = run.simulation, run.simulation.grid
    background = Background(run.cosmology, settings.box_size_mpch)
    history = history or transfer_history(settings, run.cosmology)
    sources = linear_sources(run, background, history)
    dtype = DTYPES[settings.precision]
    kernels = kernels_for("cpu", kernel_kind)
    realisation = Realisation(unit_modes(n, run.seed, settings.k_domain, settings.noise), kernels)
    k2 = realisation.lattice.k2()

    template = _template(run)
    particles = _lattice_particles(run, template, dtype)
    kernel = displacement_kernel(n, template, settings.tiling_factor, settings.correct_displacement)
    displacement = realisation.field(sources.displacement, kernel, sinc=True).to(dtype)
    particles.displacement += kernels.gradient(particles, displacement) * n**2  # box units per cell, then cells
    velocity = realisation.field(sources.velocity, k2).to(dtype)
    particles.momentum.copy_(kernels.gradient(particles, velocity) * -n)

    phi = realisation.field(sources.potential, k2).to(dtype)
    universe = Universe(
        run=run, background=background, particles=particles, phi=phi, chi=torch.zeros_like(phi),
        b_modes=torch.zeros((3, n, n, n // 2 + 1), dtype=torch.complex128 if dtype == torch.float64 else torch.complex64),
        realisation=realisation, history=history, kernel_kind=kernel_kind,
        radiation=LinearRadiation(run, background, history, realisation) if settings.linear_radiation else None,
    )  # fmt: skip
    solve_b_elliptic(universe, particles)
    return universe


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
