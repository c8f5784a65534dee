"""Linear and non-linear power spectra of the potential and of matter, from the transfer functions of a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weakfield.base.errors import BadInput, nearest
from weakfield.config import CosmologySettings, SimulationSettings, Theory
from weakfield.cosmology import Background, primordial_power, transfer_history
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH
from weakfield.cosmology.nonlinear import NonLinearModel, nonlinear_boost
from weakfield.cosmology.splines import NaturalSpline, natural_spline
from weakfield.cosmology.transfer import TransferFunctions, TransferHistory

Reals = NDArray[np.float64]
MatterGauge = Literal["nbody", "poisson", "synchronous"]
MATTER_GAUGES: tuple[MatterGauge, ...] = ("nbody", "poisson", "synchronous")


class LinearTheory:
    """Spectra at any redshift, with the transfer functions the simulation uses.

    A study that has transfer functions only at its start (a file, a matter spectrum, a snapshot) is compared with
    CAMB's for its cosmology. Wavenumbers are in h/Mpc, within those of the box (2 pi / L to sqrt(3) pi N / L); fields
    are real modes, P = V <|f_k|^2> with f = FFT / N^3.
    """

    def __init__(self, simulation: SimulationSettings, cosmology: CosmologySettings) -> None:
        self.cosmology = cosmology
        self.background = Background(cosmology, HUBBLE_LENGTH_MPCH)  # conformal H in units of H0
        self.history = _through_time(simulation, cosmology)

    def potential_transfer(self, k_hmpc: ArrayLike, z: float) -> Reals:
        """phi in Poisson gauge (metric of EQUATIONS 1) for zeta = 1, positive."""
        functions = self._at(z)
        if functions.phi is None:
            raise BadInput(f"{functions.source} has no column phi, expected it for the spectrum of the potential")
        return self._spline(functions, functions.phi)(k_hmpc)

    def matter_transfer(self, k_hmpc: ArrayLike, z: float, gauge: MatterGauge = "nbody") -> Reals:
        """Density contrast of cdm and baryons for zeta = 1, negative.

        ``gauge``: "nbody", delta + 3 H theta_tot / k^2, what a Newtonian run counts (1505.04756); "poisson", what a
        relativistic run calls T00; "synchronous", the rest frame of cdm, in which CAMB and CLASS print P(k).
        """
        if gauge not in MATTER_GAUGES:
            raise BadInput(
                f"gauge is '{gauge}', expected one of {', '.join(MATTER_GAUGES)}" + nearest(gauge, MATTER_GAUGES)
            )
        functions, cosmology = self._at(z), self.cosmology
        share = cosmology.Omega_b / cosmology.Omega_cb
        delta = functions.column("delta", "cdm") * (1 - share)
        if share > 0:
            delta = delta + share * functions.column("delta", "b")
        if gauge != "poisson":
            theta = functions.column("theta", "tot" if gauge == "nbody" else "cdm") / cosmology.h  # h/Mpc
            delta = delta + 3.0 * self.conformal_hubble(z) * theta / functions.k_hmpc**2
        return self._spline(functions, delta)(k_hmpc)

    def written_density_transfer(
        self, k_hmpc: ArrayLike, z: float, theory: Theory, radiation: bool, fluid: bool = False
    ) -> Reals:
        """What the simulation writes as "delta" for zeta = 1 (EQUATIONS 9, 13.5): matter in its theory's gauge.

        Massive neutrinos are part of matter. With ``radiation``, photons and massless neutrinos are included too, and
        in Newton the term that makes up for the gauge, all relative to the density of matter; with ``fluid`` so is a
        fluid of dark energy.
        """
        cold = self.matter_transfer(k_hmpc, z, "poisson" if theory == "gr" else "nbody")
        neutrinos = self.background.neutrinos
        if not (radiation or fluid or neutrinos):
            return cold
        functions, cosmology, a = self._at(z), self.cosmology, 1.0 / (1.0 + z)
        kinds, inertia = [], 0.0  # a^4 rho, and three times a^4 (rho + p)
        if neutrinos is not None:
            kinds += [(a * float(omega), f"ncdm[{p}]") for p, omega in enumerate(neutrinos.each(a))]
            inertia += 3.0 * a * float(neutrinos.inertia(a).sum())
        if radiation:
            kinds += [(cosmology.Omega_gamma, "g"), (cosmology.Omega_ur, "ur")]
            inertia += 4.0 * cosmology.Omega_r
        if fluid:
            density = a * self.background.fluid_density(a)
            kinds += [(density, "fld")]
            inertia += 3.0 * (1.0 + self.background.fluid_state(a)) * density
        extra = sum(omega * functions.column("delta", species) for omega, species in kinds)
        if theory == "newton":
            theta = functions.column("theta", "tot") / cosmology.h  # h/Mpc
            extra = extra + inertia * self.conformal_hubble(z) * theta / functions.k_hmpc**2
        matter = self.background.matter(a)
        return (cosmology.Omega_cb / matter) * cold + (1.0 + z) / matter * self._spline(
            functions, np.asarray(extra, dtype=np.float64)
        )(k_hmpc)

    def potential_power(self, k_hmpc: ArrayLike, z: float) -> Reals:
        """P_phi [(Mpc/h)^3] of linear theory, Poisson gauge; 0 at k = 0."""
        return self.power_of(k_hmpc, lambda k: self.potential_transfer(k, z))

    def matter_power(self, k_hmpc: ArrayLike, z: float, gauge: MatterGauge = "nbody") -> Reals:
        """P_delta [(Mpc/h)^3] of linear theory, cdm and baryons in ``gauge``; 0 at k = 0."""
        return self.power_of(k_hmpc, lambda k: self.matter_transfer(k, z, gauge))

    def power_of(self, k_hmpc: ArrayLike, transfer: Callable[[Reals], Reals]) -> Reals:
        """P(k) [(Mpc/h)^3] of the field with this transfer function for zeta = 1; 0 at k = 0."""
        k = np.asarray(k_hmpc, dtype=np.float64)
        power = np.zeros(k.shape)
        kept = k > 0
        primordial = primordial_power(self.cosmology, k[kept] * self.cosmology.h)
        power[kept] = 2 * np.pi**2 * primordial / k[kept] ** 3 * transfer(k[kept]) ** 2
        return power

    def nonlinear_potential_power(self, k_hmpc: ArrayLike, z: float, model: NonLinearModel = "hmcode") -> Reals:
        """P_phi [(Mpc/h)^3] of linear theory times the boost of matter: Phi = -C(k) delta where the boost acts."""
        return self.potential_power(k_hmpc, z) * nonlinear_boost(self.cosmology, k_hmpc, z, model)

    def nonlinear_matter_power(
        self, k_hmpc: ArrayLike, z: float, model: NonLinearModel = "hmcode", gauge: MatterGauge = "nbody"
    ) -> Reals:
        """P_delta [(Mpc/h)^3] of linear theory in ``gauge`` times halofit's or HMcode's boost."""
        return self.matter_power(k_hmpc, z, gauge) * nonlinear_boost(self.cosmology, k_hmpc, z, model)

    def poisson(self, z: float) -> float:
        """C k^2 [(h/Mpc)^2] of Phi = -C(k, z) delta: (3/2) Omega_m H0^2 (1 + z), H0 in h/Mpc; Omega_m, not omega_m."""
        return 1.5 * self.cosmology.Omega_m * (1.0 + z) / HUBBLE_LENGTH_MPCH**2

    def conformal_hubble(self, z: float) -> float:
        """a'/a in h/Mpc."""
        return self.background.conformal_hubble(1.0 / (1.0 + z)) / HUBBLE_LENGTH_MPCH

    def _at(self, z: float) -> TransferFunctions:
        a = 1.0 / (1.0 + z)
        if not self.history.covers(a) and z < 0:
            raise BadInput(f"theory is asked for z = {z:g}, expected a redshift of 0 or above")
        return self.history.at(a)

    @staticmethod
    def _spline(functions: TransferFunctions, column: Reals) -> NaturalSpline:
        return natural_spline(functions.k_hmpc, column, functions.source)


def _through_time(simulation: SimulationSettings, cosmology: CosmologySettings) -> TransferHistory:
    """The study's transfer functions if they reach past the start, else CAMB's on the wavenumbers of its box."""
    if simulation.initial_conditions == "linear" and simulation.transfer not in ("file", "spectrum"):
        return transfer_history(simulation, cosmology)
    own = SimulationSettings(
        grid=simulation.grid,
        box_size_mpch=simulation.box_size_mpch,
        template=simulation.template,
        tiling=simulation.tiling_factor,
        initial_redshift=simulation.initial_redshift,
        transfer="camb",
    )
    return transfer_history(own, cosmology)
