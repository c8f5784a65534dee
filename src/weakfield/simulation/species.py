"""Species of particles beside cold dark matter, and what they add to projections (EQUATIONS 17, 18)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.particles import Particles


@dataclass
class Neutrinos:
    """What a species of massive neutrinos has beside its particles.

    The scale factors are those from which the particles are part of T00, of T0_i and of T_ij. ``speed`` is the largest
    |q| / a after the last kick, float64 without dimensions of the tensor.
    """

    density_from: float
    momentum_from: float
    stress_from: float
    speed: Tensor


@dataclass
class Species:
    """Particles of one species.

    ``name`` is that in the names of files (cdm, b, ncdm0, ...), ``density`` the Omega that the particles represent
    today. Particles whose ID is a multiple of ``tracer_factor`` are written to Gadget-2 files; 0: there are none.
    ``neutrinos`` is None for matter that is cold.
    """

    name: str
    particles: Particles
    density: float
    tracer_factor: int
    neutrinos: Neutrinos | None = None

    def in_density(self, a: float) -> bool:
        """Whether the particles are part of T00 at scale factor ``a``."""
        return self.neutrinos is None or a >= self.neutrinos.density_from

    def in_momentum(self, a: float) -> bool:
        """The same of T0_i."""
        return self.neutrinos is None or a >= self.neutrinos.momentum_from

    def in_stress(self, a: float) -> bool:
        """The same of T_ij."""
        return self.neutrinos is None or a >= self.neutrinos.stress_from


def add_density(kernels: Kernels, species: Iterable[Species], out: Tensor) -> Tensor:
    """Add the plain density of each species to ``out`` (N, N, N)."""
    for one in species:
        out += kernels.paint(one.particles, None, one.particles.mass * one.particles.grid**3)
    return out


def add_momentum(kernels: Kernels, particles: Iterable[Particles], phi: Tensor, out: Tensor) -> Tensor:
    """Add T0_i of all ``particles`` in the metric ``phi`` to ``out`` (3, N, N, N) (EQUATIONS 4)."""
    for one in particles:
        out += kernels.project_t0i(one, phi, torch.empty_like(out))
    return out
