"""Tree-level bispectra: of matter, of the potential, and of what relativity adds to it; at sides k1, k2, k3.

The same kernels averaged over the modes of bins: ``TriangleAverages.bispectrum``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weakfield.base.errors import BadInput, nearest
from weakfield.config import SimulationSettings
from weakfield.cosmology import potential_growth
from weakfield.spectra.theory.kernels import F2, Kernel, potential_kernel
from weakfield.spectra.theory.linear import LinearTheory, MatterGauge
from weakfield.spectra.theory.relativistic import (
    growing_mode_difference,
    linear_start_difference,
    newtonian_transient,
)

Reals = NDArray[np.float64]
Start = Literal["linear", "growing-mode"]
STARTS: tuple[Start, ...] = ("linear", "growing-mode")


def tree_level(kernel: Kernel, power: Callable[[Reals], Reals], k1: ArrayLike, k2: ArrayLike, k3: ArrayLike) -> Reals:
    """2 K(k1, k2) P(k1) P(k2) and its permutations, at the sides of closed triangles [h/Mpc], arrays that broadcast."""
    sides = [np.asarray(k, dtype=np.float64) for k in (k1, k2, k3)]
    powers = [power(k) for k in sides]
    total = sum(
        kernel(sides[a], sides[b], sides[c]) * powers[a] * powers[b] for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    )
    return np.asarray(2.0 * total)


def matter_bispectrum(
    theory: LinearTheory, k1: ArrayLike, k2: ArrayLike, k3: ArrayLike, z: float, gauge: MatterGauge = "nbody"
) -> Reals:
    """B_delta [(Mpc/h)^6] with F2 and its permutations."""
    return tree_level(F2, lambda k: theory.matter_power(k, z, gauge), k1, k2, k3)


def potential_bispectrum(theory: LinearTheory, k1: ArrayLike, k2: ArrayLike, k3: ArrayLike, z: float) -> Reals:
    """B_Phi [(Mpc/h)^6] = -C(k1) C(k2) C(k3) B_delta, of Phi = -C(k, z) delta: opposite in sign to that of matter."""
    return tree_level(newtonian_kernel(theory, z), lambda k: theory.potential_power(k, z), k1, k2, k3)


def newtonian_kernel(theory: LinearTheory, z: float) -> Kernel:
    """Phi at second order from two linear Phi of the same redshift: F2 through Poisson's equation, any background."""
    return potential_kernel(theory.poisson(z))


def started_kernel(theory: LinearTheory, simulation: SimulationSettings, z: float) -> Kernel:
    """The same with the transient of particles started by linear theory at ``simulation.initial_redshift``."""
    z_start = simulation.initial_redshift
    transient = newtonian_transient(theory.conformal_hubble(z_start), (1.0 + z_start) / (1.0 + z))
    return newtonian_kernel(theory, z) + transient * _growth_since(theory, z_start, z)


def relativistic_kernel(
    theory: LinearTheory, simulation: SimulationSettings, z: float, start: Start = "linear", a_nl: float = 1.0
) -> Kernel:
    """GR - Newton of phi at second order, from two linear phi of redshift ``z``.

    ``start``: "linear" for the initial conditions of these simulations at ``simulation.initial_redshift``, or
    "growing-mode" for ones right at second order with primordial ``a_nl``. Closed form of Einstein-de Sitter; with
    Lambda it grows like the linear potential, which leaves out sources of order 1 - Omega_m(z) at late times.
    """
    if start not in STARTS:
        raise BadInput(f"start is '{start}', expected one of {', '.join(STARTS)}" + nearest(start, STARTS))
    z_start = simulation.initial_redshift
    if start == "linear":
        kernel = linear_start_difference(theory.conformal_hubble(z_start), (1.0 + z_start) / (1.0 + z))
    else:
        kernel = growing_mode_difference(a_nl)
    return kernel * _growth_since(theory, z_start, z)


def _growth_since(theory: LinearTheory, z_start: float, z: float) -> float:
    """Both legs of a kernel of early potentials carry the growth since the start, what it makes grows once."""
    now, then = (float(potential_growth(theory.cosmology, redshift)) for redshift in (z, z_start))
    return then / now
