"""From a source function of wavenumber and a seed's unit modes to a field on the mesh (EQUATIONS 3.4)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from weakfield.fourier import squared_wavenumbers
from weakfield.mesh import fft
from weakfield.mesh.devices import sent
from weakfield.mesh.kernels.contract import Addition, Kernels
from weakfield.mesh.lattice import Lattice

Source = Callable[[np.ndarray], np.ndarray]  # S(x), x = k times the box size


class Realisation:
    """One seed's universe on one mesh: fields that share its random numbers."""

    def __init__(self, unit_modes: Tensor, kernels: Kernels) -> None:
        self.unit = unit_modes
        self._kernels = kernels
        self.n = unit_modes.shape[0]
        self.lattice = Lattice(self.n)
        half = np.arange(self.n // 2 + 1)
        numbers = np.arange(3 * (self.n // 2) ** 2 + 1)
        # wavenumbers in single precision, rounded as the reference program rounds them
        self._x = np.sqrt((numbers * (4 * np.pi**2)).astype(np.float32)).astype(np.float64)
        self._live = _drawn(unit_modes)
        self._sinc = torch.from_numpy(np.sinc(half / self.n).astype(np.float32)).to(unit_modes.device)

    def strength(self, source: Source) -> Tensor:
        """S(k) tabulated by n^2, float64, on the device of the modes; 0 where no mode was drawn."""
        strength = np.zeros_like(self._x)
        strength[self._live] = source(self._x[self._live])
        return sent(torch.from_numpy(strength), self.unit.device)

    def add(self, out: Tensor, source: Source | Tensor, factor: float = 1.0, sinc: bool = False) -> Tensor:
        """out += factor x unit mode x S(k) x s, complex ``(N, N, N//2+1)``.

        S is a function, or a table made by ``strength``. s is the product of sinc(pi n_i / N) if ``sinc``, else 1.
        """
        self._kernels.add_realisation(*self.addition(source, factor, sinc), out)
        return out

    def addition(self, source: Source | Tensor, factor: float = 1.0, sinc: bool = False) -> Addition:
        """What ``add`` adds, for solvers that add it in one of their own passes."""
        strength = source if isinstance(source, Tensor) else self.strength(source)
        window = self._sinc if sinc else None
        if self.unit.is_cuda:
            return self.unit, strength, window, factor
        return self.unit, strength.numpy(), None if window is None else window.numpy(), factor

    def field(
        self,
        source: Source | Tensor,
        divide_by: Tensor | None,
        sinc: bool = False,
        dtype: torch.dtype = torch.float64,
        room: Tensor | None = None,
        out: Tensor | None = None,
    ) -> Tensor:
        """The real field ``(N, N, N)``: the unnormalised backward transform of unit mode x S x s / K.

        ``divide_by`` is the kernel K (None means 1); ``room`` (N, N, N//2+1) is work space and ``out`` takes the field.
        """
        if room is None:
            room = torch.empty_like(self.unit, dtype=fft.COMPLEX[dtype])
        modes = self.add(room.zero_(), source, sinc=sinc)
        if divide_by is not None:
            modes /= torch.where(divide_by != 0, divide_by, 1.0)
        return fft.backward(modes, self.n, out=out, normalised=False, overwrite=True)


def _drawn(unit_modes: Tensor) -> np.ndarray:
    """The values of n^2 that have a mode in the domain."""
    n = unit_modes.shape[0]
    squares = torch.from_numpy(squared_wavenumbers(n)).to(unit_modes.device)
    found = torch.zeros(3 * (n // 2) ** 2 + 1, dtype=torch.bool, device=unit_modes.device)
    found[squares[unit_modes != 0]] = True
    return np.flatnonzero(found.cpu().numpy())
