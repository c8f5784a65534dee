"""Perturbations of dark energy that is a fluid, in the parametrised post-Friedmann form (EQUATIONS 20).

Fang, Hu & Lewis 2008 (arXiv:0808.3125): the fluid follows the rest of the universe on large scales and stays smooth
inside its sound horizon, and its equation of state may cross -1. CAMB and CLASS solve the same equation inside; CAMB
does not return what comes out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from weakfield.config.cosmology import CosmologySettings
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH, Background

Array = npt.NDArray[np.float64]

#: c_Gamma over the speed of sound, which makes this form follow a scalar field
_TRANSITION = 0.4
#: steps between two times of the tables
_STEPS = 20


def effective_state(cosmology: CosmologySettings, a: Array) -> Array:
    """p / rho of the fluid and Lambda together, for codes that know one dark energy: perturbations see (1 + w) rho."""
    background = Background(cosmology, HUBBLE_LENGTH_MPCH)
    fluid = background.fluid_density(a)
    state: Array = (1.0 + background.fluid_state(a)) * fluid / (fluid + cosmology.Omega_lambda * a**3) - 1.0
    return state


def fluid_perturbations(
    cosmology: CosmologySettings, k: Array, a: Array, hubble: Array, theta: Array, inertia: Array
) -> tuple[Array, Array]:
    """delta of the fluid, and (1 + w) theta [1/Mpc], Newtonian gauge, each (m, n).

    ``k`` (n,) in 1/Mpc; ``a`` (m,) ascends evenly in ln a; ``hubble`` (m, n) is a'/a in 1/Mpc; ``theta`` (m, n) the
    velocity divergence of everything else, and ``inertia`` (m,) its a^3 (rho + p) in critical densities of today.
    """
    background, log_a = Background(cosmology, HUBBLE_LENGTH_MPCH), np.log(a)
    pull = 1.5 * (cosmology.h / HUBBLE_LENGTH_MPCH) ** 2  # 4 pi G a^2 rho = pull a^3 rho / a
    source_of, hubble_of = CubicSpline(log_a, theta), CubicSpline(log_a, hubble[:, 0])

    def terms(at: Array) -> tuple[Array, Array]:
        """S and C of Gamma' = S / (1 + C) - (1 + C) Gamma, the prime being d / d ln a."""
        scale, rate = np.exp(at)[:, None], np.asarray(hubble_of(at))[:, None]
        density = pull / scale * background.fluid_density(scale)
        sound = (_TRANSITION * k / rate) ** 2 * cosmology.cs2_fld
        return density * (1.0 + background.fluid_state(scale)) * source_of(at) / (rate * k**2), sound

    fine = np.linspace(log_a[0], log_a[-1], _STEPS * (a.size - 1) + 1)
    source, sound = terms(fine)
    gamma = _solution(fine[1] - fine[0], source / (1.0 + sound), 1.0 + sound)[::_STEPS]
    source, sound = source[::_STEPS], sound[::_STEPS]
    column = a[:, None]
    density = pull / column * background.fluid_density(column)
    rest = 1.0 + 3.0 * pull / column * inertia[:, None] / k**2
    slip = -(k**2) * hubble / rest * sound * (source / (1.0 + sound) + gamma)
    momentum = slip / density + (1.0 + background.fluid_state(column)) * theta
    return -(k**2) * gamma / density - 3.0 * hubble * momentum / k**2, momentum


def _solution(step: float, source: Array, rate: Array) -> Array:
    """y of y' = source - rate y on even steps, (m, n), from the solution that forgets how it began.

    In each step the rate is that of its middle and the source linear, so that any rate is stable.
    """
    growing = np.log(np.abs(source[1] / np.where(source[0] == 0.0, 1.0, source[0])) + 1e-300) / step
    y = np.empty_like(source)
    y[0] = source[0] / (rate[0] + np.clip(growing, 0.0, 10.0))
    for i in range(len(source) - 1):
        middle = 0.5 * (rate[i] + rate[i + 1])
        decay = np.exp(-middle * step)
        whole = -np.expm1(-middle * step) / middle
        late = (1.0 - whole / step) / middle  # of a source that rises from 0 to 1 over the step
        y[i + 1] = decay * y[i] + (whole - late) * source[i] + late * source[i + 1]
    return y
