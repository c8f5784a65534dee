"""Initial conditions read from a snapshot: particles, and the metric they move in (EQUATIONS 10, 11)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.formats import Particles as StoredParticles
from weakfield.formats import load_field, load_gadget, load_particles
from weakfield.formats.hdf5 import is_hdf5
from weakfield.mesh import fft
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.particles import Particles
from weakfield.simulation.matter_start import poisson
from weakfield.simulation.species import Species

#: a snapshot's header and the settings must state the same box, time and mass to this relative accuracy
_SAME = 1e-4
#: and the same density parameters and h to this; other programs leave radiation out of Omega_Lambda
_SAME_COSMOLOGY = 1e-3
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
    others: tuple[Species, ...] = ()

    def to(self, device: torch.device) -> InitialState:
        """The same state on a device."""
        chi, b_modes = (None if field is None else field.to(device) for field in (self.chi, self.b_modes))
        return InitialState(self.particles.to(device), self.phi.to(device), chi, b_modes)

    def round_to(self, dtype: torch.dtype) -> None:
        """Round everything to a real precision, one array at a time: two copies of all would not fit in memory."""
        if self.b_modes is not None:
            self.b_modes = self.b_modes.to(fft.COMPLEX[dtype])
        for particles in (self.particles, *(one.particles for one in self.others)):
            particles.displacement = particles.displacement.to(dtype)
            particles.momentum = particles.momentum.to(dtype)
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
    read = {name: _field(run, path, 3 if name == "B" else 1).double() for name, path in _metric_files(run).items()}
    if "phi" not in read and run.theory == "gr":
        raise BadInput(f"metric_files is empty, expected phi at z = {settings.initial_redshift:g}: GR starts from it")
    phi = read["phi"] if "phi" in read else poisson(background, [particles], kernels, a)
    if settings.restart_cycle is None:
        _carry_on(run, particles, phi, read.get("chi"), kernels, a, early)
    b_modes = fft.forward(read["B"] * (n * a**2)) / n**3 if "B" in read else None
    return InitialState(particles, phi, read.get("chi"), b_modes)


def _metric_files(run: RunSettings) -> dict[str, Path]:
    """The files of the metric by field; of a run that goes on those of which its state consists (EQUATIONS 24)."""
    settings = run.simulation
    names: tuple[str, ...] = ("phi", "chi", "B")
    if settings.restart_cycle is None:
        return dict(zip(names, settings.metric_files, strict=False))
    names = (("phi", "chi") if run.theory == "gr" else ()) + (("B",) if settings.vector_method == "parabolic" else ())
    given = settings.metric_files
    if settings.vector_method == "elliptic":  # which gives B anew
        given = given[: len(names)]
    if len(given) != len(names):
        raise BadInput(
            f"metric_files has {len(given)} files, expected {', '.join(names)}: the run goes on after cycle"
            f" {settings.restart_cycle}"
        )
    return dict(zip(names, given, strict=True))


def _stored(run: RunSettings, path: Path) -> tuple[StoredParticles, float]:
    """The particles of a file, sorted by ID, and the conformal time by which their momenta are early."""
    settings = run.simulation
    if is_hdf5(path):
        return load_particles(path), 0.5 * settings.particle_step
    if settings.restart_cycle is not None:
        raise BadInput(f"{path} is no HDF5 file, expected the particles that a run left after a cycle")
    snapshot = load_gadget(path)
    _check_stated(run, path, "scale factor", snapshot.scale_factor)
    _check_stated(run, path, "box [Mpc/h]", snapshot.box_size_mpch)
    for name in ("Omega_m", "Omega_lambda", "h"):
        found = getattr(snapshot, name.lower())
        if found != 0.0:  # programs that do not need it leave it 0
            _check_stated(run, path, name, found, _SAME_COSMOLOGY)
    return StoredParticles(snapshot.ids, snapshot.positions, snapshot.momenta, snapshot.particle_density), 0.0


def _check_stated(run: RunSettings, path: Path, name: str, found: float, within: float = _SAME) -> None:
    """Raise ``BadInput`` if a file states another scale factor, box or cosmology than the settings."""
    settings = run.simulation
    known = {"scale factor": 1.0 / (1.0 + settings.initial_redshift), "box [Mpc/h]": settings.box_size_mpch}
    expected = known[name] if name in known else getattr(run.cosmology, name)
    if not abs(found - expected) <= within * abs(expected):
        raise BadInput(f"{path} has {name} {found:.6g}, expected {expected:.6g} as the settings say")


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


def _field(run: RunSettings, path: Path, components: int) -> Tensor:
    """A field of the metric; ``BadInput`` if it is of another mesh, box or time, or not weak."""
    field, about = load_field(path)
    n = run.simulation.grid
    shape = (n, n, n) if components == 1 else (components, n, n, n)
    if tuple(field.shape) != shape:
        raise BadInput(f"{path} holds a field of shape {tuple(field.shape)}, expected {shape}")
    # the reference program's files do not say; and a Gadget-2 snapshot may be up to a step away from the fields
    if "scale_factor" in about:
        _check_stated(run, path, "scale factor", float(about["scale_factor"]), run.simulation.step_limit_hubble)
    if "box_size_mpch" in about:
        _check_stated(run, path, "box [Mpc/h]", float(about["box_size_mpch"]))
    largest = float(field.abs().max())
    if not largest < 1.0:
        raise BadInput(f"{path} holds values up to {largest:g}, expected a weak field, below 1")
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
