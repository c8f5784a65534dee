"""Initial conditions from the power spectrum of matter alone, in synchronous gauge (EQUATIONS 3.2, mPk file).

Everything follows from the growing mode of linear theory, as there are no transfer functions of velocity or radiation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.cosmology.splines import natural_spline
from weakfield.cosmology.transfer import read_matter_power
from weakfield.mesh import fft
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.particles import Particles
from weakfield.simulation.realisation import Source


def matter_source(run: RunSettings, background: Background) -> Source:
    """k^2 times the displacement potential: sqrt(P / 2 L^3) (1 + 7.5 g H^2 / k^2), with g = 1 in GR and 0 in Newton.

    In Poisson gauge, once the volume change of 3 phi is subtracted, the density of a mode is (1 + 7.5 H^2/k^2) times
    that in synchronous gauge. Wavenumbers outside the file raise a ``BadInput`` that names it.
    """
    settings = run.simulation
    assert settings.transfer_file is not None  # the settings ask for it
    k, power = read_matter_power(settings.transfer_file, run.cosmology.h, settings.initial_redshift)
    a = 1.0 / (1.0 + settings.initial_redshift)
    correction = 7.5 * background.conformal_hubble(a) ** 2 if run.theory == "gr" else 0.0
    x = k * settings.box_size_mpch
    contrast = natural_spline(x, np.sqrt(power / (2.0 * settings.box_size_mpch**3)), str(settings.transfer_file))
    return lambda at: contrast(at) * (1.0 + correction / at**2)


def linear_potential(
    run: RunSettings, background: Background, particles: Sequence[Particles], kernels: Kernels
) -> Tensor:
    """phi(k) = -(G4 / a N^3) rho(k) / [K + 3 g (H^2 + G4 Omega_m / a)] from the plain density of the particles."""
    a = 1.0 / (1.0 + run.simulation.initial_redshift)
    shift = 0.0
    if run.theory == "gr":
        shift = 3.0 * (background.conformal_hubble(a) ** 2 + background.four_pi_G * run.cosmology.Omega_m / a)
    return poisson(background, particles, kernels, a, shift)


def poisson(
    background: Background, particles: Sequence[Particles], kernels: Kernels, a: float, shift: float = 0.0
) -> Tensor:
    """-(G4 / a N^3) rho(k) / (K + shift) in real space, with zero mean."""
    first, n = particles[0], particles[0].grid
    density = kernels.paint(first, None, first.mass * n**3)
    for other in particles[1:]:
        density += kernels.paint(other, None, other.mass * n**3)
    modes = fft.forward(density)
    kernels.divide_by_laplacian(modes, Lattice(n), -background.four_pi_G / (a * n**3), shift, True)
    return fft.backward(modes, n, normalised=False)


def velocity_factor(run: RunSettings, background: Background, neutrinos: bool = False) -> float:
    """a / [H (1.5 Omega_m(a) + 2 Omega_r(a))]; in the growing mode q is minus this times grad(phi).

    What massive neutrinos have beyond their rest mass counts as radiation. For the ``neutrinos`` themselves the
    reference program has 1 in place of 2.
    """
    a, cosmology = 1.0 / (1.0 + run.simulation.initial_redshift), run.cosmology
    total = background.density(a)
    matter, radiation = cosmology.Omega_m / a / total, cosmology.Omega_r / a**2 / total
    if background.neutrinos is not None:
        radiation += (background.matter(a) - cosmology.Omega_m) / a / total
    return a / background.conformal_hubble(a) / (1.5 * matter + (1.0 if neutrinos else 2.0) * radiation)
