"""Shells of wavenumber on the half axis of a real FFT, and sums over them in a fixed order.

Two binnings: ``shells`` with edges in units of the fundamental mode, exact in integers, for our own spectra; and
``reference_shells``, linear in k up to the corner of the cube, for the spectra files of the reference program.
All sums are ``numpy.bincount`` over the modes in memory order: the same bits for any number of threads. Modes on a GPU
are summed there for spectra files, which gives other last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput

Window = Literal["none", "ngp", "cic", "tsc", "pcs"]
#: order p of each mass assignment: its window is prod_i sinc(pi n_i / N)^p
WINDOW_ORDERS: dict[str, int] = {"none": 0, "ngp": 1, "cic": 2, "tsc": 3, "pcs": 4}

Reals = NDArray[np.float64]


def wavenumbers(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Signed integer wavenumbers of a full axis (N,) and the half axis (N//2+1,); the former calls Nyquist -N/2."""
    full = np.arange(n, dtype=np.int64)
    full[(n + 1) // 2 :] -= n
    return full, np.arange(n // 2 + 1, dtype=np.int64)


def squared_wavenumbers(n: int, dimensions: int = 3) -> NDArray[np.int64]:
    """n_x^2 + n_y^2 + n_z^2 of every mode, (N, N, N//2+1) [z, y, x]; n_x^2 + n_y^2, (N, N//2+1), of a plane."""
    full, half = wavenumbers(n)
    return np.asarray(sum(axis**2 for axis in np.ix_(*[full] * (dimensions - 1), half)))


def window_power(n: int, exponent: int) -> Reals:
    """prod_i sinc(pi n_i / N)^exponent of every mode, (N, N, N//2+1)."""
    full, half = (np.sinc(axis / n) ** exponent for axis in wavenumbers(n))
    return np.asarray(full[:, None, None] * full[None, :, None] * half[None, None, :])


# ---------------------------------------------------------------------------------------------------------------
# Shells with given edges


@dataclass(frozen=True)
class Shells:
    """Modes of an N^3 cube (or an N^2 plane) sorted into shells lower edge <= |n| < upper edge, edges in units of k_F.

    The Nyquist planes of an even N belong to no shell. ``index`` and ``weight`` are (N, N, N//2+1), of a plane
    (N, N//2+1); ``index`` is the number of shells where a mode belongs to none; ``weight`` is how many modes of the
    full cube an entry stands for (k and -k: 2, on n_x = 0: 1). ``modes`` (shells,) counts every k of the full cube
    once, ``wavenumber_sums`` is the sum of |n| over them.
    """

    n: int
    edges: tuple[float, ...]
    index: NDArray[np.intp]
    weight: Reals
    modes: NDArray[np.int64]
    wavenumber_sums: Reals

    @property
    def count(self) -> int:
        """Number of shells, empty ones included."""
        return len(self.edges) - 1

    @property
    def mean_wavenumbers(self) -> Reals:
        """Mean |n| of each shell in units of k_F, 0 where it is empty."""
        return np.asarray(self.wavenumber_sums / np.maximum(self.modes, 1))

    def sums(self, values: NDArray[Any]) -> Reals:
        """Sum over the modes of each shell, k and -k both, of real ``values`` (N, N, N//2+1) even under k -> -k."""
        weighted = np.multiply(self.weight, values)
        return _sums(self.index, weighted, self.count)

    def outside(self, values: NDArray[Any]) -> float:
        """The same sum over the modes that belong to no shell: with ``sums`` it covers the full cube."""
        weighted = np.multiply(self.weight, values)
        return float(np.bincount(self.index.ravel(), weighted.ravel(), self.count + 1)[self.count])


def default_edges(n: int) -> tuple[float, ...]:
    """Edges 0.5, 1.5, ... of width 1 (units of k_F), none beyond the Nyquist wavenumber N/2."""
    return tuple(0.5 + i for i in range((n + 1) // 2))


def shells(n: int, edges: Sequence[float] | NDArray[Any] | None = None, dimensions: int = 3) -> Shells:
    """The shells of a cube of side ``n`` for increasing ``edges`` in units of k_F (default: ``default_edges``).

    ``dimensions`` 2: of a plane, whose shells are rings. An edge is taken as the exact value of its float and compared
    as edge^2 with the integer |n|^2.
    """
    return _shells(n, default_edges(n) if edges is None else checked_edges(edges), dimensions)


def checked_edges(edges: Sequence[float] | NDArray[Any]) -> tuple[float, ...]:
    """Edges as floats; ``BadInput`` unless there are two or more, increasing from 0 or above."""
    values = tuple(float(edge) for edge in edges)
    if len(values) < 2 or not all(np.isfinite(values)) or values[0] < 0 or any(np.diff(values) <= 0):
        raise BadInput(f"bin_edges is {list(values)}, expected at least two increasing numbers >= 0 in units of k_F")
    return values


def first_square(edge: float) -> int:
    """The smallest integer |n|^2 at or above edge^2, the edge taken as the exact value of its float."""
    return min(ceil(Fraction(edge) ** 2), 2**62)


@lru_cache(maxsize=8)
def _shells(n: int, edges: tuple[float, ...], dimensions: int) -> Shells:
    squares = squared_wavenumbers(n, dimensions)
    first = np.array([first_square(edge) for edge in edges])
    count = len(edges) - 1
    index = np.searchsorted(first, squares, side="right") - 1
    index[index < 0] = count  # below the first edge; at or above the last one searchsorted already says count
    half = wavenumbers(n)[1]
    if n % 2 == 0:
        for axis in range(dimensions):
            np.moveaxis(index, axis, 0)[n // 2] = count  # also of the half axis
    weight = np.broadcast_to(np.where((half == 0) | (2 * half == n), 1.0, 2.0), index.shape)
    modes = _sums(index, weight, count).astype(np.int64)
    wavenumber_sums = _sums(index, weight * np.sqrt(squares), count)
    for array in (index, modes, wavenumber_sums):
        array.flags.writeable = False
    return Shells(n, edges, index, weight, modes, wavenumber_sums)


# ---------------------------------------------------------------------------------------------------------------
# The reference program's spectra files


@dataclass(frozen=True)
class ReferenceShells:
    """Linear bins of the reference program (EQUATIONS 10): ``bins`` from k = 0 to sqrt(3) pi N in code units.

    ``index`` (N, N, N//2+1) is ``bins`` for modes in no bin; ``k`` and ``sigma_k`` [code units] and ``count`` are per
    bin, with the empty bins still in.
    """

    n: int
    bins: int
    index: NDArray[np.intp]
    weight: Reals
    k: Reals
    sigma_k: Reals
    count: Reals

    def sums(self, values: Reals) -> Reals:
        """Weighted sums of ``values`` (N, N, N//2+1) per bin: over the four quarters of the z-y plane, then pairwise.

        That is the order of the reference program on 2x2 processes; it decides the rounding residue printed as
        sigma(k) where all modes of a bin have the same k.
        """
        return _quarter_sums(self.index, self.weight * values, self.bins)


@dataclass(frozen=True)
class ReferenceSpectrum:
    """Columns of a spectra file, empty bins omitted: k and its rms scatter [h/Mpc], Delta^2 and its error, count."""

    k_hmpc: Reals
    power: Reals
    sigma_k: Reals
    sigma_power: Reals
    count: NDArray[np.int64]


@lru_cache(maxsize=4)
def reference_shells(n: int, bins: int) -> ReferenceShells:
    """Bins of the reference program for a cube of side ``n`` (EQUATIONS 10)."""
    full, half = ((2 * np.pi * axis) ** 2 for axis in wavenumbers(n))
    squares = half[None, None, :] + full[None, :, None] + full[:, None, None]
    limit = 3.0 * (np.pi * n) ** 2
    # modes such as (1,1,1) lie exactly on an edge: this order of operations puts them where the reference does
    index = np.minimum(np.floor(bins * np.sqrt(squares / limit)).astype(np.intp), bins)
    index[0, 0, 0] = bins
    ones = np.arange(n // 2 + 1)
    weight = np.broadcast_to(np.where((ones == 0) | (2 * ones == n), 1.0, 2.0), index.shape)
    count = _quarter_sums(index, weight, bins)
    first = _quarter_sums(index, weight * np.sqrt(squares), bins)
    second = _quarter_sums(index, weight * squares, bins)
    filled = np.maximum(count, 1)
    variance = np.array([_residue(*terms) for terms in zip(second, count, first, strict=True)])
    return ReferenceShells(n, bins, index, weight, first / filled, np.sqrt(np.maximum(variance, 0)) / filled, count)


def reference_spectrum(
    modes: Tensor | Sequence[tuple[float, Tensor]],
    bins: int,
    box_size_mpch: float,
    window: Literal["none", "cic"] = "none",
) -> ReferenceSpectrum:
    """Delta^2(k) = <|f_k|^2 k^3> / 2 pi^2 with f_k = FFT / N^3, binned as the reference does (EQUATIONS 10).

    ``modes``: unnormalised real FFT (N, N, N//2+1), or (weight, modes) of each component of a vector or tensor, whose
    weighted powers add. ``window="cic"`` divides the power by prod sinc^2(pi n_i / N), as the reference does.
    """
    components = [(1.0, modes)] if isinstance(modes, Tensor) else list(modes)
    n = components[0][1].shape[0]
    shell = reference_shells(n, bins)
    summed = _sums_on_device if components[0][1].is_cuda else _sums_on_host
    first, second = summed(components, shell, window)
    kept = shell.count > 0
    count = shell.count[kept]
    power = first[kept] / count
    spread = np.maximum(second[kept] / count - power**2, 0)
    return ReferenceSpectrum(
        k_hmpc=shell.k[kept] / box_size_mpch,
        power=power,
        sigma_k=shell.sigma_k[kept] / box_size_mpch,
        sigma_power=np.sqrt(spread) / np.sqrt(count),
        count=count.astype(np.int64),
    )


def _weights(n: int) -> Reals:
    """What turns |f|^2 of a mode into Delta^2, (N, N, N//2+1)."""
    full, half = ((2 * np.pi * axis) ** 2 for axis in wavenumbers(n))
    squares = half[None, None, :] + full[None, :, None] + full[:, None, None]
    weights: Reals = squares * np.sqrt(squares) / (2 * np.pi**2 * float(n) ** 6)
    return weights


def _sums_on_host(
    components: list[tuple[float, Tensor]], shell: ReferenceShells, window: Literal["none", "cic"]
) -> tuple[Reals, Reals]:
    """Sums of Delta^2 and of its square by bin."""
    values = np.zeros(shell.index.shape)
    for factor, component in components:
        values += factor * squared_modulus(component.detach().numpy())
    values *= _weights(shell.n)
    if window == "cic":
        values /= window_power(shell.n, 2)
    return shell.sums(values), shell.sums(values**2)


def _sums_on_device(
    components: list[tuple[float, Tensor]], shell: ReferenceShells, window: Literal["none", "cic"]
) -> tuple[Reals, Reals]:
    """The same where the modes are: in another order, so that the last digits may change from run to run."""
    device = components[0][1].device
    index, counted, weights = _on_device(shell.n, shell.bins, window, device)
    values = torch.zeros_like(weights)
    for factor, component in components:
        parts = torch.view_as_real(component.detach()).double()
        values += factor * (parts * parts).sum(-1)
    values *= weights
    first, second = (
        torch.bincount(index, (counted * power).reshape(-1), shell.bins + 1)[: shell.bins].cpu().numpy()
        for power in (values, values**2)
    )
    return first, second


@lru_cache(maxsize=2)
def _on_device(
    n: int, bins: int, window: Literal["none", "cic"], device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Bin of every mode (flat), how often it counts, and what turns its |f|^2 into Delta^2."""
    shell = reference_shells(n, bins)
    weights = _weights(n) / window_power(n, 2) if window == "cic" else _weights(n)
    arrays = (shell.index.ravel(), np.ascontiguousarray(shell.weight), weights)
    index, counted, factors = (torch.from_numpy(array).to(device) for array in arrays)
    return index, counted, factors


def squared_modulus(modes: NDArray[Any]) -> Reals:
    """|f|^2 in double precision."""
    real, imaginary = modes.real.astype(np.float64), modes.imag.astype(np.float64)
    return np.asarray(real * real + imaginary * imaginary)


def _sums(index: NDArray[np.intp], values: Reals, bins: int) -> Reals:
    """Sums of ``values`` by ``index`` in memory order; the index ``bins`` collects what belongs to none."""
    return np.asarray(np.bincount(index.ravel(), values.ravel(), bins + 1)[:bins], dtype=np.float64)


def _quarter_sums(index: NDArray[np.intp], values: Reals, bins: int) -> Reals:
    middle = index.shape[0] // 2
    halves = (slice(0, middle), slice(middle, None))
    parts = [_sums(index[z, y], values[z, y], bins) for z in halves for y in halves]
    return np.asarray((parts[0] + parts[1]) + (parts[2] + parts[3]))


def _residue(second: float, count: float, first: float) -> float:
    """second * count - first^2 with the first product unrounded, as a fused multiply-add gives it."""
    return float(Fraction(second) * Fraction(count) - Fraction(float(first * first)))
