"""Fields on the spectral mesh as they are written: at the nodes, with the window removed (EQUATIONS 16.1)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from weakfield.fourier import quadratic
from weakfield.mesh import spectral
from weakfield.mesh.kernels.reference.pcs import fall
from weakfield.mesh.packed import METRIC_PHI, METRIC_PSI, STORED, T00
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.spectral import weights
from weakfield.simulation.spectral.stress import stress_factor
from weakfield.simulation.spectral.universe import SpectralUniverse


def spectral_field(u: SpectralUniverse, clock: Clock, name: str) -> Tensor:
    """The field ``name`` of ``snapshots.snapshot_field``.

    The stress-energy is that of momenta brought to the time of the positions. The window of the deposit is divided out
    of densities and momenta, so that densities may be negative between particles.
    """
    assert u.phi_modes is not None
    assert u.chi_modes is not None
    if name in ("phi", "chi"):
        return spectral.field_of(u.phi_modes if name == "phi" else u.chi_modes, u.n)
    if name == "B":
        return spectral.field_of(u.b_now, u.n) / clock.a**2
    if name == "rhoN" or (name == "T00" and u.run.theory == "newton"):
        return spectral.field_of(plain_density_modes(u), u.n)
    if name == "psiN":
        modes = plain_density_modes(u) * (-u.background.four_pi_G / clock.a)
        modes *= quadratic.inverse_square_wavenumber(u.phi_modes)
        return spectral.field_of(modes, u.n)
    if name == "hij":
        return spectral.field_of(tensor_modes(u, clock), u.n)
    particles, metric = synchronised(u, clock), u.metric if u.run.theory == "gr" else None
    if name == "p":
        momentum = u.phi.new_empty((3, *u.phi.shape))
        u.kernels.project_t0i_pcs(particles, metric, momentum)
        return spectral.field_of(spectral.modes_of(momentum, windowed=True), u.n)
    packed, energies = torch.empty_like(u.packed), torch.empty_like(u.particles.displacement[0])
    u.kernels.project_pcs(particles, metric, 0.0, clock.a, packed, -u.projected_mean(clock.a), energies)
    if name == "T00":
        shifted = spectral.paint_shifted(u.kernels, u.particles, energies, 1.0, -u.projected_mean(clock.a))
        return spectral.field_of(spectral.interlaced(packed[..., T00].contiguous(), shifted), u.n) + u.projected_mean(
            clock.a
        )
    if name == "Tij":
        parts = torch.stack([packed[..., field] for field in STORED])
        return spectral.field_of(spectral.modes_of(parts, windowed=True), u.n)
    raise ValueError(f"no field named {name}")


def tensor_modes(u: SpectralUniverse, clock: Clock) -> Tensor:
    """Modes (6, N, N, N//2+1) of h_ij = 2 Lambda_ij,lm S_lm / k^2 (EQUATIONS 5.4).

    h_ij is quasi-static, transverse and traceless; its components are in the order of files, xx xy xz yy yz zz.
    """
    packed = u.kernels.project_pcs(synchronised(u, clock), None, 0.0, clock.a, torch.empty_like(u.packed), 0.0)
    assert u.phi_modes is not None
    gradient = spectral.gradient_of(u.phi_modes, u.n)
    return spectral.transverse_traceless(spectral.stress_modes(packed, gradient, stress_factor(u, clock.a)), 2.0)


def energy_modes(u: SpectralUniverse, clock: Clock) -> Tensor:
    """Modes of T00 of the particles with the present fields, but for its mean; in Newton of their plain density.

    In Newton they are those that phi was solved from. In GR the deposits of this cycle are overwritten.
    """
    assert u.phi_modes is not None
    k2, pull = spectral.continuum(u.n, u.phi_modes.device).k2, u.background.four_pi_G / clock.a
    if u.run.theory == "newton":
        modes = u.phi_modes * (k2 * (-1.0 / pull)).to(u.phi.dtype)
        if u.radiation is not None and u.radiation.density_acts(clock.a):
            u.realisation.add(modes, u.radiation.density_strength(clock.a), -1.0)
        return modes
    weight = weights.synchronisation(clock) if clock.cycle else 0.0
    u.kernels.project_pcs(u.particles, u.metric, weight, clock.a, u.packed, -u.projected_mean(clock.a), u.energies)
    spectral.paint_shifted(u.kernels, u.particles, u.energies, 1.0, -u.projected_mean(clock.a), u.shifted)
    u.source.copy_(u.packed[..., T00])
    modes = torch.empty_like(u.phi_modes)
    spectral.solve_potential(u.kernels, u.source, 1.0, 0.0, u.shifted, None, modes)
    return modes.mul_(k2)


def plain_density_modes(u: SpectralUniverse) -> Tensor:
    """Modes of the plain density of the particles, with the window removed."""
    return spectral.density_modes(u.kernels, u.particles, None, u.particles.mass * u.n**3, 0.0)


def synchronised(u: SpectralUniverse, clock: Clock) -> Particles:
    """The particles with momenta brought from half a step ago to now, in the present fields."""
    return _pulled(u, weights.synchronisation(clock) if clock.cycle else 0.0, clock.a)


def carried(u: SpectralUniverse, clock: Clock, a: float) -> tuple[Tensor, Tensor]:
    """Positions in units of the box and momenta, (3, P) float64, at a scale factor ``a`` close to that of this cycle.

    The present force acts on the momenta for the time since they were last updated; the positions move along them.
    """
    ahead = (a - clock.a) / (clock.a * clock.hubble)
    p = _pulled(u, ahead + (weights.synchronisation(clock) if clock.cycle else 0.0), clock.a)
    q = p.momentum.double()
    velocity = q / a
    if u.run.theory == "gr":
        at = u.kernels.read_pcs(u.particles, u.metric).double()
        energy = torch.sqrt(a**2 + torch.exp(2 * at[METRIC_PHI]) * (q**2).sum(0))
        velocity = torch.exp(at[METRIC_PSI] + 2 * at[METRIC_PHI]) * q / energy
    return torch.remainder(1.0 + u.particles.positions() + ahead * velocity, 1.0), q


def _pulled(u: SpectralUniverse, weight: float, a: float) -> Particles:
    """The particles after falling for a conformal time ``weight``: their momenta change, their positions do not."""
    p = u.particles
    if weight == 0.0:
        return p
    if u.run.theory == "newton":
        pull = a * u.kernels.read_pcs(p, u.vector)[:3]
    else:
        pull = fall(p.momentum, u.kernels.read_pcs(p, u.metric), a)
    return replace(p, momentum=p.momentum - weight * pull)
