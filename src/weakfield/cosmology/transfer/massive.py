"""Massive neutrinos in CAMB, and what of them its output does not say outright (EQUATIONS 18.7)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from weakfield.base.errors import BadInput
from weakfield.config.cosmology import CosmologySettings
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH
from weakfield.cosmology.neutrinos import NeutrinoDensity

Array = npt.NDArray[np.float64]

#: a scale factor at which neutrinos of any mass that settings admit are relativistic
_EARLY = 1e-12
#: how far the temperatures over mass of species may differ that count as alike
_ALIKE = 1e-6


def require_one_mass(cosmology: CosmologySettings) -> None:
    """Raise ``BadInput`` for species whose perturbations differ: CAMB tells only those of all of them together."""
    thermal = cosmology.thermal_ncdm
    if thermal and max(thermal) > min(thermal) * (1.0 + _ALIKE):
        raise BadInput(
            f"m_ncdm_ev is {cosmology.m_ncdm_ev}, expected one mass for all species with transfer 'camb', which has"
            " their sum alone, or transfer 'class'"
        )


def set_neutrinos(parameters: Any, cosmology: CosmologySettings) -> None:
    """Give CAMB the massive neutrinos of ``Background``: their density today and early, and so their mass.

    CAMB knows a species by how many massless ones it amounts to while it is relativistic, and by its density today.
    """
    if not cosmology.m_ncdm_ev:
        return
    density, count = NeutrinoDensity(cosmology), len(cosmology.m_ncdm_ev)
    massless = 0.875 * (4.0 / 11.0) ** (4.0 / 3.0) * cosmology.Omega_gamma  # a^4 rho of one species
    today, early = density.each(1.0), _EARLY * density.each(_EARLY)
    parameters.share_delta_neff = False
    parameters.num_nu_massless = cosmology.n_ur
    parameters.num_nu_massive = parameters.nu_mass_eigenstates = count
    parameters.nu_mass_numbers = [1] * count
    parameters.nu_mass_degeneracies = [float(x) for x in early / massless]
    parameters.nu_mass_fractions = [float(x) for x in today / today.sum()]
    parameters.omnuh2 = float(today.sum()) * cosmology.h**2


class MassiveNeutrinos(NamedTuple):
    """All massive neutrinos in Newtonian gauge, rows being times, like ``density`` and ``inertia`` (m,)."""

    delta: Array  # (m, n)
    theta: Array  # (m, n) [1/Mpc]
    density: Array  # a^3 rho in units of today's critical density
    inertia: Array  # a^3 (rho + p)


def massive_neutrinos(
    cosmology: CosmologySettings,
    k: Array,
    a: Array,
    hubble: Array,
    alpha: Array,
    etak: Array,
    contrast: Array,
    others: Array,
) -> MassiveNeutrinos:
    """delta and theta of the massive neutrinos from CAMB's ``contrast`` and ``etak``, its k eta.

    In the rest frame of cold dark matter (k eta)' = 4 pi G a^2 sum (rho + p) theta / k; ``others`` is
    a^3 (rho + p) theta of all other species in this frame. ``alpha`` takes it to Newtonian gauge, theta by k^2 alpha
    and delta by -3 H (1 + w) alpha. ``k`` (n,) [1/Mpc]; ``a`` (m,); all else (m, n), for zeta = 1.
    """
    neutrinos, log_a = NeutrinoDensity(cosmology), np.log(a)
    density = np.asarray(neutrinos.total(a))
    inertia = density - np.asarray(neutrinos.slope(a)) / 3.0
    growth = hubble * CubicSpline(log_a, etak)(log_a, 1)
    pull = 1.5 * (cosmology.h / HUBBLE_LENGTH_MPCH) ** 2 / a  # 4 pi G a^2 rho = pull a^3 rho
    momentum = growth * k / pull[:, None] - others
    return MassiveNeutrinos(
        delta=contrast - 3.0 * hubble * alpha * (inertia / density)[:, None],
        theta=momentum / inertia[:, None] + k**2 * alpha,
        density=density,
        inertia=inertia,
    )
