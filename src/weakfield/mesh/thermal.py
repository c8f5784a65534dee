"""Thermal momenta of neutrinos, drawn for each particle from the stream of a seed (EQUATIONS 18.3)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, prange
from scipy.optimize import brentq

from weakfield.mesh.noise import _word

Reals = npt.NDArray[np.float32]

#: strips of the ziggurat, the area of each, and where the first, which is the widest, ends
_STRIPS, _AREA, _END = 64, 0.02912329639503224, 29.0
#: stream positions between particles of neighbouring IDs
_SPAN = 7


@lru_cache(maxsize=1)
def _ziggurat() -> tuple[Reals, Reals, Reals]:
    """Left and right ends and lower bounds (65,) of strips of equal area under f(q) = q^2 / (exp(q) + 1)."""

    def f(q: float) -> float:
        return q * q / (math.exp(q) + 1.0)

    peak = brentq(lambda q: 2.0 - q + 2.0 * math.exp(-q), 1.0, 4.0, xtol=1e-15)
    left, right, low = [0.0], [_END], [0.0]
    for i in range(_STRIPS):
        level = low[i] + _AREA / (right[i] - left[i])
        low.append(level)
        if i < _STRIPS - 1:
            left.append(brentq(lambda q, at=level: f(q) - at, 0.0, peak, xtol=1e-15, rtol=1e-15))
            right.append(brentq(lambda q, at=level: f(q) - at, peak, _END, xtol=1e-15, rtol=1e-15))
    left.append(_END)
    right.append(0.0)
    ends = (np.array(values).astype(np.float32) for values in (left, right, low))
    return next(ends), next(ends), next(ends)


@njit(cache=True)
def _unit(word: Any) -> Any:
    return np.float32(word) / np.float32(4294967296.0)


@njit(parallel=True, cache=True)
def _draw(ids: Any, seed: Any, scale: Any, left: Any, right: Any, low: Any, out: Any) -> None:
    for p in prange(len(ids)):
        block = np.empty(4, np.uint64)
        block_index = np.full(1, -1, np.int64)
        position = np.int64(_SPAN) * ids[p]
        q = np.float32(0.0)
        while True:
            word = _word(position, seed, block, block_index)
            position += 1
            i = np.int64(word % np.uint64(64))
            width = np.float32(64.0) * (right[i] - left[i])
            # one rounding, as in a fused multiply-add
            q = np.float32(np.float64(left[i]) + np.float64(width) * np.float64(_unit(word // np.uint64(64))))
            if left[i + 1] < q < right[i + 1]:
                break
            word = _word(position, seed, block, block_index)
            position += 1
            rise = low[i + 1] - low[i]
            height = np.float32(np.float64(low[i]) + np.float64(rise) * np.float64(_unit(word)))
            if height < q * q / (np.float32(math.exp(q)) + np.float32(1.0)):
                break
        theta = np.float32(math.acos(2.0 * np.float64(_unit(_word(position, seed, block, block_index))) - 1.0))
        phi = np.float32(2.0 * math.pi * np.float64(_unit(_word(position + 1, seed, block, block_index))))
        q *= scale
        across = np.float32(math.sin(theta))
        out[0, p] = q * (np.float32(math.cos(phi)) * across)
        out[1, p] = q * (np.float32(math.sin(phi)) * across)
        out[2, p] = q * np.float32(math.cos(theta))


def thermal_momenta(ids: npt.NDArray[np.int64], seed: int, thermal: float) -> Reals:
    """Momenta q of relic neutrinos, (3, P) float32, isotropic with moduli of a Fermi-Dirac distribution.

    ``thermal`` is k T / m today. Particle ID reads words of the stream of the seed from position 7 ID on, one after
    another, so that its momentum depends on nothing else. The distribution is cut where f = q^2 / (exp(q) + 1), with q
    in units of k T / m, has fallen to 2e-10.
    """
    out = np.empty((3, len(ids)), np.float32)
    _draw(ids, np.uint64(seed), np.float32(thermal), *_ziggurat(), out)
    return out
