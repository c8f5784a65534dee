"""The velocity of matter on the mesh, its divergence and its rotation (EQUATIONS 23)."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.integrate import quad
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.fourier.half_axis import wavenumber_axes
from weakfield.mesh import fft
from weakfield.mesh.packed import T00
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import project
from weakfield.simulation.species import add_density
from weakfield.simulation.universe import Universe

#: nodes of less density keep their velocity
_EMPTY = 1e-30
#: the spectra that come with "v": the velocity, its divergence and its rotation
VELOCITY_SPECTRA = ("v", "theta", "omega")


def measures_velocity(run: RunSettings) -> bool:
    """Whether an output needs the velocity, which every cycle then measures."""
    return "v" in (*run.simulation.snapshot_fields, *run.simulation.spectra_fields)


def measure_velocity(universe: Universe, clock: Clock) -> None:
    """``universe.velocity`` of this cycle, (3, N, N, N) in units of c at the nodes; comes before the fields are solved.

    It is the momentum of cold matter over the density that is about to be the source of phi, both projected with the
    metric of the cycle before; momenta are half a step behind. Nodes without matter have their velocity of the cycle
    before, grown as linear momenta grow. Does nothing unless the run measures velocities.
    """
    u = universe
    if not measures_velocity(u.run):
        return
    density = _density(u, clock)
    filled = density >= _EMPTY
    fields = torch.zeros_like(u.phi).expand(3, *u.phi.shape).clone() if u.velocity is None else u.velocity
    if not bool(filled.all()):
        fields *= _growth(u, clock)
    per_mass = u.particles.mass * u.n**3
    metric = 1.0 + 6.0 * u.phi - u.chi
    density *= clock.a
    for field, momentum in zip(fields, u.particles.momentum, strict=True):
        flow = u.kernels.paint(u.particles, momentum, per_mass) * metric
        field.copy_(torch.where(filled, flow / torch.where(filled, density, 1.0), field))
    u.velocity = fields


def _density(u: Universe, clock: Clock) -> Tensor:
    """a^3 T00 of all matter at the nodes, in Newton the plain density; with linear fields while they act."""
    if u.run.theory == "gr":
        project(u, clock.a, u.phi)
        density = u.packed[..., T00] + u.mean_at(clock.a)
    else:
        density = u.kernels.paint(u.particles, None, u.particles.mass * u.n**3)
        add_density(u.kernels, (one for one in u.others if one.in_density(clock.a)), density)
    if u.radiation is not None and u.radiation.density_acts(clock.a):
        density += u.radiation.density(clock.a, u.phi.dtype, u.modes[0], u.divergence[1])
    return density


def _growth(u: Universe, clock: Clock) -> float:
    """The factor by which linear momenta have grown since the cycle before: that of a dD/dtau."""
    now, before = (a * _growth_rate(u.background, a) for a in (clock.a, clock.a_before))
    return now / before


def _growth_rate(background: Background, a: float) -> float:
    """dD/dtau up to a constant, by a difference over 1 % of a."""
    omega = background.cosmology.Omega_m
    difference = _growing_mode(omega, 1.005 * a) - _growing_mode(omega, 0.995 * a)
    return a * background.conformal_hubble(a) * difference / (0.01 * a)


def _growing_mode(omega_m: float, a: float) -> float:
    """D(a) of dust and Lambda, 5/2 Omega_m H int da / (a H)^3 with H in units of today's."""

    def integrand(b: float) -> float:
        return math.sqrt(b / ((1.0 - omega_m) * b**3 + omega_m)) ** 3

    return 2.5 * omega_m * math.sqrt(1.0 - omega_m + omega_m / a**3) * float(quad(integrand, 0.0, a, epsrel=1e-10)[0])


def velocity_modes(universe: Universe, name: str) -> Tensor:
    """Modes N^3 f_k of "v" (3, N, N, N//2+1), of "theta" (1, ...) or of "omega" (3, ...), the latter two in 1/Mpc.

    Derivatives are central differences, i N sin(2 pi n / N), which vanish at the Nyquist frequency.
    """
    u = universe
    assert u.velocity is not None  # measured in every cycle of a run that asks for it
    modes = fft.forward(u.velocity.double())
    if name == "v":
        return modes
    n, per_mpc = u.n, u.run.cosmology.h / u.run.simulation.box_size_mpch
    sines = [np.where(2 * axis % n == 0, 0.0, np.sin(axis * (2.0 * math.pi / n))) for axis in wavenumber_axes(n)]
    z, y, x = (torch.from_numpy(sine).to(modes.device) * (1j * n * per_mpc) for sine in sines)
    if name == "theta":
        return (x * modes[0] + y * modes[1] + z * modes[2])[None]
    rotation = (y * modes[2] - z * modes[1], z * modes[0] - x * modes[2], x * modes[1] - y * modes[0])
    return torch.stack(rotation)
