"""Fields and particles of a universe as they are written (EQUATIONS 10)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from weakfield.formats import GadgetSnapshot
from weakfield.formats import Particles as StoredParticles
from weakfield.mesh import fft
from weakfield.mesh.packed import PACKED, STORED, T00
from weakfield.mesh.particles import Particles
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import stress_factor, tensor_modes
from weakfield.simulation.species import Species, add_density, add_momentum
from weakfield.simulation.spectral.fields import carried, spectral_field
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe


def snapshot_field(universe: Universe, clock: Clock, name: str) -> Tensor:
    """A field as it is written: B and h_ij in their own units; T00, T0i ("p") and T_ij projected with the present phi.

    In either theory "rhoN" is the plain density of the particles and "psiN" is its Newtonian potential.
    """
    u = universe
    if isinstance(u, SpectralUniverse):
        return spectral_field(u, clock, name)
    if name == "phi":
        return u.phi
    if name == "chi":
        return u.chi
    if name == "v":
        assert u.velocity is not None  # measured in every cycle of a run that writes it
        return u.velocity
    if name == "B":
        return u.b / (clock.a**2 * u.n)
    if name == "rhoN" or (name == "T00" and u.run.theory == "newton"):
        density: Tensor = u.kernels.paint(u.particles, None, u.particles.mass * u.n**3)
        return add_density(u.kernels, u.others, density)
    if name == "psiN":
        modes = fft.forward(snapshot_field(u, clock, "rhoN"))
        u.kernels.divide_by_laplacian(modes, u.lattice, -u.background.four_pi_G / (clock.a * u.n**3), 0.0, True)
        return fft.backward(modes, u.n, normalised=False)
    if name == "p":
        momentum: Tensor = u.kernels.project_t0i(u.particles, u.phi, u.phi.new_empty((3, *u.phi.shape)))
        return add_momentum(u.kernels, [one.particles for one in u.others], u.phi, momentum)
    if name == "T00":
        return projected(u, clock.a)[..., T00].clone()
    if name == "Tij":
        packed = projected(u, clock.a)
        return torch.stack([packed[..., field] for field in STORED])
    if name == "hij":
        stress = u.kernels.stress_tensor(u.packed, u.phi, stress_factor(u, clock.a))
        return fft.backward(tensor_modes(stress, u.lattice), u.n, normalised=False)
    raise ValueError(f"no field named {name}")


def projected(universe: Universe, a: float) -> Tensor:
    """Stress-energy of the particles with the present phi, (N, N, N, 8), packed as in ``mesh.packed``."""
    u, shape = universe, (*universe.phi.shape, PACKED)
    second = u.run.simulation.second_order_terms
    packed: Tensor | None = None
    for one in u.species:
        added = u.kernels.project_stress_energy(one.particles, u.phi, None, 0.0, a, second, u.phi.new_empty(shape))
        packed = added if packed is None else packed.add_(added)
    assert packed is not None
    return packed


def coarsened(field: Tensor, factor: int) -> Tensor:
    """Means over blocks of r = ``factor`` cells a side: (..., N, N, N) becomes (..., N/r, N/r, N/r)."""
    if factor == 1:
        return field
    m = field.shape[-1] // factor
    blocks = field.reshape(*field.shape[:-3], m, factor, m, factor, m, factor)
    return blocks.mean(dim=(-5, -3, -1))


def stored_particles(p: Particles, tracer_factor: int = 1, relativistic: bool = False) -> StoredParticles:
    """Particles whose ID is a multiple of ``tracer_factor``, sorted by ID, with positions in units of the box."""
    order = _kept(p.ids, tracer_factor)
    return StoredParticles(
        ids=p.ids.cpu().numpy()[order],
        positions=p.positions().cpu().numpy().T[order],
        momenta=p.momentum.double().cpu().numpy().T[order],
        mass=p.mass,
        relativistic=relativistic,
    )


def gadget_snapshot(universe: Universe, clock: Clock, target: float, species: Species | None = None) -> GadgetSnapshot:
    """Particles carried from this cycle to the redshift ``target`` of the snapshot, with momenta at the same time.

    They are those of one ``species``, cold dark matter if none is named.

    If steps land on the outputs, the positions stay as they are.
    """
    u, species = universe, universe.species[0] if species is None else species
    p = species.particles
    a = 1.0 / (1.0 + target)
    if isinstance(u, SpectralUniverse):
        positions, momenta = carried(u, clock, a)
    else:
        positions, momenta = _carried(u, p, clock, a)
    order = _kept(p.ids, species.tracer_factor)
    box, cosmology = u.run.simulation.box_size_mpch, u.run.cosmology
    return GadgetSnapshot(
        ids=p.ids.cpu().numpy()[order],
        positions=positions.cpu().numpy().T[order],
        momenta=momenta.cpu().numpy().T[order],
        particle_density=p.mass * u.run.simulation.tracer_factor,  # a tracer stands for so many
        scale_factor=a,
        box_size_mpch=box,
        omega_m=cosmology.Omega_m,
        omega_lambda=cosmology.Omega_lambda,
        h=cosmology.h,
    )


def gadget_parts(universe: Universe, species: Species) -> list[np.ndarray]:
    """Which particles of ``gadget_snapshot`` of a species each file has, if it is written as several (EQUATIONS 21).

    File j of m has those whose cell, in this cycle, lies in the j-th slab in y, cell by cell with x fastest, and by ID
    within a cell.
    """
    u, p = universe, species.particles
    files = u.run.simulation.gadget_files
    kept = _kept(p.ids, species.tracer_factor)
    x, y, z = np.floor(p.positions().cpu().numpy()[:, kept] * u.n).astype(np.int64)
    order = np.argsort((z * u.n + y) * u.n + x, kind="stable")
    file = y[order] * files // u.n
    return [order[file == j] for j in range(files)]


def _carried(u: Universe, p: Particles, clock: Clock, a: float) -> tuple[Tensor, Tensor]:
    """Positions in units of the box and momenta, (3, P) float64, at scale factor ``a``, on the staggered mesh.

    x += dt (q/E) [1 + (4 - (q^2 + E^2)/E^2) phi], q -= (dt + half the step before) (q^2 + E^2)/E grad(phi), with
    dt = (a_t - a) / (a H) and E at a_t, in either theory.
    """
    ahead = (a - clock.a) / (clock.a * clock.hubble)
    q = p.momentum.double()
    q2 = (q**2).sum(0)
    e2 = q2 + a**2
    energy = torch.sqrt(e2)
    phi = u.kernels.read(p, u.phi).double()
    shift = ahead * (q / energy) * (1.0 + (4.0 - (q2 + e2) / e2) * phi)
    fall = (ahead + 0.5 * clock.previous_step) * (q2 + e2) / energy
    momenta = q - fall * u.n * u.kernels.gradient(p, u.phi).double()
    return torch.remainder(1.0 + p.positions() + shift, 1.0), momenta


def _kept(ids: Tensor, tracer_factor: int) -> np.ndarray:
    """Indices of the particles to write, in the order of their IDs."""
    numbers = ids.cpu().numpy()
    order = np.argsort(numbers)
    kept: np.ndarray = order[numbers[order] % tracer_factor == 0]
    return kept
