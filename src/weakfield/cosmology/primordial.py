"""The primordial spectrum of the curvature perturbation and the mode amplitude that follows from it (EQUATIONS 3.2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from weakfield.config.cosmology import CosmologySettings

Array = npt.NDArray[np.float64]


def primordial_power(cosmology: CosmologySettings, k_invmpc: npt.ArrayLike) -> Array:
    """Dimensionless power of zeta, A_s (k / k_pivot)^(n_s - 1), at k in 1/Mpc."""
    k = np.asarray(k_invmpc, dtype=np.float64)
    return np.asarray(cosmology.a_s * (k / cosmology.k_pivot_invmpc) ** (cosmology.n_s - 1.0), dtype=np.float64)


def amplitude(cosmology: CosmologySettings, box_size_mpch: float, x: npt.ArrayLike) -> Array:
    """A(x) = pi sqrt(P(k) / x) / x at x = k L (code units).

    The true mode of a field with transfer function T (for zeta = 1) is -A T times the unit random mode of
    EQUATIONS 3.4, whose mean square is 2; so 2 A^2 T^2 = P(k) / V.
    """
    x = np.asarray(x, dtype=np.float64)
    power = primordial_power(cosmology, x * cosmology.h / box_size_mpch)
    return np.asarray(np.pi * np.sqrt(power / x) / x, dtype=np.float64)
