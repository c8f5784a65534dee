"""The state of one simulated universe and the buffers its fields are solved in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.config.species import species_densities
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import TransferHistory
from weakfield.mesh import fft
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.packed import PACKED, T00
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation
from weakfield.simulation.species import Species

DTYPES = {"double": torch.float64, "single": torch.float32}


@dataclass
class Universe:
    """Particles and metric fields on a mesh of ``n`` cells a side; code units of EQUATIONS 1.

    phi and chi are (n, n, n) [z, y, x]; ``b_modes`` is Bhat = N a^2 B in Fourier space, carried between cycles.
    """

    #: the fields a checkpoint keeps
    STATE: ClassVar[tuple[str, ...]] = ("phi", "chi", "b_modes", "past_phi", "past_chi", "velocity")

    run: RunSettings
    background: Background
    particles: Particles
    phi: Tensor
    chi: Tensor
    b_modes: Tensor
    realisation: Realisation
    history: TransferHistory
    radiation: LinearRadiation | None = None
    backend: str | None = None
    past_phi: Tensor | None = None  # phi and chi of the previous cycle, kept by second-order clocks
    past_chi: Tensor | None = None
    others: tuple[Species, ...] = ()  # species beside cold dark matter, whose particles are ``particles``
    velocity: Tensor | None = None  # (3, n, n, n) in units of c, if an output needs it
    # the mode k = 0 of phi as solved for: 0 in Newton and in cycle 0; read late, so that a GPU need not stop for it
    phi_mean: Tensor | float = 0.0

    def state(self, cycle: int) -> dict[str, Tensor]:
        """The fields of ``STATE`` that there are after so many cycles, each with a tensor of its shape and precision.

        Those of the previous cycle belong to second-order clocks in GR; the spectral mesh has them from cycle 0 on.
        """
        past = self.run.theory == "gr" and self.run.simulation.phi_integrator == "second-order"
        past = past and (cycle > 1 or self.run.simulation.mesh == "spectral")
        like = {"b_modes": self.b_modes, "phi": self.phi, "chi": self.phi, "past_phi": self.phi, "past_chi": self.phi}
        like["velocity"] = self.phi.expand(3, *self.phi.shape)
        moving = "v" in (*self.run.simulation.snapshot_fields, *self.run.simulation.spectra_fields)
        there = {"past_phi": past, "past_chi": past, "velocity": moving}
        names = (name for name in self.STATE if there.get(name, past or not name.startswith("past_")))
        return {name: like.get(name, self.b_modes[0]) for name in names}

    def motion(self) -> dict[str, Tensor]:
        """Displacements and momenta of particles, and speeds of neutrinos, by their names in a checkpoint."""
        found = {"displacement": self.particles.displacement, "momentum": self.particles.momentum}
        for one in self.others:
            found |= {
                f"displacement_{one.name}": one.particles.displacement,
                f"momentum_{one.name}": one.particles.momentum,
            }
            if one.neutrinos is not None:
                found[f"speed_{one.name}"] = one.neutrinos.speed
        return found

    def restored(self, clock: Clock) -> None:
        """Rebuild what follows from the state, after it and the ``clock`` were read from a checkpoint."""

    @property
    def n(self) -> int:
        return self.particles.grid

    @cached_property
    def lattice(self) -> Lattice:
        return Lattice(self.n)

    @cached_property
    def kernels(self) -> Kernels:
        return kernels_for(self.phi.device.type, self.backend)

    @property
    def mean_density(self) -> float:
        """The density parameter Omega of the matter that the particles represent."""
        return self.run.cosmology.Omega_m

    def densities(self, a: float | None = None) -> dict[str, float]:
        """The mean density of each species, with or without particles: Omega, or at ``a`` that times a^3."""
        found = species_densities(self.run.simulation, self.run.cosmology)
        if a is not None and self.background.neutrinos is not None:
            found |= {f"ncdm{p}": float(omega) for p, omega in enumerate(self.background.neutrinos.each(a))}
        return found

    def mean_at(self, a: float) -> float:
        """a^3 times the mean density of all matter: ``mean_density`` if there are no massive neutrinos."""
        return self.background.matter(a)

    def projected_mean(self, a: float) -> float:
        """The part of it that particles represent whose density is projected at ``a``, all but some neutrinos."""
        if self.background.neutrinos is None:
            return self.mean_density
        densities = self.densities(a)
        return sum(densities[one.name] for one in self.species if one.in_density(a))

    @property
    def neutrinos(self) -> tuple[Species, ...]:
        """The species of massive neutrinos that have particles."""
        return tuple(one for one in self.others if one.neutrinos is not None)

    @property
    def cold(self) -> tuple[Species, ...]:
        """The species of cold matter."""
        return tuple(one for one in self.species if one.neutrinos is None)

    @property
    def species(self) -> tuple[Species, ...]:
        """All species of particles, cold dark matter first."""
        densities = species_densities(self.run.simulation, self.run.cosmology)
        return Species("cdm", self.particles, densities["cdm"], self.run.simulation.tracer_factor), *self.others

    @cached_property
    def source(self) -> Tensor:
        """(n, n, n): the density, or the potential that kicks the particles."""
        return torch.empty_like(self.phi)

    @cached_property
    def packed(self) -> Tensor:
        """(n, n, n, 8): the stress-energy of the particles during a solve, and work space during a move.

        The fields are packed as in ``mesh.packed``.
        """
        return self.phi.new_empty((*self.phi.shape, PACKED))

    @cached_property
    def divergence(self) -> Tensor:
        """(4, n, n, n): trace and lattice divergence of S_ij.

        Before these are made [0] holds the source of phi and, in GR, [1] the density of radiation; afterwards [1:]
        holds ``b``.
        """
        return self.phi.new_empty((4, *self.phi.shape))

    @cached_property
    def modes(self) -> Tensor:
        """(4, n, n, n//2+1): Fourier work space."""
        shape = (4, self.n, self.n, self.n // 2 + 1)
        return torch.empty(shape, dtype=fft.COMPLEX[self.phi.dtype], device=self.phi.device)

    def sum_t00(self) -> None:
        """Fill ``t00_sums`` from the present stress-energy, in cycles where no source of phi is computed from it."""
        t00 = self.packed[..., T00].cpu().numpy()
        self.t00_sums.copy_(torch.from_numpy(t00.sum(axis=(1, 2), dtype=np.float64)))

    @property
    def sample(self) -> Tensor:
        """One value of phi in this cycle. It is finite only if all of phi is: a transform spreads NaN and infinity."""
        return self.phi[0, 0, 0].clone()

    def remember(self) -> None:
        """Keep the present phi and chi as those of the previous cycle."""
        if self.past_phi is None or self.past_chi is None:
            self.past_phi, self.past_chi = torch.empty_like(self.phi), torch.empty_like(self.chi)
        self.past_phi.copy_(self.phi)
        self.past_chi.copy_(self.chi)

    def extrapolated(self, ratio: float) -> tuple[Tensor, Tensor]:
        """phi and chi one step ahead, extrapolated linearly in time.

        ``ratio`` is the coming step over the previous one; 0 leaves the fields as they are.
        """
        if ratio == 0.0 or self.past_phi is None or self.past_chi is None:
            return self.phi.clone(), self.chi.clone()
        return (
            torch.lerp(self.past_phi, self.phi, 1.0 + ratio),
            torch.lerp(self.past_chi, self.chi, 1.0 + ratio),
        )

    @property
    def b(self) -> Tensor:
        """(3, n, n, n): Bhat of this cycle in real space, on the links; valid from one solve to the next."""
        return self.divergence[1:]

    @cached_property
    def t00_sums(self) -> Tensor:
        """(n,) float64: T00 minus its mean, as it enters the source of phi, summed over each plane of constant z."""
        return torch.zeros(self.n, dtype=torch.float64, device=self.phi.device)
