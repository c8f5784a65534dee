"""Fourier symbols of the lattice differences (EQUATIONS 5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Lattice:
    """A periodic lattice of ``n`` sites a side in a box of unit length (code units of EQUATIONS 1)."""

    n: int

    @cached_property
    def k2_numpy(self) -> np.ndarray:
        """K_i = (2 n sin(pi i / n))^2 along one axis, (n,): minus the symbol of the second difference over dx^2."""
        return (2 * self.n * np.sin(np.pi * np.arange(self.n) / self.n)) ** 2

    @cached_property
    def kappa_numpy(self) -> np.ndarray:
        """kappa_i = 2 n sin(pi i / n) exp(-i pi i / n), (n,): -i times the backward difference over dx."""
        phase = np.pi * np.arange(self.n) / self.n
        kappa: np.ndarray = 2 * self.n * np.sin(phase) * np.exp(-1j * phase)
        return kappa

    def k2(self, device: torch.device | str = "cpu") -> Tensor:
        """K summed over the axes on the half-complex mesh, (n, n, n//2+1)."""
        one = torch.from_numpy(self.k2_numpy).to(device)
        return one[:, None, None] + one[None, :, None] + one[None, None, : self.n // 2 + 1]

    def kappa(self, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor, Tensor]:
        """kappa_x, kappa_y, kappa_z, each broadcasting over the half-complex mesh [z, y, x]."""
        one = torch.from_numpy(self.kappa_numpy).to(device)
        return one[None, None, : self.n // 2 + 1], one[None, :, None], one[:, None, None]
