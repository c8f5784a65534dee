"""Initial conditions read from a snapshot: particles, and the metric they move in (EQUATIONS 10, 11)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.formats import Particles as StoredParticles
from weakfield.formats import load_field, load_gadget, load_particles
from weakfield.mesh import fft
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.particles import Particles
from weakfield.simulation.matter_start import poisson

#: a snapshot's header and the settings must state the same box, time and mass to this relative accuracy
_SAME = 1e-4
#: how far outside the box rounding may put a position, in units of the box
_BEYOND = 1e-6


@dataclass
class InitialState:
    """What a run starts from; where chi and B are not given they are computed from the particles.

    It is made in double precision and rounded to the precision of the run at the end, because B is a small difference
    of momenta.
    """

    particles: Particles
    phi: Tensor
    chi: Tensor | None = None
    b_modes: Tensor | None = None

    def to(self, device: torch.device) -> InitialState:
        """The same state on a device."""
        chi, b_modes = (None if field is None else field.to(device) for field in (self.chi, self.b_modes))
        return InitialState(self.particles.to(device), self.phi.to(device), chi, b_modes)

    def round_to(self, dtype: torch.dtype) -> None:
        """Round everything to a real precision, one array at a time: two copies of all would not fit in memory."""
        if self.b_modes is not None:
            self.b_modes = self.b_modes.to(fft.COMPLEX[dtype])
        self.particles.displacement = self.particles.displacement.to(dtype)
        self.particles.momentum = self.particles.momentum.to(dtype)
        self.phi = self.phi.to(dtype)
        if self.chi is not None:
            self.chi = self.chi.to(dtype)


def load_initial_state(run: RunSettings, background: Background, kernels: Kernels) -> InitialState:
    """Particles from ``particle_file`` and fields from ``metric_files`` (phi, chi, B), at the initial redshift.

    Momenta in an HDF5 file are early by half of ``particle_step``, those in a Gadget-2 file are not. GR needs phi;
    Newton solves for it from the particles. Raises ``BadInput`` naming a file of another box, mesh, time or mass.
    """
    if run.simulation.start != "linear":
        warnings.warn(
            f"start = '{run.simulation.start}' is ignored: the universe begins with what is read", stacklevel=2
        )
    settings = run.simulation
    assert settings.particle_file is not None  # the settings ask for it
    stored, early = _stored(run, settings.particle_file)
    stored = _numbered(_possible(stored, settings.particle_file), settings.particle_file)
    if abs(stored.mass * stored.ids.size / run.cosmology.Omega_m - 1.0) > _SAME:
        raise BadInput(
            f"{settings.particle_file} holds matter of Omega {stored.mass * stored.ids.size:.6g}, expected all of"
            f" {run.cosmology.Omega_m:.6g}"
        )
    particles = Particles.at_rest(
        settings.grid, np.mod(stored.positions, 1.0), stored.ids, run.cosmology.Omega_m / stored.ids.size, torch.float64
    )
    momenta = torch.from_numpy(stored.momenta.T.copy())
    particles.momentum.copy_(momenta[:, torch.searchsorted(torch.from_numpy(stored.ids.copy()), particles.ids)])
    a, n = 1.0 / (1.0 + settings.initial_redshift), settings.grid
    fields = [_field(path, n, 1 if i < 2 else 3).double() for i, path in enumerate(settings.metric_files)]
    if not fields and run.theory == "gr":
        raise BadInput(f"metric_files is empty, expected phi at z = {settings.initial_redshift:g}: GR starts from it")
    phi = fields[0] if fields else poisson(background, particles, kernels, a)
    chi = fields[1] if len(fields) > 1 else None
    _carry_on(run, particles, phi, chi, kernels, a, early)
    b_modes = fft.forward(fields[2] * (n * a**2)) / n**3 if len(fields) > 2 else None
    return InitialState(particles, phi, chi, b_modes)


def _stored(run: RunSettings, path: Path) -> tuple[StoredParticles, float]:
    """The particles of a file, sorted by ID, and the conformal time by which their momenta are early."""
    settings = run.simulation
    if h5py.is_hdf5(path):
        return load_particles(path), 0.5 * settings.particle_step
    snapshot = load_gadget(path)
    a = 1.0 / (1.0 + settings.initial_redshift)
    for name, found, expected in (
        ("scale factor", snapshot.scale_factor, a),
        ("box [Mpc/h]", snapshot.box_size_mpch, settings.box_size_mpch),
    ):
        if abs(found / expected - 1.0) > _SAME:
            raise BadInput(f"{path} has {name} {found:.6g}, expected {expected:.6g} as the settings say")
    return StoredParticles(snapshot.ids, snapshot.positions, snapshot.momenta, snapshot.particle_density), 0.0


def _possible(stored: StoredParticles, path: Path) -> StoredParticles:
    """The same particles; ``BadInput`` for positions outside the box, a momentum of c or more, or no mass."""
    low, high, fastest = stored.positions.min(), stored.positions.max(), np.abs(stored.momenta).max()
    if low < -_BEYOND or high > 1.0 + _BEYOND:
        raise BadInput(f"{path} holds positions from {low:g} to {high:g}, expected 0 to 1 in units of the box")
    if not fastest < 1.0:
        raise BadInput(f"{path} holds a momentum of {fastest:g}, expected below 1 in units of the speed of light")
    if not (np.isfinite(stored.mass) and stored.mass > 0.0):
        raise BadInput(f"{path} states {stored.mass:g} as the mass of a particle, expected above 0")
    return stored


def _numbered(stored: StoredParticles, path: Path) -> StoredParticles:
    """The same particles with unique IDs: if IDs repeat, particles are numbered as they stand, with a warning."""
    if (np.diff(stored.ids) > 0).all():
        return stored
    warnings.warn(f"{path} gives the same ID to several particles: they are numbered from 0 instead", stacklevel=3)
    return replace(stored, ids=np.arange(stored.ids.size, dtype=np.int64))


def _field(path: Path, n: int, components: int) -> Tensor:
    field, _ = load_field(path)
    shape = (n, n, n) if components == 1 else (components, n, n, n)
    if tuple(field.shape) != shape:
        raise BadInput(f"{path} holds a field of shape {tuple(field.shape)}, expected {shape}")
    return field


def _carry_on(
    run: RunSettings, particles: Particles, phi: Tensor, chi: Tensor | None, kernels: Kernels, a: float, early: float
) -> None:
    """Bring momenta to the time of the positions, so that the first kick is half a kick, as after a linear start."""
    if early == 0.0:
        return
    fall = kernels.gradient(particles, phi) * particles.grid
    if run.theory == "newton":
        particles.momentum -= early * a * fall
        return
    q2 = (particles.momentum**2).sum(0)
    energy = torch.sqrt(q2 + a**2)
    fall = fall * (1.0 + q2 / energy**2)
    if chi is not None:
        fall = fall - kernels.gradient(particles, chi) * particles.grid
    particles.momentum -= early * energy * fall
