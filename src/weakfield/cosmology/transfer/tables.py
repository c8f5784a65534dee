"""Linear transfer functions for zeta = 1 in Newtonian gauge: at one time, and as functions of time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from weakfield.base.errors import BadInput
from weakfield.config.cosmology import CosmologySettings

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TransferFunctions:
    """Transfer functions on the nodes ``k_hmpc`` (n,) at one redshift; every array has that shape.

    ``delta`` holds density contrasts and ``theta`` velocity divergences [1/Mpc], of the species "cdm", "b", "g", "ur",
    "fld" and "tot" (all but Lambda), as far as the source has them. ``source`` names that source in messages.
    """

    k_hmpc: Array
    redshift: float
    delta: Mapping[str, Array]
    theta: Mapping[str, Array]
    phi: Array | None
    psi: Array | None
    source: str

    def column(self, kind: str, species: str) -> Array:
        """``delta`` or ``theta`` of one species; ``BadInput`` if the source lacks it."""
        columns = self.delta if kind == "delta" else self.theta
        if species not in columns:
            raise BadInput(f"{self.source} has no {kind} of '{species}', found {', '.join(columns) or 'none'}")
        return columns[species]


class TransferHistory(Protocol):
    """Transfer functions at any scale factor that a source covers; an object is equal to itself alone."""

    def __hash__(self) -> int: ...

    def covers(self, a: float) -> bool:
        """Whether ``at(a)`` is possible."""

    def at(self, a: float) -> TransferFunctions:
        """The transfer functions at scale factor ``a``."""


@dataclass(frozen=True, eq=False)
class SingleRedshift:
    """A source that knows only one redshift, such as a transfer file."""

    functions: TransferFunctions

    def covers(self, a: float) -> bool:
        return math.isclose(a * (1.0 + self.functions.redshift), 1.0, rel_tol=1e-9)

    def at(self, a: float) -> TransferFunctions:
        if not self.covers(a):
            raise BadInput(
                f"{self.functions.source} holds z = {self.functions.redshift:g} alone, asked for z = {1.0 / a - 1.0:g}"
            )
        return self.functions


@dataclass(frozen=True, eq=False)
class SeparateStart:
    """A source for the initial conditions, and another for the linear fields that act from then on."""

    start: TransferHistory
    later: TransferHistory

    def covers(self, a: float) -> bool:
        return self.later.covers(a)

    def at(self, a: float) -> TransferFunctions:
        return self.later.at(a)


def of_the_start(history: TransferHistory) -> TransferHistory:
    """What initial conditions are made of."""
    return history.start if isinstance(history, SeparateStart) else history


@dataclass(frozen=True)
class NoTransfer:
    """Stands in for transfer functions in a run that starts without them; ``reason`` says why there are none."""

    reason: str

    def covers(self, a: float) -> bool:
        return False

    def at(self, a: float) -> TransferFunctions:
        raise BadInput(f"transfer functions are needed at z = {1.0 / a - 1.0:g}, but {self.reason}")


class SplinedHistory:
    """Columns tabulated in (ln a, k), with cubic splines in ln a between the nodes.

    ``scale_factors`` (m,) ascends; each of ``columns`` has shape (m, n) and is named "delta cdm", "theta tot", "phi",
    "psi" and so on.
    """

    def __init__(self, k_hmpc: Array, scale_factors: Array, columns: Mapping[str, Array], source: str) -> None:
        self.k_hmpc = k_hmpc
        self.scale_factors = scale_factors
        self.source = source
        self._names = tuple(columns)
        self._spline = CubicSpline(np.log(scale_factors), np.stack([columns[name] for name in self._names], axis=1))

    def covers(self, a: float) -> bool:
        low, high = self.scale_factors[0], self.scale_factors[-1]
        return bool(low * (1 - 1e-12) <= a <= high * (1 + 1e-12))

    def at(self, a: float) -> TransferFunctions:
        if not self.covers(a):
            low, high = 1.0 / self.scale_factors[-1] - 1.0, 1.0 / self.scale_factors[0] - 1.0
            raise BadInput(f"{self.source} covers redshifts {low:g} to {high:g}, asked for z = {1.0 / a - 1.0:g}")
        values = dict(zip(self._names, self._spline(math.log(a)), strict=True))
        parts: dict[str, dict[str, Array]] = {"delta": {}, "theta": {}}
        for name, column in values.items():
            kind, _, species = name.partition(" ")
            if species:
                parts[kind][species] = column
        return TransferFunctions(
            self.k_hmpc, 1.0 / a - 1.0, parts["delta"], parts["theta"], values["phi"], values["psi"], self.source
        )


def require_coverage(k_hmpc: Array, box_size_mpch: float, grid: int, source: str) -> None:
    """Refuse nodes that do not cover the wavenumbers of a box, 2 pi / L to sqrt(3) pi N / L [h/Mpc]."""
    low, high = box_wavenumbers(box_size_mpch, grid)
    if k_hmpc[0] > low or k_hmpc[-1] < high:
        raise BadInput(
            f"{source} covers k = {k_hmpc[0]:.4g} to {k_hmpc[-1]:.4g} h/Mpc, expected {low:.4g} to {high:.4g} h/Mpc"
            f" for a box of {box_size_mpch:g} Mpc/h with {grid} cells a side"
        )


def standard_universe(cosmology: CosmologySettings, provider: str) -> CosmologySettings:
    """The same universe with a standard primordial spectrum, because transfer functions do not depend on it.

    Raises ``BadInput`` for a universe without the matter and radiation that a Boltzmann code needs.
    """
    for key in ("omega_b", "omega_cdm", "t_cmb_kelvin"):
        if not getattr(cosmology, key) > 0:
            raise BadInput(
                f"cosmology.{key} is {getattr(cosmology, key):g}, expected a value above 0 for transfer '{provider}'"
            )
    return cosmology.model_copy(update={"a_s": 1.0, "n_s": 1.0, "k_pivot_invmpc": 1.0})


def box_wavenumbers(box_size_mpch: float, grid: int) -> tuple[float, float]:
    """The smallest and largest wavenumber [h/Mpc] of a mesh, 2 pi / L and sqrt(3) pi N / L."""
    return 2.0 * math.pi / box_size_mpch, math.sqrt(3.0) * math.pi * grid / box_size_mpch


def total_contrast(columns: Mapping[str, Array], cosmology: CosmologySettings, a: float) -> Array:
    """sum rho delta / sum rho over cdm, b, g, ur (EQUATIONS 3.2: without Lambda)."""
    return _weighted(columns, _densities(cosmology, a), 1.0)


def total_divergence(columns: Mapping[str, Array], cosmology: CosmologySettings, a: float) -> Array:
    """sum (rho + p) theta / sum (rho + p) over cdm, b, g, ur."""
    return _weighted(columns, _densities(cosmology, a), 4.0 / 3.0)


def total_density(cosmology: CosmologySettings, a: float) -> float:
    """a^3 rho of cdm, b, g, ur, in units of today's critical density."""
    return sum(_densities(cosmology, a).values())


def total_inertia(cosmology: CosmologySettings, a: float) -> float:
    """a^3 (rho + p) of cdm, b, g, ur, in units of today's critical density."""
    return sum(rho * _inertia(name) for name, rho in _densities(cosmology, a).items())


def _inertia(name: str) -> float:
    """(rho + p) / rho"""
    return 4.0 / 3.0 if name in ("g", "ur") else 1.0


def _densities(cosmology: CosmologySettings, a: float) -> dict[str, float]:
    """Densities times a^3, in units of today's critical density."""
    return {
        "cdm": cosmology.Omega_c,
        "b": cosmology.Omega_b,
        "g": cosmology.Omega_gamma / a,
        "ur": cosmology.Omega_ur / a,
    }


def _weighted(columns: Mapping[str, Array], densities: Mapping[str, float], radiation: float) -> Array:
    """Mean of the columns weighted by density; radiation has the factor ``radiation`` in addition."""
    weights = {name: rho * (radiation if name in ("g", "ur") else 1.0) for name, rho in densities.items()}
    total = sum(weights.values())
    return np.asarray(
        sum(columns[name] * (weight / total) for name, weight in weights.items() if weight), dtype=np.float64
    )
