"""The fit of Eisenstein & Hu 1998 (astro-ph/9709112) with baryon oscillations, at any time (EQUATIONS 14)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.config.cosmology import CosmologySettings
from weakfield.config.simulation import SimulationSettings
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH, Background
from weakfield.cosmology.growth import growth_from_early, growth_rate
from weakfield.cosmology.transfer.nodes import fine_nodes
from weakfield.cosmology.transfer.tables import TransferFunctions, box_wavenumbers

Array = npt.NDArray[np.float64]

_SOURCE = "the Eisenstein-Hu fit"
#: temperature [K] of the radiation that shaped the spectrum, if the universe expands with dust and Lambda alone
_T_CMB = 2.7255


def provide(settings: SimulationSettings, cosmology: CosmologySettings) -> EisensteinHu:
    """The fit on nodes that cover the box."""
    low, high = box_wavenumbers(settings.box_size_mpch, settings.grid)
    return EisensteinHu(cosmology, fine_nodes(low, high, _Fit.of(cosmology).sound_horizon * cosmology.h))


class EisensteinHu:
    """Transfer functions for zeta = 1 without radiation perturbations, the same for cdm, baryons and their sum.

    phi = psi = (3/5) T(k) D / a, with D = a in matter domination; theta and delta follow from the constraint and from
    continuity.
    """

    def __init__(self, cosmology: CosmologySettings, k_hmpc: Array) -> None:
        self.cosmology = cosmology
        self.k_hmpc = k_hmpc
        self._shape = transfer_shape(cosmology, k_hmpc)

    def covers(self, a: float) -> bool:
        return 1e-3 <= a <= 2.0  # matter domination and later

    def at(self, a: float) -> TransferFunctions:
        if not self.covers(a):
            raise BadInput(f"{_SOURCE} serves redshifts up to 999, asked for z = {1.0 / a - 1.0:g}")
        cosmology, z = self.cosmology, 1.0 / a - 1.0
        square = (self.k_hmpc * HUBBLE_LENGTH_MPCH) ** 2  # (k / H0)^2
        H = math.sqrt(Background(cosmology, HUBBLE_LENGTH_MPCH).density(a))  # conformal, in units of H0
        matter = cosmology.Omega_m / a  # H^2 Omega_m(a)
        phi = 0.6 * self._shape * float(growth_from_early(cosmology, z)) / a
        theta = 2.0 * float(growth_rate(cosmology, z)) * H * square * phi / (3.0 * matter)  # in units of H0
        delta = -2.0 * square * phi / (3.0 * matter) - 3.0 * H * theta / square
        theta = theta * cosmology.h / HUBBLE_LENGTH_MPCH
        species = ("cdm", "b", "tot")
        return TransferFunctions(
            self.k_hmpc, z, dict.fromkeys(species, delta), dict.fromkeys(species, theta), phi, phi, _SOURCE
        )


def transfer_shape(cosmology: CosmologySettings, k_hmpc: npt.ArrayLike) -> Array:
    """T(k) of matter, 1 on large scales (Eisenstein & Hu 1998, equations 16 to 24); k in h/Mpc."""
    fit = _Fit.of(cosmology)
    k = np.asarray(k_hmpc, dtype=np.float64) * cosmology.h
    return fit.baryon_fraction * fit.baryons(k) + (1.0 - fit.baryon_fraction) * fit.cold(k)


@dataclass(frozen=True)
class _Fit:
    """Scales and coefficients of the fit; wavenumbers in 1/Mpc, lengths in Mpc."""

    baryon_fraction: float
    k_equality: float
    k_silk: float
    sound_horizon: float
    alpha_c: float
    beta_c: float
    alpha_b: float
    beta_b: float
    beta_node: float

    @classmethod
    def of(cls, cosmology: CosmologySettings) -> Self:
        m = cosmology.omega_b + cosmology.omega_cdm
        b = max(cosmology.omega_b, 1e-8 * m)  # the formulas have a limit without baryons, but divide by their density
        fb = b / m
        warm = ((cosmology.t_cmb_kelvin or _T_CMB) / 2.7) ** 2
        z_equality, k_equality = 2.50e4 * m / warm**2, 7.46e-2 * m / warm
        b1, b2 = 0.313 * m**-0.419 * (1 + 0.607 * m**0.674), 0.238 * m**0.223
        z_drag = 1291 * m**0.251 / (1 + 0.659 * m**0.828) * (1 + b1 * b**b2)
        r_drag, r_equality = (31.5 * b / warm**2 * (1e3 / z) for z in (z_drag, z_equality))
        ratio = (math.sqrt(1 + r_drag) + math.sqrt(r_drag + r_equality)) / (1 + math.sqrt(r_equality))
        sound_horizon = 2 / (3 * k_equality) * math.sqrt(6 / r_equality) * math.log(ratio)
        a1 = (46.9 * m) ** 0.670 * (1 + (32.1 * m) ** -0.532)
        a2 = (12.0 * m) ** 0.424 * (1 + (45.0 * m) ** -0.582)
        c1, c2 = 0.944 / (1 + (458 * m) ** -0.708), (0.395 * m) ** -0.0266
        y = (1 + z_equality) / (1 + z_drag)
        root = math.sqrt(1 + y)
        suppression = y * (-6 * root + (2 + 3 * y) * math.log((root + 1) / (root - 1)))
        return cls(
            baryon_fraction=fb,
            k_equality=k_equality,
            k_silk=1.6 * b**0.52 * m**0.73 * (1 + (10.4 * m) ** -0.95),
            sound_horizon=sound_horizon,
            alpha_c=a1**-fb * a2 ** -(fb**3),
            beta_c=1 / (1 + c1 * ((1 - fb) ** c2 - 1)),
            alpha_b=2.07 * k_equality * sound_horizon * (1 + r_drag) ** -0.75 * suppression,
            beta_b=0.5 + fb + (3 - 2 * fb) * math.sqrt((17.2 * m) ** 2 + 1),
            beta_node=8.41 * m**0.435,
        )

    def cold(self, k: Array) -> Array:
        """Transfer function of cold dark matter."""
        weight = 1 / (1 + (k * self.sound_horizon / 5.4) ** 4)
        return weight * self._pressureless(k, 1.0, self.beta_c) + (1 - weight) * self._pressureless(
            k, self.alpha_c, self.beta_c
        )

    def baryons(self, k: Array) -> Array:
        """Transfer function of baryons: a Silk-damped sound wave."""
        ks = k * self.sound_horizon
        shifted = ks / (1 + (self.beta_node / ks) ** 3) ** (1 / 3)
        damping = np.exp(-((k / self.k_silk) ** 1.4))
        envelope = self._pressureless(k, 1.0, 1.0) / (1 + (ks / 5.2) ** 2)
        return (envelope + self.alpha_b / (1 + (self.beta_b / ks) ** 3) * damping) * np.sinc(shifted / np.pi)

    def _pressureless(self, k: Array, alpha: float, beta: float) -> Array:
        q = k / (13.41 * self.k_equality)
        log = np.log(math.e + 1.8 * beta * q)
        return np.asarray(log / (log + (14.2 / alpha + 386 / (1 + 69.9 * q**1.08)) * q**2))
