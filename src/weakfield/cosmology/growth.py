"""Linear growth of matter in a universe with radiation in the expansion (PHYSICS 14)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

from weakfield.config.cosmology import CosmologySettings
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH, Background

Array = npt.NDArray[np.float64]

_EARLY = 1e-9  # scale factor deep in the radiation era
_LATE = 4.0  # outputs may lie a little past today


def growth_factor(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """D(z) with D(0) = 1: the growing solution of D'' + H D' = (3/2) H0^2 Omega_m D / a."""
    return growth_from_early(cosmology, z) / growth_from_early(cosmology, 0.0)


def potential_growth(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """D_Phi(z) = (1 + z) D(z), how the linear potential grows; 1 today."""
    return (1.0 + np.asarray(z, dtype=np.float64)) * growth_factor(cosmology, z)


def growth_rate(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """f(z) = d ln D / d ln a."""
    growth, slope = _solution(cosmology)(_log_scale_factor(z))
    return np.asarray(slope / growth, dtype=np.float64)


def growth_from_early(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """D(z) normalised so that D = a + 2 Omega_r / (3 Omega_m) early: the growing solution is a in matter domination."""
    return np.asarray(_solution(cosmology)(_log_scale_factor(z))[0], dtype=np.float64)


def _log_scale_factor(z: npt.ArrayLike) -> Array:
    """ln a of redshifts, inside what the solution covers."""
    redshift = np.asarray(z, dtype=np.float64)
    if redshift.size and not (redshift.min() > 1.0 / _LATE - 1.0 and redshift.max() < 1.0 / _EARLY - 1.0):
        raise ValueError(f"growth asked for redshifts {redshift.min():g} to {redshift.max():g}")
    return np.asarray(-np.log1p(redshift))


@lru_cache(maxsize=32)
def _solution(cosmology: CosmologySettings) -> Callable[[Array], Array]:
    """(D, dD/dln a) as functions of ln a, in box units that drop out."""
    background = Background(cosmology, HUBBLE_LENGTH_MPCH)

    def rates(log_a: float, state: Array) -> list[float]:
        a = math.exp(log_a)
        pull = 1.5 * cosmology.Omega_m / (a * background.density(a))
        return [state[1], -(1.0 + background.log_slope(a)) * state[1] + pull * state[0]]

    # Meszaros: D = a + 2 Omega_r / (3 Omega_m) solves the equation exactly without Lambda
    start = [_EARLY + 2.0 * cosmology.Omega_r / (3.0 * cosmology.Omega_m), _EARLY]
    found = solve_ivp(
        rates,
        (math.log(_EARLY), math.log(_LATE)),
        start,
        method="DOP853",
        rtol=1e-11,
        atol=1e-16,
        dense_output=True,
    )
    solution: Callable[[Array], Array] = found.sol
    return solution
