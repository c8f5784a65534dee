"""The spectra files of the reference program: linear bins in k up to the corner of the cube (EQUATIONS 10).

Sums are in the order of the reference program. Modes on a GPU are summed there, which changes the last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.fourier.half_axis import Reals, half_axis_weights, wavenumbers
from weakfield.fourier.shells import sums_by
from weakfield.fourier.windows import window_axes, window_power


@dataclass(frozen=True)
class ReferenceShells:
    """Linear bins of the reference program (EQUATIONS 10): ``bins`` from k = 0 to sqrt(3) pi N in code units.

    ``index`` (N, N, N//2+1) is ``bins`` for modes in no bin; ``k`` and ``sigma_k`` [code units] and ``count`` are per
    bin, and empty bins are included.
    """

    n: int
    bins: int
    index: NDArray[np.int32]
    weight: Reals
    k: Reals
    sigma_k: Reals
    count: Reals

    def sums(self, values: Reals) -> Reals:
        """Weighted sums of ``values`` (N, N, N//2+1) per bin: first over four quarters of the z-y plane, then pairwise.

        This is the order of the reference program on 2x2 processes; it determines the rounding residue that is printed
        as sigma(k) where all modes of a bin have the same k.
        """
        return _quarter_sums(self.index, self.weight * values, self.bins)


@dataclass(frozen=True)
class ReferenceSpectrum:
    """Columns of a spectra file, without empty bins: k and its rms scatter [h/Mpc], Delta^2 and its error, count.

    Delta^2 = k^3 P(k) / 2 pi^2 is dimensionless.
    """

    k_hmpc: Reals
    dimensionless: Reals
    k_scatter: Reals
    error: Reals
    count: NDArray[np.int64]


@lru_cache(maxsize=4)
def reference_shells(n: int, bins: int) -> ReferenceShells:
    """Bins of the reference program for a cube of side ``n`` (EQUATIONS 10)."""
    squares = _squares(n)
    limit = 3.0 * (np.pi * n) ** 2
    # modes such as (1,1,1) lie exactly on an edge: this order of operations bins them as the reference program does
    index = np.minimum(np.floor(bins * np.sqrt(squares / limit)), bins).astype(np.int32)
    index[0, 0, 0] = bins
    weight = np.broadcast_to(half_axis_weights(n), index.shape)
    count = _quarter_sums(index, weight, bins)
    first = _quarter_sums(index, weight * np.sqrt(squares), bins)
    second = _quarter_sums(index, weight * squares, bins)
    filled = np.maximum(count, 1)
    variance = np.array([_residue(*terms) for terms in zip(second, count, first, strict=True)])
    return ReferenceShells(n, bins, index, weight, first / filled, np.sqrt(np.maximum(variance, 0)) / filled, count)


def reference_spectrum(
    modes: Tensor,
    bins: int,
    box_size_mpch: float,
    window: Literal["none", "cic"] = "none",
    weights: Sequence[float] = (1.0,),
) -> ReferenceSpectrum:
    """Delta^2(k) = <|f_k|^2 k^3> / 2 pi^2 with f_k = FFT / N^3, binned as the reference program does (EQUATIONS 10).

    ``modes`` is an unnormalised real FFT (N, N, N//2+1), or those of the components of a vector or tensor
    (components, N, N, N//2+1), whose powers are added with ``weights``. ``window="cic"`` divides the power by
    prod sinc^2(pi n_i / N), as the reference program does.
    """
    n = modes.shape[-2]
    components = modes.detach().reshape(-1, n, n, n // 2 + 1)
    shell = reference_shells(n, bins)
    summed = _sums_on_device if modes.is_cuda else _sums_on_host
    first, second = summed(components, weights, shell, window)
    kept = shell.count > 0
    count = shell.count[kept]
    mean = first[kept] / count
    spread = np.maximum(second[kept] / count - mean**2, 0)
    return ReferenceSpectrum(
        k_hmpc=shell.k[kept] / box_size_mpch,
        dimensionless=mean,
        k_scatter=shell.sigma_k[kept] / box_size_mpch,
        error=np.sqrt(spread) / np.sqrt(count),
        count=count.astype(np.int64),
    )


def _square_axes(n: int) -> tuple[Reals, Reals]:
    """k_i^2 in code units along a full axis (N,) and the half axis (N//2+1,)."""
    full, half = (np.asarray((2 * np.pi * axis) ** 2, dtype=np.float64) for axis in wavenumbers(n))
    return full, half


def _squares(n: int) -> Reals:
    """k^2 of every mode in code units, (N, N, N//2+1), summed in the order of the reference program."""
    full, half = _square_axes(n)
    return np.asarray(half[None, None, :] + full[None, :, None] + full[:, None, None])


def _scale(n: int) -> float:
    """k^3 |f|^2 over this is Delta^2 of a mode."""
    return float(2 * np.pi**2 * float(n) ** 6)


def _sums_on_host(
    components: Tensor, weights: Sequence[float], shell: ReferenceShells, window: Literal["none", "cic"]
) -> tuple[Reals, Reals]:
    """Sums of Delta^2 and of its square, by bin, in the order of ``ReferenceShells.sums``."""
    from weakfield.mesh.kernels.cpu.shell_sums import shell_sums

    windows = window_axes(shell.n, 2) if window == "cic" else None
    axes = _square_axes(shell.n)
    return shell_sums(components.numpy(), weights, shell.index, axes, windows, _scale(shell.n), shell.bins)


def _sums_on_device(
    components: Tensor, weights: Sequence[float], shell: ReferenceShells, window: Literal["none", "cic"]
) -> tuple[Reals, Reals]:
    """The same sums on the device of the modes; their order differs, so the last digits may change from run to run."""
    index, counted, factors = _on_device(shell.n, shell.bins, window, components.device)
    values = torch.zeros_like(factors)
    for weight, component in zip(weights, components, strict=True):
        parts = torch.view_as_real(component).double()
        values += weight * (parts * parts).sum(-1)
    values *= factors
    first, second = (
        torch.bincount(index, (counted * power).reshape(-1), shell.bins + 1)[: shell.bins].cpu().numpy()
        for power in (values, values**2)
    )
    return first, second


def mode_factors(n: int, window: Literal["none", "cic"]) -> Reals:
    """What turns |FFT|^2 of every mode into its Delta^2, (N, N, N//2+1)."""
    squares = _squares(n)
    factors = squares * np.sqrt(squares) / _scale(n)
    if window == "cic":
        factors /= window_power(n, 2)
    return np.asarray(factors)


@lru_cache(maxsize=2)
def _on_device(
    n: int, bins: int, window: Literal["none", "cic"], device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """For every mode (flat) its bin, how often it counts, and the factor that turns its |f|^2 into Delta^2."""
    shell = reference_shells(n, bins)
    arrays = (shell.index.ravel(), np.ascontiguousarray(shell.weight), mode_factors(n, window))
    index, counted, on_device = (torch.from_numpy(array).to(device) for array in arrays)
    return index, counted, on_device


def _quarter_sums(index: NDArray[np.int32], values: Reals, bins: int) -> Reals:
    middle = index.shape[0] // 2
    halves = (slice(0, middle), slice(middle, None))
    parts = [sums_by(index[z, y], values[z, y], bins) for z in halves for y in halves]
    return np.asarray((parts[0] + parts[1]) + (parts[2] + parts[3]))


def _residue(second: float, count: float, first: float) -> float:
    """second * count - first^2 with the first product unrounded, as a fused multiply-add computes it."""
    return float(Fraction(second) * Fraction(count) - Fraction(float(first * first)))
