"""Growth of matter: linear, with radiation in the expansion (EQUATIONS 14); second-order, of dust and dark energy.

Matter that grows is cold: massive neutrinos are part of the expansion and do not cluster.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

from weakfield.config.cosmology import CosmologySettings
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH, Background

Array = npt.NDArray[np.float64]

_EARLY = 1e-9  # a scale factor deep in the radiation era
_EARLY_DUST = 1e-5  # an early scale factor for dust and Lambda alone, where Lambda is 1e-15 of the density
_LATE = 4.0  # outputs may lie a little past today


def growth_factor(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """D(z) with D(0) = 1: the growing solution of D'' + H D' = (3/2) H0^2 Omega_cb D / a."""
    return growth_from_early(cosmology, z) / growth_from_early(cosmology, 0.0)


def potential_growth(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """D_Phi(z) = (1 + z) D(z), the growth of the linear potential; 1 today."""
    return (1.0 + np.asarray(z, dtype=np.float64)) * growth_factor(cosmology, z)


def growth_rate(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """f(z) = d ln D / d ln a."""
    growth, slope = _solution(cosmology)(_log_scale_factor(z))
    return np.asarray(slope / growth, dtype=np.float64)


def growth_from_early(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """D(z), normalised to D = a + 2 Omega_r / (3 Omega_cb) early on, so that it is a in matter domination."""
    return np.asarray(_solution(cosmology)(_log_scale_factor(z))[0], dtype=np.float64)


def second_order_displacement(cosmology: CosmologySettings, z: float) -> tuple[float, float]:
    """E and dE / dD of second-order Lagrangian displacements, with radiation in the expansion; D as from early on.

    E'' + H E' = (3/2) H0^2 Omega_cb (E - D^2) / a; in matter domination E = -(3/7) D^2.
    """
    log_a = _log_scale_factor(z)
    second, slope = _second_order_solution(cosmology)(log_a)
    return float(second), float(slope / _solution(cosmology)(log_a)[1])


def early_potential_growth(cosmology: CosmologySettings, z: npt.ArrayLike) -> Array:
    """g(z) = D / a: the linear potential over its early value, which is constant in matter domination.

    At earlier times, radiation in the expansion makes it larger than 1 by 2 a_eq / (3 a): 2 % at z = 100.
    """
    return (1.0 + np.asarray(z, dtype=np.float64)) * growth_from_early(cosmology, z)


@dataclass(frozen=True)
class SecondOrderGrowth:
    """What the second order of the growing mode needs to know about the expansion at one redshift.

    ``omega_m``, ``rate`` and ``displacement`` are those of dust and dark energy alone, in the ratio they have in the
    cosmology. Radiation is left out, because the equations they enter are those of dust; it amounts to 3 % of them at
    z = 100 and 0.1 % at z = 1. The defaults are those of Einstein-de Sitter.
    """

    omega_m: float = 1.0
    """Omega_m(z) = rho_m / (rho_m + rho_Lambda)"""
    rate: float = 1.0
    """f = d ln D / d ln a"""
    displacement: float = 3 / 7
    """-E / D^2 of second-order Lagrangian displacements, about (3/7) Omega_m(z)^(-1/143)"""
    potential: float = 1.0
    """g = D / a: the linear potential over its early value, D with radiation in the expansion"""


def second_order_growth(cosmology: CosmologySettings, z: float) -> SecondOrderGrowth:
    """Growth at redshift ``z`` from E'' + H E' = (3/2) H0^2 Omega_m (E - D^2) / a, started deep in matter domination.

    If the linear displacement is grad xi_1, that of second order is grad xi_2 with
    lap xi_2 = E / (2 D^2) [(lap xi_1)^2 - xi_1,ij xi_1,ij] (Bouchet et al. 1995, astro-ph/9406013).
    """
    fluid = cosmology if cosmology.has_fluid else None
    ratio = cosmology.Omega_lambda / cosmology.Omega_m
    log_a = max(float(_log_scale_factor(z)), math.log(_EARLY_DUST))
    growth, slope, second, _ = _dust_solution(ratio, fluid)(np.array(log_a))
    return SecondOrderGrowth(
        omega_m=_dust_share(ratio, fluid, log_a)[0],
        rate=float(slope / growth),
        displacement=float(-second / growth**2),
        potential=float(early_potential_growth(cosmology, z)),
    )


def _log_scale_factor(z: npt.ArrayLike) -> Array:
    """ln a of redshifts, checked to lie in the range that the solution covers."""
    redshift = np.asarray(z, dtype=np.float64)
    if redshift.size and not (redshift.min() > 1.0 / _LATE - 1.0 and redshift.max() < 1.0 / _EARLY - 1.0):
        raise ValueError(f"growth asked for redshifts {redshift.min():g} to {redshift.max():g}")
    return np.asarray(-np.log1p(redshift))


@lru_cache(maxsize=32)
def _solution(cosmology: CosmologySettings) -> Callable[[Array], Array]:
    """(D, dD/dln a) as functions of ln a; the box units used inside drop out."""
    background = Background(cosmology, HUBBLE_LENGTH_MPCH)

    def rates(log_a: float, state: Array) -> list[float]:
        a = math.exp(log_a)
        pull = 1.5 * cosmology.Omega_cb / (a * background.density(a))
        return [state[1], -(1.0 + background.log_slope(a)) * state[1] + pull * state[0]]

    # Meszaros: D = a + 2 Omega_r / (3 Omega_cb) solves the equation exactly without Lambda
    start = [_EARLY + 2.0 * _relativistic(background) / (3.0 * cosmology.Omega_cb), _EARLY]
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


def _relativistic(background: Background) -> float:
    """Omega_r together with what a rho of massive neutrinos is while they are relativistic."""
    neutrinos = background.neutrinos
    massive = 0.0 if neutrinos is None else _EARLY * float(neutrinos.each(_EARLY).sum())
    return background.cosmology.Omega_r + massive


@lru_cache(maxsize=32)
def _second_order_solution(cosmology: CosmologySettings) -> Callable[[Array], Array]:
    """(E, dE/dln a) as functions of ln a, from deep in the radiation era, where E = -(3/2) (a / a_eq) D^2."""
    background, linear = Background(cosmology, HUBBLE_LENGTH_MPCH), _solution(cosmology)
    early = _EARLY if cosmology.Omega_r > 0 else _EARLY_DUST

    def rates(log_a: float, state: Array) -> list[float]:
        a = math.exp(log_a)
        pull = 1.5 * cosmology.Omega_cb / (a * background.density(a))
        growth = float(linear(np.array(log_a))[0])
        return [state[1], -(1.0 + background.log_slope(a)) * state[1] + pull * (state[0] - growth**2)]

    start = [-3 / 7 * early**2, -6 / 7 * early**2]
    if cosmology.Omega_r > 0:
        growth = float(linear(np.array(math.log(early)))[0])
        start = [-1.5 * early * cosmology.Omega_cb / _relativistic(background) * growth**2] * 2
    found = solve_ivp(
        rates, (math.log(early), math.log(_LATE)), start, method="DOP853", rtol=1e-11, atol=1e-22, dense_output=True
    )
    solution: Callable[[Array], Array] = found.sol
    return solution


def _dust_share(ratio: float, fluid: CosmologySettings | None, log_a: float) -> tuple[float, float]:
    """(rho + p) / rho in all, of which dust has the first part and a fluid the second; of dust and dark energy."""
    if fluid is None:
        return 1.0 / (1.0 + ratio * math.exp(3.0 * log_a)), 0.0
    background, a = Background(fluid, HUBBLE_LENGTH_MPCH), math.exp(log_a)
    density = background.fluid_density(a) / fluid.Omega_m
    total = 1.0 + ratio * a**3 + density
    return 1.0 / total, (1.0 + background.fluid_state(a)) * density / total


@lru_cache(maxsize=32)
def _dust_solution(ratio: float, fluid: CosmologySettings | None = None) -> Callable[[Array], Array]:
    """(D, dD/dln a, E, dE/dln a) of dust and Lambda as functions of ln a; ``ratio`` is Omega_Lambda / Omega_m.

    A cosmology as ``fluid`` has a smooth fluid besides.
    """

    def rates(log_a: float, state: Array) -> list[float]:
        omega, smooth = _dust_share(ratio, fluid, log_a)
        friction, pull = 2.0 - 1.5 * omega, 1.5 * omega  # 1 + d ln(conformal H) / d ln a
        if smooth:
            friction -= 1.5 * smooth
        growth, slope, second, second_slope = state
        return [
            slope,
            pull * growth - friction * slope,
            second_slope,
            pull * (second - growth**2) - friction * second_slope,
        ]

    a = _EARLY_DUST
    found = solve_ivp(
        rates,
        (math.log(a), math.log(_LATE)),
        [a, a, -3 / 7 * a**2, -6 / 7 * a**2],
        method="DOP853",
        rtol=1e-11,
        atol=1e-22,
        dense_output=True,
    )
    solution: Callable[[Array], Array] = found.sol
    return solution
