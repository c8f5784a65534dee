"""Tree-level bispectra of matter, of the potential, and of what relativity adds to it, at sides k1, k2, k3.

``TriangleAverages.bispectrum`` averages the same kernels over the modes of bins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weakfield.base.errors import BadInput, nearest
from weakfield.config import SimulationSettings
from weakfield.cosmology import second_order_growth
from weakfield.spectra.theory.kernels import Kernel, f2, potential_kernel
from weakfield.spectra.theory.linear import LinearTheory, MatterGauge
from weakfield.spectra.theory.relativistic import (
    growing_mode_chi,
    growing_mode_difference,
    linear_start_excess,
    newtonian_excess,
    require_lambda,
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
    kernel = f2(second_order_growth(theory.cosmology, z).displacement)
    return tree_level(kernel, lambda k: theory.matter_power(k, z, gauge), k1, k2, k3)


def potential_bispectrum(theory: LinearTheory, k1: ArrayLike, k2: ArrayLike, k3: ArrayLike, z: float) -> Reals:
    """B_Phi [(Mpc/h)^6] = -C(k1) C(k2) C(k3) B_delta, of Phi = -C(k, z) delta: opposite in sign to that of matter."""
    return tree_level(newtonian_kernel(theory, z), lambda k: theory.potential_power(k, z), k1, k2, k3)


def newtonian_kernel(theory: LinearTheory, z: float) -> Kernel:
    """Phi at second order from two linear Phi of the same redshift: F2 through Poisson's equation, with Lambda."""
    return potential_kernel(theory.poisson(z), second_order_growth(theory.cosmology, z).displacement)


def started_kernel(theory: LinearTheory, simulation: SimulationSettings, z: float) -> Kernel:
    """As ``newtonian_kernel``, with the transient of particles started linearly at ``simulation.initial_redshift``."""
    parts = newtonian_excess(theory.conformal_hubble(simulation.initial_redshift))
    return newtonian_kernel(theory, z) + _since_start(parts, theory, simulation, z)


def relativistic_kernel(
    theory: LinearTheory, simulation: SimulationSettings, z: float, start: Start = "linear", a_nl: float = 1.0
) -> Kernel:
    """GR - Newton of phi at second order for dust and Lambda, from two linear phi of redshift ``z``.

    ``start``: "linear" for particles displaced and set moving by linear theory at ``simulation.initial_redshift``, or
    "growing-mode" for a start that is correct at second order, with primordial ``a_nl``. Lambda is treated exactly; the
    start itself is taken as Einstein-de Sitter, and radiation enters only the growth of the linear potential.
    """
    if start not in STARTS:
        raise BadInput(f"start is '{start}', expected one of {', '.join(STARTS)}" + nearest(start, STARTS))
    require_lambda(theory.cosmology)
    growth = second_order_growth(theory.cosmology, z)
    if start == "growing-mode":
        return growing_mode_difference(a_nl, growth) * growth.potential**-2
    parts = linear_start_excess(theory.conformal_hubble(simulation.initial_redshift))
    growing = growing_mode_difference(growth=growth) * growth.potential**-2
    return growing + _since_start(parts, theory, simulation, z)


def chi_kernel(theory: LinearTheory, z: float) -> Kernel:
    """phi - psi at second order for dust and Lambda, in Poisson gauge, from two linear phi of redshift ``z``."""
    require_lambda(theory.cosmology)
    growth = second_order_growth(theory.cosmology, z)
    return growing_mode_chi(growth) * growth.potential**-2


def _since_start(
    parts: tuple[Kernel, Kernel], theory: LinearTheory, simulation: SimulationSettings, z: float
) -> Kernel:
    """The growing and decaying parts of the start at redshift ``z``, with legs of ``z`` instead of those of the start.

    The decaying linear potential of dust and Lambda goes as (conformal H) / a^2, that is a^(-5/2) Omega_m(z)^(-1/2).
    """
    require_lambda(theory.cosmology)
    z_start = simulation.initial_redshift
    then, now = (second_order_growth(theory.cosmology, redshift) for redshift in (z_start, z))
    grown = now.potential / then.potential
    decayed = ((1.0 + z) / (1.0 + z_start)) ** 2.5 * (then.omega_m / now.omega_m) ** 0.5
    since: Kernel = parts[0] * (1.0 / grown) + parts[1] * (decayed / grown**2)
    return since
