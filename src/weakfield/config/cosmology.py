"""Cosmological parameters of a flat universe with cold dark matter, baryons, photons, massless neutrinos and Lambda."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, model_validator

from weakfield.config.settings import Settings

OMEGA_GAMMA_PER_KELVIN4 = 4.48147e-7  # omega_gamma / T_cmb^4, EQUATIONS 1


class CosmologySettings(Settings):
    """Parameters as the user gives them, densities by EQUATIONS section 2. Defaults: those of the original study."""

    h: float = Field(0.67556, gt=0.1, lt=2.0, description="Hubble constant today / (100 km/s/Mpc)")
    omega_b: float = Field(0.022032, ge=0, description="baryon density, Omega_b h^2")
    omega_cdm: float = Field(0.12038, ge=0, description="cold dark matter density, Omega_c h^2")
    t_cmb_kelvin: float = Field(2.7255, ge=0, description="CMB temperature today [K]; 0 means no photons")
    n_ur: float = Field(3.046, ge=0, description="effective number of massless neutrinos")
    a_s: float = Field(2.215e-9, gt=0, description="primordial amplitude of the curvature perturbation at the pivot")
    n_s: float = Field(0.9619, description="spectral index")
    k_pivot_invmpc: float = Field(0.05, gt=0, description="pivot wavenumber [1/Mpc]")

    @property
    def Omega_b(self) -> float:
        return self.omega_b / self.h**2

    @property
    def Omega_c(self) -> float:
        return self.omega_cdm / self.h**2

    @property
    def Omega_m(self) -> float:
        return self.Omega_c + self.Omega_b

    @property
    def Omega_gamma(self) -> float:
        return OMEGA_GAMMA_PER_KELVIN4 * self.t_cmb_kelvin**4 / self.h**2

    @property
    def Omega_ur(self) -> float:
        return self.n_ur * (7.0 / 8.0) * math.pow(4.0 / 11.0, 4.0 / 3.0) * self.Omega_gamma

    @property
    def Omega_r(self) -> float:
        return self.Omega_gamma + self.Omega_ur

    @property
    def Omega_lambda(self) -> float:
        return 1.0 - self.Omega_m - self.Omega_r

    @model_validator(mode="after")
    def _closed_by_lambda(self) -> Self:
        if self.Omega_m <= 0:
            raise ValueError("omega_b + omega_cdm is 0, expected some matter")
        if self.Omega_lambda < -1e-9:  # rounding when Omega_cdm is chosen to fill the universe
            raise ValueError(
                f"Omega_Lambda = 1 - Omega_m - Omega_r is {self.Omega_lambda:.4g}, expected >= 0;"
                " lower omega_cdm or omega_b, or raise h"
            )
        return self
