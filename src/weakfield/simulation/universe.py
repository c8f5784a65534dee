"""The state of one simulated universe and the buffers its fields are solved in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import TransferHistory
from weakfield.mesh import fft
from weakfield.mesh.kernels import kernels_for
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.packed import PACKED, T00
from weakfield.mesh.particles import Particles
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation

DTYPES = {"double": torch.float64, "single": torch.float32}


@dataclass
class Universe:
    """Particles and metric fields on a mesh of ``n`` cells a side; code units of EQUATIONS 1.

    phi and chi are (n, n, n) [z, y, x]; ``b_modes`` is Bhat = N a^2 B in Fourier space, carried between cycles.
    """

    #: the fields a checkpoint keeps
    STATE: ClassVar[tuple[str, ...]] = ("phi", "chi", "b_modes", "past_phi", "past_chi")

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
    # the mode k = 0 of phi as solved for: 0 in Newton and in cycle 0; read late, so that a GPU need not stop for it
    phi_mean: Tensor | float = 0.0

    def restored(self) -> None:
        """Rebuild what follows from the state, after the state was read from a checkpoint."""

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

        Before these are made [0] holds the source of phi, and afterwards [1:] holds ``b``.
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
