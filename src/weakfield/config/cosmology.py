"""Cosmological parameters of a flat universe: dark matter, baryons, photons, massless neutrinos, Lambda, a fluid."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from weakfield.config.settings import Settings

OMEGA_GAMMA_PER_KELVIN4 = 4.48147e-7  # omega_gamma / T_cmb^4, EQUATIONS 1
BOLTZMANN_EV = 8.61733e-5  # eV per kelvin
NCDM_EV_PER_OMEGA = 93.14  # mass over Omega h^2 of one species of neutrinos
#: temperature of neutrinos over that of photons, and degeneracy of a species, where none are given
_T_NCDM, _DEG_NCDM = 0.71611, 1.0
#: settings of massive neutrinos; without masses, settings look as they did before these were known
_NCDM = ("m_ncdm_ev", "t_ncdm", "deg_ncdm")
#: the parameters of dark energy that is not Lambda
FLUID = ("omega_fld", "w0_fld", "wa_fld", "cs2_fld")
#: how far below 0 what is left for Lambda may be, in rounding; beside a fluid omega_fld has the digits people write
_ROUNDING, _ROUNDING_BESIDE_A_FLUID = 1e-9, 1e-3


class CosmologySettings(Settings):
    """Parameters as the user gives them, densities by EQUATIONS section 2. Defaults: those of the original study."""

    h: float = Field(0.67556, gt=0.1, lt=2.0, description="Hubble constant today / (100 km/s/Mpc)")
    omega_b: float = Field(0.022032, ge=0, le=4, description="baryon density, Omega_b h^2")
    omega_cdm: float = Field(0.12038, ge=0, le=4, description="cold dark matter density, Omega_c h^2")
    t_cmb_kelvin: float = Field(2.7255, ge=0, le=100, description="CMB temperature today [K]; 0 means no photons")
    n_ur: float = Field(3.046, ge=0, le=1000, description="effective number of massless neutrinos")
    a_s: float = Field(
        2.215e-9,
        ge=0,
        description="primordial amplitude of the curvature perturbation at the pivot; 0, a homogeneous universe, is for"
        " single runs",
    )
    n_s: float = Field(0.9619, ge=-10, le=10, description="spectral index")
    k_pivot_invmpc: float = Field(0.05, ge=1e-6, le=1e6, description="pivot wavenumber [1/Mpc]")
    omega_fld: float = Field(
        0.0,
        ge=0,
        le=4,
        description="density of a fluid of dark energy, Omega_fld h^2; what it leaves to a flat universe is Lambda",
    )
    w0_fld: float = Field(-1.0, ge=-10, le=1 / 3, description="its equation of state today, w = w0 + wa (1 - a)")
    wa_fld: float = Field(0.0, ge=-10, le=10, description="the slope of its equation of state")
    cs2_fld: float = Field(1.0, ge=0, le=1, description="the square of its speed of sound")

    m_ncdm_ev: tuple[Annotated[float, Field(gt=0, le=1e4)], ...] = Field(
        (), max_length=4, description="masses of massive neutrinos by species [eV] (EQUATIONS 18)"
    )
    t_ncdm: tuple[Annotated[float, Field(gt=0, le=10)], ...] = Field(
        (), max_length=4, description="their temperatures over that of photons; where there are none, 0.71611"
    )
    deg_ncdm: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field(
        (), max_length=4, description="their degeneracies; where there are none, 1"
    )

    @property
    def Omega_b(self) -> float:
        return self.omega_b / self.h**2

    @property
    def Omega_c(self) -> float:
        return self.omega_cdm / self.h**2

    @property
    def Omega_cb(self) -> float:
        """Cold dark matter and baryons."""
        return self.Omega_c + self.Omega_b

    @property
    def Omega_ncdm(self) -> tuple[float, ...]:
        """Massive neutrinos by species, as they are when they are slow."""
        per_mass = NCDM_EV_PER_OMEGA * self.h**2
        return tuple(m * g / per_mass for m, g in zip(self.m_ncdm_ev, self.degeneracies_ncdm, strict=True))

    @property
    def temperatures_ncdm(self) -> tuple[float, ...]:
        """Their temperatures over that of photons."""
        return _filled(self.t_ncdm, _T_NCDM, len(self.m_ncdm_ev))

    @property
    def degeneracies_ncdm(self) -> tuple[float, ...]:
        """Their degeneracies."""
        return _filled(self.deg_ncdm, _DEG_NCDM, len(self.m_ncdm_ev))

    @property
    def thermal_ncdm(self) -> tuple[float, ...]:
        """k T / m of each species today, which is dimensionless."""
        pairs = zip(self.m_ncdm_ev, self.temperatures_ncdm, strict=True)
        return tuple(self.t_cmb_kelvin * t * BOLTZMANN_EV / m for m, t in pairs)

    @property
    def Omega_m(self) -> float:
        """All that is matter today."""
        return sum(self.Omega_ncdm, self.Omega_cb)

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
    def Omega_fld(self) -> float:
        return self.omega_fld / self.h**2

    @property
    def has_fluid(self) -> bool:
        """Whether some dark energy is a fluid other than Lambda."""
        return self.omega_fld > 0

    @property
    def Omega_lambda(self) -> float:
        return 1.0 - self.Omega_m - self.Omega_r - self.Omega_fld

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What a universe lacks is not written, as before it could be said, so that earlier runs are recognised."""
        values: dict[str, Any] = handler(self)
        absent = (*(() if self.m_ncdm_ev else _NCDM), *(() if self.has_fluid else FLUID))
        return {name: value for name, value in values.items() if name not in absent}

    @model_validator(mode="after")
    def _of_what_is_there(self) -> Self:
        for there, of, names in (
            (self.has_fluid, "omega_fld", FLUID[1:]),
            (bool(self.m_ncdm_ev), "m_ncdm_ev", _NCDM[1:]),
        ):
            for name in names:
                value = getattr(self, name)
                if not there and value != type(self).model_fields[name].default:
                    raise ValueError(f"{name} is {value}, but there is no {of}, expected both or neither")
        return self

    @model_validator(mode="after")
    def _neutrinos(self) -> Self:
        if self.m_ncdm_ev and self.t_cmb_kelvin <= 0:
            raise ValueError("m_ncdm_ev is given but t_cmb_kelvin is 0, expected the temperature that neutrinos follow")
        return self

    @model_validator(mode="after")
    def _closed_by_lambda(self) -> Self:
        if self.Omega_m <= 0:
            raise ValueError("omega_b + omega_cdm is 0, expected some matter")
        if self.has_fluid:
            self._check_fluid()
        elif self.Omega_lambda < -_ROUNDING:  # when Omega_cdm is chosen to fill the universe
            raise ValueError(
                f"Omega_Lambda = 1 - Omega_m - Omega_r is {self.Omega_lambda:.4g}, expected >= 0;"
                " lower omega_cdm or omega_b, or raise h"
            )
        return self

    def _check_fluid(self) -> None:
        if self.Omega_lambda < -_ROUNDING_BESIDE_A_FLUID:
            raise ValueError(
                f"Omega_Lambda = 1 - Omega_m - Omega_r - Omega_fld is {self.Omega_lambda:.4g}, expected >= 0;"
                " lower omega_fld"
            )
        if self.w0_fld + self.wa_fld >= 1.0 / 3.0:
            raise ValueError(
                f"w0_fld + wa_fld, the early equation of state of dark energy, is {self.w0_fld + self.wa_fld:.4g},"
                " expected less than 1/3"
            )


def _filled(values: tuple[float, ...], default: float, count: int) -> tuple[float, ...]:
    """The first ``count`` values, with the default where there are none."""
    return (values + (default,) * count)[:count]
