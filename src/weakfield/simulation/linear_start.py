"""What particles and fields start with in linear theory, as functions of wavenumber (EQUATIONS 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import RunSettings
from weakfield.cosmology import Background, amplitude
from weakfield.cosmology.splines import natural_spline
from weakfield.cosmology.transfer import TransferFunctions, TransferHistory, of_the_start
from weakfield.mesh.particles import Particles
from weakfield.simulation.realisation import Source

#: with hybrid baryons, particles whose ID is a multiple of this follow the baryons more closely
_HYBRID = 8
#: step of the five-point differences, in ln a
_STEP = 0.005


@dataclass(frozen=True)
class InitialSpectra:
    """The functions of x = k L that the initial conditions realise (EQUATIONS 3.2).

    Displacement and velocity have one function for all particles or, with hybrid baryons, one for most particles and
    one for every eighth.
    """

    potential: Source  # k^2 phi
    displacement: tuple[Source, ...]  # k^2 times the displacement potential
    velocity: tuple[Source, ...]  # k^2 times the potential whose gradient is -q


def initial_spectra(
    run: RunSettings, background: Background, history: TransferHistory, species: str = "cdm"
) -> InitialSpectra:
    """Sources of potential, displacement and velocity of a species at the initial redshift, for the theory of the run.

    GR starts in Poisson gauge. Newton starts in N-body gauge: its density is that of the relativistic run seen in
    N-body gauge, and so is its velocity when the tables cover more than one redshift (EQUATIONS 0.10, 3.2).
    """
    a = 1.0 / (1.0 + run.simulation.initial_redshift)
    box = run.simulation.box_size_mpch
    history = of_the_start(history)
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
    deltas, thetas = (_matter(run, functions, kind, species) for kind in ("delta", "theta"))
    name = functions.source
    return InitialSpectra(
        potential=natural_spline(x, potential, name),
        displacement=tuple(natural_spline(x, gauge - delta * scale, name) for delta in deltas),
        velocity=tuple(
            natural_spline(x, -a * (theta * box / run.cosmology.h) * scale + drift, name) for theta in thetas
        ),
    )


def _matter(run: RunSettings, functions: TransferFunctions, kind: str, species: str) -> list[np.ndarray]:
    """Contrast or velocity divergence of the matter that the particles represent (baryon treatment)."""
    if species != "cdm":
        named = f"ncdm[{species[4:]}]" if species.startswith("ncdm") else species  # as CLASS names them
        return [functions.column(kind, named)]
    cosmology, cdm = run.cosmology, functions.column(kind, "cdm")
    treatment = run.simulation.baryon_treatment
    if treatment in ("ignore", "sample") or cosmology.Omega_b == 0:
        return [cdm]
    baryons, share = functions.column(kind, "b"), cosmology.Omega_b / cosmology.Omega_cb
    if treatment == "blend":
        return [(1 - share) * cdm + share * baryons]
    if _HYBRID * share > 1:
        return [(8 * (1 - share) * cdm + (8 * share - 1) * baryons) / 7, baryons]
    return [cdm, (1 - 8 * share) * cdm + 8 * share * baryons]


def _gauge_velocity(run: RunSettings, background: Background, history: TransferHistory, a: float) -> np.ndarray:
    """V / A = 3 d/dtau (phi + H theta_tot / k^2): N-body minus Poisson gauge velocity divergence (EQUATIONS 3.2).

    The staggered mesh takes the reference program's one-sided difference, which gives V at 0.995 a. The spectral mesh
    takes central differences: that half per cent would amount to 7e-5 of phi at k = 0.005 h/Mpc, three times the
    relativistic part.
    """

    def comoving_curvature(at: float) -> np.ndarray:
        functions = history.at(at)
        if functions.phi is None:
            raise BadInput(f"{functions.source} has no column phi, expected it for N-body gauge velocities")
        x = functions.k_hmpc * run.simulation.box_size_mpch
        theta = functions.column("theta", "tot") * run.simulation.box_size_mpch / run.cosmology.h
        curvature: np.ndarray = functions.phi + background.conformal_hubble(at) * theta / x**2
        return curvature

    velocity: np.ndarray
    if run.simulation.mesh == "staggered":
        rate = 99.5 * background.conformal_hubble(0.995 * a)
        velocity = 3.0 * rate * (comoving_curvature(a) - comoving_curvature(0.99 * a))
        return velocity
    far, near = (
        comoving_curvature(a * (1.0 + step)) - comoving_curvature(a * (1.0 - step)) for step in (2 * _STEP, _STEP)
    )
    velocity = 3.0 * background.conformal_hubble(a) * (8.0 * near - far) / (12.0 * _STEP)
    return velocity


def slip_source(run: RunSettings, f: TransferFunctions) -> Source:
    """S of the linear phi - psi; 0 if the transfer functions do not have both."""
    x, scale = _nodes(run, f)
    if f.phi is None or f.psi is None:
        return np.zeros_like
    return natural_spline(x, scale * (f.psi - f.phi), f.source)


def pull_source(run: RunSettings, background: Background, f: TransferFunctions) -> Source:
    """S of (H^2 - H') theta_tot / k^2, which together with -H psi is phi'."""
    a = 1.0 / (1.0 + run.simulation.initial_redshift)
    x, scale = _nodes(run, f)
    theta = f.column("theta", "tot") * (run.simulation.box_size_mpch / run.cosmology.h)
    factor = background.velocity_source_coefficient(a) / (3.0 * background.conformal_hubble(a))
    return natural_spline(x, -scale * factor * theta / x**2, f.source)


def by_kind(particles: Particles, values: list[Tensor]) -> Tensor:
    """For each particle, the value (3, P) of its kind: with hybrid baryons every eighth is of the second kind."""
    if len(values) == 1:
        return values[0]
    return torch.where(particles.ids % _HYBRID == 0, values[1], values[0])


def _nodes(run: RunSettings, f: TransferFunctions) -> tuple[np.ndarray, np.ndarray]:
    """x = k L and the amplitude A there."""
    x = f.k_hmpc * run.simulation.box_size_mpch
    return x, amplitude(run.cosmology, run.simulation.box_size_mpch, x)
