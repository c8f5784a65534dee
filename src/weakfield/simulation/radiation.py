"""Linear photons, neutrinos and dark energy on the mesh, and what of them a Newtonian run feels (EQUATIONS 9, 20)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from weakfield.config import RunSettings
from weakfield.config.species import chi_switch, linear_neutrinos, neutrino_switches
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


class RadiationSources:
    """What linear photons and neutrinos add to T00 and to chi, for unit primordial modes, at the nodes of the tables.

    GR adds the energy of photons and neutrinos to T00 and their anisotropic stress to chi. The Newtonian run, in
    N-body gauge, needs the terms that make its particles follow the same linear universe. A fluid of dark energy adds
    to T00 alone. It may be linear while radiation is not, and the other way round.
    """

    def __init__(self, run: RunSettings, background: Background, history: TransferHistory) -> None:
        self._run = run
        self._background = background
        self._history = history
        self._newton = run.theory == "newton"
        self._radiation, self._fluid = run.simulation.linear_radiation, run.linear_fluid
        # on the spectral mesh, where nothing follows the reference program, today is no exception
        self._always_linear = run.simulation.mesh == "spectral" and linear_neutrinos(run.simulation, run.cosmology)

    def density_acts(self, a: float) -> bool:
        """Whether a linear field is part of T00 now."""
        return self._radiation_acts(a) or self._fluid_acts(a) or bool(self._linear_neutrinos(a))

    def _radiation_acts(self, a: float) -> bool:
        """Strictly before its switch-off redshift."""
        return self._radiation and a < 1.0 / (1.0 + self._run.simulation.switch_delta_rad)

    def _fluid_acts(self, a: float) -> bool:
        """As long as there are tables; in the reference program strictly before today, where a per cent of phi ends."""
        stated = self._run.simulation.fluid_density == "gevolution"
        return self._fluid and (a < 1.0 if stated else self._history.covers(a))

    def _linear_neutrinos(self, a: float) -> dict[str, float]:
        """Omega_p(a) of massive neutrinos that are linear still, by the names of their columns (EQUATIONS 18.6)."""
        if self._background.neutrinos is None:
            return {}
        switches = neutrino_switches(self._run.simulation, self._run.cosmology).values()
        densities = self._background.neutrinos.each(a)
        if self._always_linear and self._history.covers(a):
            return {f"ncdm[{p}]": float(density) for p, density in enumerate(densities)}
        return {
            f"ncdm[{p}]": float(densities[p]) for p, (redshift, _) in enumerate(switches) if a < 1.0 / (1.0 + redshift)
        }

    def _inertia(self, linear: dict[str, float], a: float) -> float:
        """a^3 (rho + p) of these neutrinos; on the staggered mesh without p, as in the reference program."""
        neutrinos = self._background.neutrinos
        if self._run.simulation.mesh == "staggered" or neutrinos is None:
            return sum(linear.values())
        inertia = neutrinos.inertia(a)
        return sum(float(inertia[int(name.strip("ncdm[]"))]) for name in linear)

    def chi_acts(self, a: float) -> bool:
        """Whether the linear chi acts now, that of radiation."""
        return self._radiation and self.kicked_by_chi(a)

    def kicked_by_chi(self, a: float) -> bool:
        """Whether chi enters the kick of a Newtonian run now."""
        return a < 1.0 / (1.0 + chi_switch(self._run.simulation, self._run.cosmology, self._newton))

    def density(self, a: float) -> np.ndarray:
        """S of -A (Omega_g delta_g + Omega_ur delta_ur) / a; Newton adds -A (4 Omega_r / a) H theta_tot / x^2.

        With a fluid -A r delta_fld, r its a^3 rho, and in Newton -3 A (1 + w) r H theta_tot / x^2.
        Massive neutrinos that are linear still add -A Omega_p(a) delta_p, and 3 a^3 (rho + p) to 4 Omega_r / a.
        """
        f, cosmology = self._history.at(a), self._run.cosmology
        x, scale = self._nodes(f)
        total, gauge = np.zeros_like(x), 0.0
        if self._radiation_acts(a):
            total = (cosmology.Omega_gamma * f.column("delta", "g") + cosmology.Omega_ur * f.column("delta", "ur")) / a
            gauge = 4.0 * cosmology.Omega_r / a
        if self._fluid_acts(a):
            fluid, inertia = self._fluid_density(a)
            total = total + fluid * f.column("delta", "fld")
            gauge += 3.0 * inertia
        linear = self._linear_neutrinos(a)
        for name, omega in linear.items():
            total = total + omega * f.column("delta", name)
        gauge += 3.0 * self._inertia(linear, a)
        if self._newton:
            hubble = self._background.conformal_hubble(a)
            total = total + gauge * hubble * self._divergence(f) / x**2
        density: np.ndarray = -scale * total
        return density

    def mean(self, a: float) -> float:
        """a^3 times the mean density of the linear fields that act, in units of today's critical density."""
        radiation = self._run.cosmology.Omega_r / a if self._radiation_acts(a) else 0.0
        fluid = self._fluid_density(a)[0] if self._fluid_acts(a) else 0.0
        return sum(self._linear_neutrinos(a).values(), radiation + fluid)

    def _fluid_density(self, a: float) -> tuple[float, float]:
        """a^3 rho and a^3 (rho + p) of the fluid; the reference program leaves wa out of both."""
        cosmology = self._run.cosmology
        if self._run.simulation.fluid_density == "gevolution":
            density: float = cosmology.Omega_fld * a ** (-3.0 * cosmology.w0_fld)
            return density, (1.0 + cosmology.w0_fld) * density
        density = self._background.fluid_density(a)
        return density, (1.0 + self._background.fluid_state(a)) * density

    def chi(self, a: float) -> np.ndarray:
        """S of A (psi - phi); Newton adds -(3 A / x^2) (d^2/dtau^2 + H d/dtau) R with R = phi + H theta_tot / k^2."""
        f = self._history.at(a)
        x, scale = self._nodes(f)
        slip = _potential(f, "psi") - _potential(f, "phi")
        if self._newton:
            slip = slip - 3.0 / x**2 * self._curvature_acceleration(a)
        source: np.ndarray = scale * slip
        return source

    def spline(self, a: float, values: np.ndarray) -> Source:
        """The source through ``values`` at the nodes of scale factor ``a``."""
        f = self._history.at(a)
        return natural_spline(self._nodes(f)[0], values, f.source)

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


class LinearRadiation:
    """``RadiationSources`` realised on the mesh with the random numbers of the run."""

    def __init__(
        self,
        run: RunSettings,
        background: Background,
        history: TransferHistory,
        realisation: Realisation,
        tables: Tables | None = None,
    ) -> None:
        self._run = run
        self.sources = RadiationSources(run, background, history)
        self._realisation = realisation
        self._tables = tables
        self._latest: Tables = {}

    def density_acts(self, a: float) -> bool:
        """Whether a linear field is part of T00 now."""
        return self.sources.density_acts(a)

    def chi_acts(self, a: float) -> bool:
        """Whether the linear chi acts now."""
        return self.sources.chi_acts(a)

    def kicked_by_chi(self, a: float) -> bool:
        """Whether chi enters the kick of a Newtonian run now."""
        return self.sources.kicked_by_chi(a)

    def density(
        self, a: float, dtype: torch.dtype = torch.float64, room: Tensor | None = None, out: Tensor | None = None
    ) -> Tensor:
        """-a^3 T00 of the linear fields, ``(N, N, N)``; on the staggered mesh it is realised with the sinc factor.

        ``room`` is work space for its modes and ``out`` takes it, if they are given.
        """
        sinc = self._run.simulation.mesh == "staggered"
        return self._realisation.field(self.density_strength(a), None, sinc, dtype, room, out)

    def density_modes(self, a: float) -> Addition:
        """What a solver adds: the unnormalised forward transform of ``density``; its modes f_k on the spectral mesh."""
        if self._run.simulation.mesh == "spectral":  # no sinc factor there
            return self._realisation.addition(self.density_strength(a))
        return self._realisation.addition(self.density_strength(a), float(self._realisation.n) ** 3, sinc=True)

    def chi_modes(self, a: float) -> Addition:
        """Modes of the linear chi, which is their unnormalised backward transform; no sinc factor."""
        return self._realisation.addition(self.chi_strength(a))

    def density_strength(self, a: float) -> Tensor:
        """The source of ``density`` tabulated by n^2."""
        return self._strength("density", self.sources.density, a)

    def chi_strength(self, a: float) -> Tensor:
        """The source of the linear chi tabulated by n^2."""
        return self._strength("chi", self.sources.chi, a)

    def _strength(self, kind: str, values: Callable[[float], np.ndarray], a: float) -> Tensor:
        """A source tabulated by n^2; it does not depend on the seed and is kept in ``tables`` if these were given.

        Otherwise it is kept until the next scale factor: spectra ask for what the solution had.
        """
        key = (self._run.theory, kind, a)
        if self._tables is None and key not in self._latest:
            self._latest = {other: table for other, table in self._latest.items() if other[1] != kind}
        tables = self._latest if self._tables is None else self._tables
        if key not in tables:
            tables[key] = self._realisation.strength(self.sources.spline(a, values(a)))
        return tables[key]


def _potential(f: TransferFunctions, name: str) -> np.ndarray:
    values = f.phi if name == "phi" else f.psi
    assert values is not None  # every provider that covers time has both
    return values
