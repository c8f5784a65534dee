"""A universe on the spectral mesh at its initial redshift."""

from __future__ import annotations

import warnings

from torch import Tensor

from weakfield.config import RunSettings
from weakfield.cosmology import Background
from weakfield.cosmology.transfer import TransferHistory
from weakfield.mesh import fft, spectral
from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.packed import PACKED
from weakfield.simulation.radiation import LinearRadiation
from weakfield.simulation.realisation import Realisation
from weakfield.simulation.spectral.start import SpectralInitialState, spectral_initial_state
from weakfield.simulation.spectral.stress import constrained_b
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.study_cache import StudyCache
from weakfield.simulation.universe import DTYPES


def spectral_universe(
    run: RunSettings,
    background: Background,
    history: TransferHistory,
    realisation: Realisation,
    kernels: Kernels,
    backend: str | None,
    shared: StudyCache,
) -> SpectralUniverse:
    """Particles, phi, chi and B, made in double precision and rounded at the end to the precision of the run."""
    if run.simulation.transfer == "eisenstein-hu" and run.cosmology.Omega_r > 0:
        warnings.warn(
            f"transfer 'eisenstein-hu' has no radiation but Omega_r is {run.cosmology.Omega_r:.2g}: the"
            " theories differ at first order then, by 1e-3 of phi; expected t_cmb_kelvin = 0 beside it",
            stacklevel=2,
        )
    radiation, linear_steps = None, None
    if run.linear_fields:
        radiation = LinearRadiation(run, background, history, realisation, shared.tables)
        linear_steps = shared.linear_steps(run)
    start = spectral_initial_state(run, background, history, realisation, kernels, shared, radiation)
    kind = DTYPES[run.simulation.precision]
    b_modes = _b(run, background, kernels, start)
    particles, modes = start.particles, fft.COMPLEX[kind]
    if kernels.spectral_solvers is not None:
        spectral.continuum(realisation.n, realisation.unit.device).forget()  # only the start needs them there
    particles.displacement, particles.momentum = particles.displacement.to(kind), particles.momentum.to(kind)
    return SpectralUniverse(
        run=run,
        background=background,
        particles=particles,
        phi=spectral.field_of(start.phi, realisation.n).to(kind),
        chi=spectral.field_of(start.chi, realisation.n).to(kind),
        b_modes=b_modes.to(modes),
        realisation=realisation,
        history=history,
        radiation=radiation,
        linear_steps=linear_steps,
        backend=backend,
        phi_modes=start.phi.to(modes),
        chi_modes=start.chi.to(modes),
        rate_modes=start.rate.to(modes),
        matched=start.matched,
    )


def _b(run: RunSettings, background: Background, kernels: Kernels, start: SpectralInitialState) -> Tensor:
    """Modes of a^2 B from the momentum constraint; in GR with the metric of the start."""
    n, metric = start.particles.grid, None
    if run.theory == "gr":
        packed = start.phi.real.new_empty((n, n, n, PACKED))
        metric = spectral.pack_metric(kernels, start.phi, start.chi, packed)
    return constrained_b(background, kernels, start.particles, metric)
