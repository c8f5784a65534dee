"""The density of massive neutrinos as the universe expands (EQUATIONS 18.1)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from weakfield.config.cosmology import CosmologySettings

Array = npt.NDArray[np.float64]

#: integral of q^2 / (exp(q) + 1) from 0 on, and where the reference program cuts integrals over q
_NUMBER_INTEGRAL, _LARGEST_Q = 1.80308535, 24.0
#: nodes of Gauss and Legendre: with them the integrals are exact to rounding for any mass
_NODES = 200


@lru_cache(maxsize=1)
def _momenta() -> tuple[Array, Array]:
    """Nodes q (n,) and weights of int_0^24 dq q^2 / (exp(q) + 1)."""
    x, weight = np.polynomial.legendre.leggauss(_NODES)
    q = 0.5 * _LARGEST_Q * (x + 1.0)
    return q, 0.5 * _LARGEST_Q * weight * q**2 / (np.exp(q) + 1.0)


class NeutrinoDensity:
    """Omega_p(a): the density of each species of massive neutrinos times a^3, which tends to Omega_p as they slow down.

    Units are those of today's critical density.
    """

    def __init__(self, cosmology: CosmologySettings) -> None:
        self._omega = np.array(cosmology.Omega_ncdm)
        self._thermal = np.array(cosmology.thermal_ncdm)

    @property
    def count(self) -> int:
        """How many species there are."""
        return int(self._omega.size)

    def each(self, a: float) -> Array:
        """Omega_p(a) of each species, (count,)."""
        return self._integrals(np.asarray(a))[0]

    def inertia(self, a: float) -> Array:
        """a^3 (rho + p) of each species, (count,): the pressure is -1/3 of the slope of Omega_p(a) in ln a."""
        density, slope = self._integrals(np.asarray(a))
        return np.asarray(density - slope / 3.0)

    def total(self, a: float | Array) -> float | Array:
        """Their sum, for numbers or arrays of scale factors."""
        summed = self._integrals(np.asarray(a))[0].sum(-1)
        return float(summed) if summed.ndim == 0 else np.asarray(summed)

    def slope(self, a: float | Array) -> float | Array:
        """Its derivative with respect to ln a."""
        summed = self._integrals(np.asarray(a))[1].sum(-1)
        return float(summed) if summed.ndim == 0 else np.asarray(summed)

    def _integrals(self, a: Array) -> tuple[Array, Array]:
        """Omega_p(a) and its derivative with respect to ln a, each (..., count)."""
        q, weight = _momenta()
        scale = a[..., None]
        mass = (scale / self._thermal)[..., None]  # a m / k T
        energy = np.sqrt(q**2 + mass**2)
        factor = self._omega * self._thermal / (_NUMBER_INTEGRAL * scale)
        density = factor * (energy @ weight)
        return density, factor * ((mass**2 / energy) @ weight) - density
