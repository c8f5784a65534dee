"""From a source function of wavenumber and a seed's unit modes to a field on the mesh (PHYSICS 3.4)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from weakfield.mesh import fft
from weakfield.mesh.lattice import Lattice

Source = Callable[[np.ndarray], np.ndarray]  # S(x), x = k times the box size


class Realisation:
    """One seed's universe on one mesh: fields that share its random numbers."""

    def __init__(self, unit_modes: Tensor) -> None:
        self._unit = unit_modes
        self.n = unit_modes.shape[0]
        self.lattice = Lattice(self.n)
        m = self.lattice.mode_number
        n2 = m[:, None, None] ** 2 + m[None, :, None] ** 2 + m[None, None, : self.n // 2 + 1] ** 2
        # wavenumbers in single precision, rounded as the reference program rounds them
        numbers, self._inverse = np.unique(n2, return_inverse=True)
        squares = (numbers.astype(np.float64) * (4 * np.pi**2)).astype(np.float32)
        self._x = np.sqrt(squares).astype(np.float64)
        self._live = np.unique(self._inverse[unit_modes.numpy() != 0]) if len(numbers) else numbers

    def modes(self, source: Source, divide_by: Tensor | None, sinc: bool = False) -> Tensor:
        """F = unit mode x S(k) x s / K, complex ``(N, N, N//2+1)``; s the product of sinc(pi n_i / N) if ``sinc``.

        ``divide_by`` is the kernel K (None means 1). The field is the unnormalised backward transform of F.
        """
        strength = np.zeros_like(self._x)
        strength[self._live] = source(self._x[self._live])
        modes = self._unit * torch.from_numpy(strength[self._inverse].reshape(self._unit.shape))
        if sinc:
            modes *= torch.from_numpy(self._sinc())
        if divide_by is not None:
            modes /= torch.where(divide_by != 0, divide_by, 1.0)
        modes[0, 0, 0] = 0
        return modes

    def field(self, source: Source, divide_by: Tensor | None, sinc: bool = False) -> Tensor:
        """The real field ``(N, N, N)``, float64."""
        return fft.backward(self.modes(source, divide_by, sinc), self.n, normalised=False)

    def _sinc(self) -> np.ndarray:
        """The product of sinc(pi n_i / N) over the axes, in single precision (PHYSICS 3.4)."""
        one = np.sinc(self.lattice.mode_number / self.n).astype(np.float32)
        product = one[None, None, : self.n // 2 + 1] * one[None, :, None] * one[:, None, None]
        return product.astype(np.float64)
