"""Sums of powers by bins of wavenumber, in one pass over the modes (EQUATIONS 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Axes = tuple[NDArray[np.float64], NDArray[np.float64]]

#: no product fuses with a sum here: the digits are those of the definition, which has them one after the other
_PARALLEL: Any = {"cache": True, "error_model": "numpy", "parallel": True}
#: of the z-y plane, summed one by one; so many threads can work, and the order of sums is the same for any number
_QUARTERS = 4


@njit(**_PARALLEL)
def _sums(modes, weights, index, full, half, window_full, window_half, windowed, scale, even, first, second):
    count, n, size = modes.shape[0], modes.shape[1], modes.shape[3]
    middle = n // 2
    for quarter in prange(_QUARTERS):
        upper, right = quarter // 2, quarter % 2
        for z in range(middle * upper, n if upper else middle):
            for y in range(middle * right, n if right else middle):
                for x in range(size):
                    value = 0.0
                    for i in range(count):
                        mode = modes[i, z, y, x]
                        real, imaginary = np.float64(mode.real), np.float64(mode.imag)
                        value += weights[i] * (real * real + imaginary * imaginary)
                    square = half[x] + full[y] + full[z]
                    value *= square * np.sqrt(square) / scale
                    if windowed:
                        value /= window_full[z] * window_full[y] * window_half[x]
                    times = 1.0 if x == 0 or (even and x == middle) else 2.0
                    at = index[z, y, x]
                    first[quarter, at] += times * value
                    second[quarter, at] += times * (value * value)


def shell_sums(
    modes: NDArray[Any],
    weights: Sequence[float],
    index: NDArray[np.int32],
    squares: Axes,
    windows: Axes | None,
    scale: float,
    bins: int,
) -> Axes:
    """Sums by bin, (bins,) float64 each, of the power of every mode and of its square; k and -k count both.

    The power is k^3 / ``scale`` times the sum of ``weights`` times |f|^2 of complex ``modes`` (fields, N, N, N//2+1),
    over the window. ``index`` (N, N, N//2+1) names the bins, ``bins`` for none; ``squares`` are k^2 along a full and
    the half axis, and ``windows`` the window along them or None.
    """
    n = modes.shape[1]
    first, second = np.zeros((2, _QUARTERS, bins + 1))
    full, half = windows or squares
    _sums(
        modes, np.asarray(weights, np.float64), index, *squares, full, half, windows is not None, scale, n % 2 == 0,
        first, second,
    )  # fmt: skip
    one, two = (((part[0] + part[1]) + (part[2] + part[3]))[:bins] for part in (first, second))
    return one, two
