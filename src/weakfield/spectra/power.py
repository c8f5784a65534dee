"""Auto and cross power spectra of periodic cubes.

f = FFT(field) / N^3, V = box_size^3, P = V mean |f|^2. Results keep their raw sums, so that they add and average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput, nearest
from weakfield.mesh import fft
from weakfield.mesh.shells import WINDOW_ORDERS, Shells, Window, shells, squared_modulus, window_power

Reals = NDArray[np.float64]
Cube = Tensor | NDArray[Any]


@dataclass(frozen=True)
class PowerSpectrum:
    """Power per shell of one or two fields, from raw sums over modes.

    ``edges`` (shells+1,) in units of k_F, lower closed, upper open. ``modes`` (shells,) counts every k of the full
    cube once, k and -k both; a shell without modes has 0 everywhere. ``sums``, ``auto_a``, ``auto_b`` (shells,):
    V sum Re f_a f_b*, V sum |f_a|^2 and V sum |f_b|^2, summed over ``fields`` cubes; all three are equal for an
    auto spectrum.
    """

    grid: int
    box_size: float
    edges: tuple[float, ...]
    window: Window
    modes: NDArray[np.int64]
    wavenumber_sums: Reals
    sums: Reals
    auto_a: Reals
    auto_b: Reals
    fields: int = 1

    @property
    def k_fundamental(self) -> float:
        """2 pi / L [h/Mpc]."""
        return 2 * np.pi / self.box_size

    @cached_property
    def k(self) -> Reals:
        """Mean wavenumber of the modes of each shell [h/Mpc]."""
        return self._mean(self.wavenumber_sums) * self.k_fundamental

    @cached_property
    def power(self) -> Reals:
        """Mean power [(Mpc/h)^3 times the squared unit of the field]."""
        return self._mean(self.sums) / self.fields

    @cached_property
    def error(self) -> Reals:
        """Gaussian standard error: sqrt((P_ab^2 + P_a P_b) / modes), P sqrt(2 / modes) for an auto spectrum."""
        variance = self.power**2 + self._mean(self.auto_a) * self._mean(self.auto_b) / self.fields**2
        return np.asarray(np.sqrt(self._mean(variance) / self.fields))

    @cached_property
    def dimensionless(self) -> Reals:
        """Delta^2 = k^3 P / 2 pi^2 at the mean wavenumber."""
        return np.asarray(self.k**3 * self.power / (2 * np.pi**2))

    @cached_property
    def correlation(self) -> Reals:
        """P_ab / sqrt(P_a P_b), 1 for an auto spectrum; 0 where there is no power."""
        scale = np.sqrt(self.auto_a * self.auto_b)
        return np.divide(self.sums, scale, out=np.zeros_like(self.sums), where=scale > 0)

    def __add__(self, other: PowerSpectrum) -> PowerSpectrum:
        """The spectrum of both sets of fields together (same grid, box, edges and window)."""
        for name in ("grid", "box_size", "edges", "window"):
            if getattr(self, name) != getattr(other, name):
                raise BadInput(f"spectra differ in {name}: {getattr(self, name)} and {getattr(other, name)}")
        return PowerSpectrum(
            self.grid, self.box_size, self.edges, self.window, self.modes, self.wavenumber_sums,
            self.sums + other.sums, self.auto_a + other.auto_a, self.auto_b + other.auto_b, self.fields + other.fields,
        )  # fmt: skip

    def _mean(self, sums: Reals) -> Reals:
        return np.asarray(np.where(self.modes > 0, sums / np.maximum(self.modes, 1), 0.0))


def power_spectrum(
    field: Cube, box_size: float, bin_edges: Sequence[float] | NDArray[Any] | None = None, window: Window = "none"
) -> PowerSpectrum:
    """Power spectrum of a cube (N, N, N) [z, y, x] in a periodic box of side ``box_size`` [Mpc/h].

    ``bin_edges`` in units of k_F = 2 pi / L, lower edge closed, upper open; by default of width 1 from 0.5 to the
    Nyquist wavenumber N/2. The Nyquist planes of an even N belong to no shell. ``window`` is the mass assignment
    whose prod sinc^(2p) (pi n_i / N) divides the power; "none" for potentials. ``BadInput`` for a field that is no
    cube, holds NaN, or for edges that do not increase.
    """
    modes = unit_modes(field, "field")
    shell, volume = _shells(modes, box_size, bin_edges), float(box_size) ** 3
    sums = volume * shell.sums(_compensated(squared_modulus(modes), window))
    return PowerSpectrum(
        shell.n, float(box_size), shell.edges, window, shell.modes, shell.wavenumber_sums, sums, sums, sums
    )  # fmt: skip


def cross_spectrum(
    a: Cube, b: Cube, box_size: float, bin_edges: Sequence[float] | NDArray[Any] | None = None, window: Window = "none"
) -> PowerSpectrum:
    """Cross spectrum V mean Re f_a f_b* of two cubes; arguments and binning as ``power_spectrum``."""
    modes_a, modes_b = unit_modes(a, "a"), unit_modes(b, "b")
    if modes_a.shape != modes_b.shape:
        raise BadInput(f"the fields have sides {modes_a.shape[0]} and {modes_b.shape[0]}, expected the same")
    shell, volume = _shells(modes_a, box_size, bin_edges), float(box_size) ** 3
    product = modes_a.real * modes_b.real + modes_a.imag * modes_b.imag
    cross, auto_a, auto_b = (
        volume * shell.sums(_compensated(values, window))
        for values in (product, squared_modulus(modes_a), squared_modulus(modes_b))
    )
    return PowerSpectrum(
        shell.n, float(box_size), shell.edges, window, shell.modes, shell.wavenumber_sums, cross, auto_a, auto_b
    )  # fmt: skip


def unit_modes(field: Cube, name: str = "field") -> NDArray[np.complex128]:
    """FFT(field) / N^3 in double precision, (N, N, N//2+1); ``BadInput`` for what is no finite cube."""
    array = field if isinstance(field, Tensor) else np.asarray(field)
    if array.ndim != 3 or len(set(array.shape)) != 1 or "complex" in str(array.dtype):
        raise BadInput(f"{name} is {array.dtype} of shape {tuple(array.shape)}, expected a real cube (N, N, N)")
    if isinstance(array, Tensor):
        tensor = array.detach().to(torch.float64)
    else:  # reversed axes and foreign byte order are numpy's alone
        tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64))
    if not bool(torch.isfinite(tensor).all()):
        raise BadInput(f"{name} holds NaN or infinity, expected finite numbers")
    modes = fft.forward(tensor).cpu().numpy()
    return np.asarray(modes / float(tensor.shape[0]) ** 3)


def _shells(modes: NDArray[Any], box_size: float, bin_edges: Sequence[float] | NDArray[Any] | None) -> Shells:
    if not (np.isfinite(box_size) and box_size > 0):
        raise BadInput(f"box_size is {box_size}, expected a length in Mpc/h above 0")
    return shells(modes.shape[0], bin_edges)


def _compensated(values: Reals, window: str) -> Reals:
    if window not in WINDOW_ORDERS:
        raise BadInput(
            f"window is '{window}', expected one of {', '.join(WINDOW_ORDERS)}" + nearest(window, WINDOW_ORDERS)
        )
    order = WINDOW_ORDERS[window]
    return values / window_power(values.shape[0], 2 * order) if order else values
