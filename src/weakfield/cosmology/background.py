"""The homogeneous universe in code units (EQUATIONS 1, 2): lengths and conformal time in units of the box."""

from __future__ import annotations

import math
from typing import overload

import numpy as np
import numpy.typing as npt
from scipy.integrate import quad

from weakfield.config.cosmology import CosmologySettings
from weakfield.cosmology.neutrinos import NeutrinoDensity

HUBBLE_LENGTH_MPCH = 2997.92458  # c / (100 km/s/Mpc) in Mpc

Array = npt.NDArray[np.float64]


class Background:
    """Expansion of a flat universe in units of a box of ``box_size_mpch``; c = 1, a = 1 today.

    Densities are in units of today's critical density, so that ``H0**2 == 2/3 four_pi_G``.
    """

    def __init__(self, cosmology: CosmologySettings, box_size_mpch: float) -> None:
        self.cosmology = cosmology
        self.box_size_mpch = box_size_mpch
        self.H0 = box_size_mpch / HUBBLE_LENGTH_MPCH
        self.four_pi_G = 1.5 * self.H0**2
        self._omega_m = cosmology.Omega_m
        self._omega_r = cosmology.Omega_r
        self._omega_lambda = cosmology.Omega_lambda
        self._omega_cb = cosmology.Omega_cb
        self._fluid = cosmology.has_fluid
        self.neutrinos = NeutrinoDensity(cosmology) if cosmology.m_ncdm_ev else None

    @property
    def rate_today(self) -> float:
        """The conformal Hubble rate today: ``H0``, but for what massive neutrinos then have beyond their rest mass."""
        return self.H0 if self.neutrinos is None else self.conformal_hubble(1.0)

    @overload
    def conformal_hubble(self, a: float) -> float: ...
    @overload
    def conformal_hubble(self, a: Array) -> Array: ...
    def conformal_hubble(self, a: float | Array) -> float | Array:
        """a'/a in units of 1/L (the prime is the derivative with respect to conformal time)."""
        square = (2.0 * self.four_pi_G / 3.0) * self.density(a)
        if isinstance(square, float):
            return math.sqrt(square)
        return np.sqrt(square)

    @overload
    def density(self, a: float) -> float: ...
    @overload
    def density(self, a: Array) -> Array: ...
    def density(self, a: float | Array) -> float | Array:
        """a^2 times the total density in units of today's critical density, i.e. (conformal H / H0)^2."""
        total = self.matter(a) / a + self._omega_lambda * a * a + self._omega_r / (a * a)
        return total + self.fluid_density(a) / a if self._fluid else total

    @overload
    def matter(self, a: float) -> float: ...
    @overload
    def matter(self, a: Array) -> Array: ...
    def matter(self, a: float | Array) -> float | Array:
        """a^3 times the density of all matter, among it neutrinos with the energy that they have then."""
        return self._omega_m if self.neutrinos is None else self._omega_cb + self.neutrinos.total(a)

    def _matter_slope(self, a: float | Array) -> float | Array:
        """Its derivative with respect to ln a."""
        return 0.0 if self.neutrinos is None else self.neutrinos.slope(a)

    @overload
    def fluid_density(self, a: float) -> float: ...
    @overload
    def fluid_density(self, a: Array) -> Array: ...
    def fluid_density(self, a: float | Array) -> float | Array:
        """a^3 times the density of the fluid, Omega_fld a^(-3 (w0 + wa)) exp(3 wa (a - 1)) (EQUATIONS 2)."""
        c = self.cosmology
        exp = math.exp if isinstance(a, float) else np.exp
        grown: float | Array = c.Omega_fld * exp(3.0 * c.wa_fld * (a - 1.0)) * a ** (-3.0 * (c.w0_fld + c.wa_fld))
        return grown

    @overload
    def fluid_state(self, a: float) -> float: ...
    @overload
    def fluid_state(self, a: Array) -> Array: ...
    def fluid_state(self, a: float | Array) -> float | Array:
        """w(a) = w0 + wa (1 - a), the pressure of the fluid over its density."""
        return self.cosmology.w0_fld + self.cosmology.wa_fld * (1.0 - a)

    @overload
    def log_slope(self, a: float) -> float: ...
    @overload
    def log_slope(self, a: Array) -> Array: ...
    def log_slope(self, a: float | Array) -> float | Array:
        """d ln(conformal H) / d ln a."""
        pull = (
            (self._matter_slope(a) - self.matter(a)) / a
            + 2.0 * self._omega_lambda * a * a
            - 2.0 * self._omega_r / (a * a)
        )
        if self._fluid:
            pull = pull - (1.0 + 3.0 * self.fluid_state(a)) * self.fluid_density(a) / a
        return pull / (2.0 * self.density(a))

    def velocity_source_coefficient(self, a: float) -> float:
        """3 H (H^2 - H'), which multiplies theta_tot / x^2 in S_phi, by the five-point difference of EQUATIONS 3.2."""
        inverse = [self.conformal_hubble(a * factor) ** -2 for factor in (0.98, 0.99, 1.01, 1.02)]
        slope = (inverse[0] - 8.0 * inverse[1] + 8.0 * inverse[2] - inverse[3]) / 0.12
        H = self.conformal_hubble(a)
        return 3.0 * H**3 * (1.0 + 0.5 * H**2 * slope)

    def rk4_step(self, a: float, dtau: float) -> float:
        """Scale factor after ``dtau``: one classical Runge-Kutta step of a' = a H(a)."""
        k1 = a * self.conformal_hubble(a)
        middle = a + 0.5 * dtau * k1
        k2 = middle * self.conformal_hubble(middle)
        middle = a + 0.5 * dtau * k2
        k3 = middle * self.conformal_hubble(middle)
        end = a + dtau * k3
        k4 = end * self.conformal_hubble(end)
        return a + dtau * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0

    def particle_horizon(self, a: float) -> float:
        """Conformal time since the big bang at scale factor ``a``, in units of the box (EQUATIONS 2)."""
        root = math.sqrt(a)
        value, _ = quad(
            lambda s: 2.0 / (s * self.conformal_hubble(s * s)), 1e-7 * root, root, epsabs=0.0, epsrel=1e-11, limit=200
        )
        return float(value)
