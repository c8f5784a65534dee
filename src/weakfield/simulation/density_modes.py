"""Modes of the densities whose spectra are written, with as little new work as the fields of the cycle allow.

Modes are complex (N, N, N//2+1), valid until the next of these functions is called: they may lie in the work space of
the universe. They are N^3 f_k, and f_k on the spectral mesh.
"""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.fourier.half_axis import make_hermitian
from weakfield.mesh import fft
from weakfield.mesh.packed import T00
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import project
from weakfield.simulation.species import add_density
from weakfield.simulation.spectral.fields import energy_modes as spectral_energy
from weakfield.simulation.spectral.fields import plain_density_modes as spectral_density
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe


def modes_of(u: Universe, field: Tensor) -> Tensor:
    """N^3 f_k of a field (N, N, N), in double precision."""
    return fft.forward(field.double(), out=_room(u))


def energy_modes(u: Universe, clock: Clock) -> Tensor:
    """T00 of the particles with the present phi, but for its mean; in Newton their plain density.

    In GR on the staggered mesh it overwrites the stress-energy of this cycle and ``u.divergence[0]``.
    """
    if isinstance(u, SpectralUniverse):
        return spectral_energy(u, clock)
    if u.run.theory == "gr":
        project(u, clock.a, u.phi, every=True)
        return modes_of(u, u.divergence[0].copy_(u.packed[..., T00]))
    if u.neutrinos:  # which may not be part of the source yet
        return plain_density_modes(u)
    return modes_of(u, u.source)  # Newton has painted it to solve for phi


def plain_density_modes(u: Universe) -> Tensor:
    """The density of the particles, each with the same weight, but for its mean."""
    if isinstance(u, SpectralUniverse):
        return spectral_density(u)
    scale = u.particles.mass * u.n**3
    density = u.kernels.paint(u.particles, None, scale, None, -u.mean_density)
    return modes_of(u, add_density(u.kernels, u.others, density))


def add_radiation(u: Universe, a: float, modes: Tensor | None = None) -> Tensor:
    """``modes`` with those of -a^3 T00 of the radiation, as a real field has them, added; the latter alone if None."""
    assert u.radiation is not None
    if modes is None:
        room = _room(u)
        modes = torch.zeros_like(u.realisation.unit) if room is None else room.zero_()
    u.kernels.add_realisation(*u.radiation.density_modes(a), modes)
    return make_hermitian(modes)


def _room(u: Universe) -> Tensor | None:
    """Memory for modes in double precision that a run on the staggered mesh has for its solutions."""
    return None if isinstance(u, SpectralUniverse) or u.modes.dtype != torch.complex128 else u.modes[0]
