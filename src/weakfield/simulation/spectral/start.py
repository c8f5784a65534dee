"""Initial conditions on the spectral mesh: linear, or the growing mode to second order (EQUATIONS 16.3)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from weakfield.base.memory import return_freed_memory
from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import TransferHistory
from weakfield.fourier import quadratic
from weakfield.mesh import spectral
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.kernels.reference.hamiltonian import hamiltonian
from weakfield.mesh.packed import PACKED, VECTOR
from weakfield.mesh.particles import Particles
from weakfield.simulation.bounds import require_linear
from weakfield.simulation.linear_start import by_kind, initial_spectra, pull_source, slip_source
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation, Source
from weakfield.simulation.spectral.weights import Growth
from weakfield.simulation.study_cache import StudyCache

#: how often the density is corrected; each correction leaves a hundredth to a tenth of the error
_PASSES = 3


@dataclass
class SpectralInitialState:
    """Particles and modes of the metric, in double precision; ``matched``: phi belongs to the particles' density."""

    particles: Particles
    phi: Tensor
    chi: Tensor
    rate: Tensor  # phi'
    matched: bool
    residuals: list[float] = field(default_factory=list)  # error of density before each correction, over the contrast


@dataclass(frozen=True)
class _Setting:
    """What every step of making a start needs."""

    run: RunSettings
    background: Background
    kernels: Kernels
    realisation: Realisation
    radiation: LinearRadiation | None
    a: float

    @property
    def n(self) -> int:
        return self.realisation.n

    @property
    def gr(self) -> bool:
        return self.run.theory == "gr"

    @property
    def hubble(self) -> float:
        return self.background.conformal_hubble(self.a)

    def modes(self, source: Source) -> Tensor:
        """Modes of the field with this source, S(k) times the unit modes."""
        return self.realisation.add(torch.zeros_like(self.realisation.unit), source)

    def potential(self, source: Source) -> Tensor:
        """The modes of this source divided by k^2."""
        return self.modes(source) * quadratic.inverse_square_wavenumber(self.realisation.unit)

    def radiation_modes(self) -> Tensor | float:
        """Modes of -a^3 T00 of the radiation, in Newton with the term that compensates for the gauge."""
        if self.radiation is None or not self.radiation.density_acts(self.a):
            return 0.0
        out = torch.zeros_like(self.realisation.unit)
        self.kernels.add_realisation(*self.radiation.density_modes(self.a), out)
        return out


def spectral_initial_state(
    run: RunSettings,
    background: Background,
    history: TransferHistory,
    realisation: Realisation,
    kernels: Kernels,
    shared: StudyCache,
    radiation: LinearRadiation | None,
) -> SpectralInitialState:
    """Particles, phi, chi and phi' at the initial redshift, from transfer functions (EQUATIONS 3.2, 16.3)."""
    a = 1.0 / (1.0 + run.simulation.initial_redshift)
    here = _Setting(run, background, kernels, realisation, radiation, a)
    functions, sources = history.at(a), initial_spectra(run, background, history)
    require_linear(run, sources)
    phi = here.potential(sources.potential)
    chi = here.modes(slip_source(run, functions))
    rate = here.modes(pull_source(run, background, functions)) - here.hubble * (phi - chi)
    shifts = [here.potential(source) for source in sources.displacement]
    speeds = [-here.potential(source) for source in sources.velocity]
    particles = shared.particles()
    if run.simulation.start == "linear":
        _displace(here, particles, particles.displacement.clone(), shifts)
        _set_moving(here, particles, speeds)
        return SpectralInitialState(particles, phi, chi, rate, matched=not here.gr)
    body = shifts
    if here.gr:
        newton = initial_spectra(run.model_copy(update={"theory": "newton"}), background, history)
        body = [here.potential(source) for source in newton.displacement]
    return _growing_mode(here, particles, phi, chi, rate, shifts, speeds, body)


@dataclass(frozen=True)
class _Growth:
    """How matter grows at the start, with radiation in the expansion; in brackets in matter domination."""

    matter: float  # G4 Omega_cb / a, of which the contrast of matter makes lap phi [6 / tau^2]
    rate: float  # f [1]
    displacement: float  # -E / D^2 of second-order displacements [3/7]
    slope: float  # d ln E / d ln D [2]

    @classmethod
    def of(cls, here: _Setting) -> _Growth:
        growth = Growth(here.background, here.a)
        return cls(
            matter=here.background.four_pi_G * here.run.cosmology.Omega_cb / here.a,
            rate=growth.rate / (here.hubble * growth.D),
            displacement=-growth.E / growth.D**2,
            slope=growth.E_slope * growth.D / growth.E,
        )


def _growing_mode(
    here: _Setting,
    particles: Particles,
    linear: Tensor,
    chi: Tensor,
    rate: Tensor,
    shifts: list[Tensor],
    speeds: list[Tensor],
    body: list[Tensor],
) -> SpectralInitialState:
    """Add the second order of EQUATIONS 16.3 to linear theory, and place particles to have the density it demands."""
    tau, growth = 2.0 / here.hubble, _Growth.of(here)
    mean = body[0] if len(body) == 1 else (7 * body[0] + body[1]) / 8
    q = quadratic.second_order_fields(-growth.matter * mean)
    second = growth.displacement / growth.matter**2 * q.psi_0
    phi = q.gradient_squared * 0.5
    speed = here.a * here.hubble * growth.rate * (growth.slope * second - phi / growth.matter**2)
    phi = (phi - (1.0 + growth.displacement) * q.psi_0) / growth.matter
    if here.gr:
        constant = -4 * q.theta_0
        rate = rate + here.hubble * (2.0 * growth.rate - 1.0) * phi
        phi += constant
        chi = chi - 10 * q.theta_0
        speed -= here.a * tau / 3 * (constant + 10 * q.theta_0 + 0.5 * q.square)
        del constant
    del q, mean
    phi += linear
    speeds = [one + speed for one in speeds]
    shifts = [one + second for one in shifts]
    del second, speed
    return_freed_memory()  # of products on the finer mesh
    demanded = _demanded(here, phi, chi, rate)
    rest, size = particles.displacement.clone(), float((demanded.abs() ** 2).sum().sqrt())
    residuals = []
    _displace(here, particles, rest, shifts)
    for _ in range(_PASSES):
        return_freed_memory()
        _set_moving(here, particles, speeds)
        missing = demanded - _deposited(here, particles, phi, chi)
        missing[0, 0, 0] = 0
        residuals.append(float((missing.abs() ** 2).sum().sqrt()) / size)
        missing *= quadratic.inverse_square_wavenumber(missing) / here.run.cosmology.Omega_cb
        shifts = [one + missing for one in shifts]
        _displace(here, particles, rest, shifts)
    _set_moving(here, particles, speeds)
    return SpectralInitialState(particles, phi, chi, rate, True, residuals)


def _demanded(here: _Setting, phi: Tensor, chi: Tensor, rate: Tensor) -> Tensor:
    """Modes of the density that particles must have for the field equation to hold, minus its mean and radiation.

    GR: (G4 / a) (T00 - mean) = e^(2 phi) [lap phi - (grad phi)^2 / 2] - (3/2) [H^2 - e^(-2 psi) (H - phi')^2].
    """
    n, density = here.n, here.background.four_pi_G / here.a
    mesh = spectral.continuum(n, phi.device)
    laplacian = -mesh.k2 * phi * mesh.inside
    laplacian[0, 0, 0] = 0
    if not here.gr:
        return laplacian / density - here.radiation_modes()
    f, lap = spectral.field_of(phi, n), spectral.field_of(laplacian, n)
    # the terms of the expansion in phi and phi', moved to the other side of the equation
    expansion = hamiltonian(
        torch.zeros_like(f), f, spectral.field_of(chi, n), spectral.field_of(rate, n), 0.0, here.hubble
    )
    slopes = spectral.gradient_of(phi, n)
    wanted = torch.exp(2 * f) * (lap - 0.5 * (slopes**2).sum(0) - expansion)
    return spectral.modes_of(wanted) / density - here.radiation_modes()


def _deposited(here: _Setting, particles: Particles, phi: Tensor, chi: Tensor) -> Tensor:
    """Modes of the particles' density minus its mean, window removed; in GR with their energy in the metric."""
    mean, n = here.run.cosmology.Omega_cb, here.n
    energies = None
    if here.gr:
        metric, energies = _metric(here, phi, chi), torch.empty_like(particles.displacement[0])
        here.kernels.project_pcs(particles, metric, 0.0, here.a, torch.empty_like(metric), -mean, energies)
        del metric
    scale = particles.mass * n**3 if energies is None else 1.0
    return spectral.density_modes(here.kernels, particles, energies, scale, -mean)


def _metric(here: _Setting, phi: Tensor, chi: Tensor) -> Tensor:
    packed = phi.real.new_empty((here.n, here.n, here.n, PACKED))
    return spectral.pack_metric(here.kernels, phi, chi, packed)


def _displace(here: _Setting, particles: Particles, rest: Tensor, potentials: list[Tensor]) -> None:
    """Displace particles from their lattice sites ``rest`` by the gradient there of the displacement potential."""
    at_rest = replace(particles, displacement=rest)
    particles.displacement = rest + here.n * _gradient(here, at_rest, potentials)
    particles.require_possible()


def _set_moving(here: _Setting, particles: Particles, potentials: list[Tensor]) -> None:
    """Set q = grad V at the positions of the particles."""
    particles.momentum = _gradient(here, particles, potentials)
    particles.require_possible()


def _gradient(here: _Setting, particles: Particles, potentials: list[Tensor]) -> Tensor:
    """The gradient, at each particle, of the potential that belongs to its kind, (3, P).

    It is read on each of the interlaced meshes used for a density, and averaged: on one mesh alone, the images of the
    shortest waves would cancel these waves midway between nodes.
    """
    packed = torch.zeros((here.n, here.n, here.n, VECTOR), dtype=torch.float64, device=particles.ids.device)
    back = spectral.continuum(here.n, packed.device).back
    found = []
    for modes in potentials:
        read = here.kernels.read_pcs(particles, spectral.pack_gradient(here.kernels, modes, packed))[:3]
        for shift, phase in zip(spectral.SHIFTS, back, strict=True):
            moved = replace(particles, displacement=particles.displacement + shift)
            shifted = spectral.pack_gradient(here.kernels, modes * phase.conj(), packed)
            read += here.kernels.read_pcs(moved, shifted)[:3]
        found.append(read.div_(1 + len(back)))
    return by_kind(particles, found)
