"""Linear photons and neutrinos on the mesh, and the part of them that a Newtonian run must feel (EQUATIONS 9)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.cosmology import Background, amplitude
from weakfield.cosmology.splines import natural_spline
from weakfield.cosmology.transfer import TransferFunctions, TransferHistory
from weakfield.mesh.kernels.contract import Addition
from weakfield.simulation.realisation import Realisation, Source

#: sources by theory, kind and scale factor, tabulated by n^2
Tables = dict[tuple[str, str, float], Tensor]

#: five-point differences in ln a with step 0.005 (EQUATIONS 9.2)
_STEP = 0.005
_OFFSETS = (-2, -1, 0, 1, 2)


class LinearRadiation:
    """Sources of T00 and of chi from time-dependent transfer functions, with the random numbers of the run.

    GR adds the energy of photons and neutrinos to T00 and their anisotropic stress to chi. The Newtonian run, in
    N-body gauge, needs the terms that make its particles follow the same linear universe.
    """

    def __init__(
        self,
        run: RunSettings,
        background: Background,
        history: TransferHistory,
        realisation: Realisation,
        tables: Tables | None = None,
    ) -> None:
        self._run = run
        self._background = background
        self._history = history
        self._realisation = realisation
        self._newton = run.theory == "newton"
        self._tables = tables

    def density_acts(self, a: float) -> bool:
        """Whether radiation is part of T00 now (strictly before its switch-off redshift)."""
        return a < 1.0 / (1.0 + self._run.simulation.switch_delta_rad)

    def chi_acts(self, a: float) -> bool:
        """Whether the linear chi acts now; in a Newtonian run chi then enters the kick."""
        switch = self._run.simulation.switch_linear_chi
        if switch is None:
            switch = 0.011 if self._newton else 0.0
        return a < 1.0 / (1.0 + switch)

    def density(self, a: float, dtype: torch.dtype = torch.float64) -> Tensor:
        """-a^3 T00 of the radiation, ``(N, N, N)``; on the staggered mesh it is realised with the sinc factor."""
        sinc = self._run.simulation.mesh == "staggered"
        return self._realisation.field(self._strength("density", self.density_source, a), None, sinc=sinc, dtype=dtype)

    def density_modes(self, a: float) -> Addition:
        """What a solver adds: the unnormalised forward transform of ``density``; its modes f_k on the spectral mesh."""
        strength = self._strength("density", self.density_source, a)
        if self._run.simulation.mesh == "spectral":  # no sinc factor there
            return self._realisation.addition(strength)
        return self._realisation.addition(strength, float(self._realisation.n) ** 3, sinc=True)

    def chi_modes(self, a: float) -> Addition:
        """Modes of the linear chi, which is their unnormalised backward transform; no sinc factor."""
        return self._realisation.addition(self._strength("chi", self._chi_source, a))

    def _strength(self, kind: str, source: Callable[[float], Source], a: float) -> Tensor:
        """A source tabulated by n^2; it does not depend on the seed and is kept in ``tables`` if these were given."""
        if self._tables is None:
            return self._realisation.strength(source(a))
        key = (self._run.theory, kind, a)
        if key not in self._tables:
            self._tables[key] = self._realisation.strength(source(a))
        return self._tables[key]

    def density_source(self, a: float) -> Source:
        """S of -A (Omega_g delta_g + Omega_ur delta_ur) / a; Newton adds -A (4 Omega_r / a) H theta_tot / x^2."""
        f, cosmology = self._history.at(a), self._run.cosmology
        x, scale = self._nodes(f)
        total = (cosmology.Omega_gamma * f.column("delta", "g") + cosmology.Omega_ur * f.column("delta", "ur")) / a
        if self._newton:
            hubble = self._background.conformal_hubble(a)
            total = total + (4.0 * cosmology.Omega_r / a) * hubble * self._divergence(f) / x**2
        return natural_spline(x, -scale * total, f.source)

    def _chi_source(self, a: float) -> Source:
        """S of A (psi - phi); Newton adds -(3 A / x^2) (d^2/dtau^2 + H d/dtau) R with R = phi + H theta_tot / k^2."""
        f = self._history.at(a)
        x, scale = self._nodes(f)
        slip = _potential(f, "psi") - _potential(f, "phi")
        if self._newton:
            slip = slip - 3.0 / x**2 * self._curvature_acceleration(a)
        return natural_spline(x, scale * slip, f.source)

    def _curvature_acceleration(self, a: float) -> np.ndarray:
        """(d^2/dtau^2 + H d/dtau) R by the differences of EQUATIONS 9.2."""
        hubble = self._background.conformal_hubble
        r, g = [], []
        for j in _OFFSETS:
            factor = 1.0 + _STEP * j
            f = self._history.at(a * factor)
            x, _ = self._nodes(f)
            r.append(_potential(f, "phi") + hubble(a * factor) * self._divergence(f) / x**2)
            g.append(factor**2 * hubble(a * factor))
        second = (16.0 * (r[3] + r[1]) - 30.0 * r[2] - r[4] - r[0]) / (12.0 * _STEP**2)
        first = (8.0 * (r[3] - r[1]) - r[4] + r[0]) / (12.0 * _STEP)
        slope = (8.0 * (g[3] - g[1]) - g[4] + g[0]) / (12.0 * _STEP)
        result: np.ndarray = hubble(a) * (hubble(a) * second + slope * first)
        return result

    def _nodes(self, f: TransferFunctions) -> tuple[np.ndarray, np.ndarray]:
        """x = k L and the amplitude A there."""
        x = f.k_hmpc * self._run.simulation.box_size_mpch
        return x, amplitude(self._run.cosmology, self._run.simulation.box_size_mpch, x)

    def _divergence(self, f: TransferFunctions) -> np.ndarray:
        """theta_tot in code units."""
        theta: np.ndarray = f.column("theta", "tot") * (self._run.simulation.box_size_mpch / self._run.cosmology.h)
        return theta


def _potential(f: TransferFunctions, name: str) -> np.ndarray:
    values = f.phi if name == "phi" else f.psi
    assert values is not None  # every provider that covers time has both
    return values
