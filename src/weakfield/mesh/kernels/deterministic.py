"""The Triton kernels with deposits that add in a fixed order: slower, but the same bits in every run on the same GPU.

Deposits are those of the reference kernels, whose ``index_add`` PyTorch sorts when it is told to be deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from weakfield.mesh.kernels import reference
from weakfield.mesh.kernels.cuda import (
    add_realisation,
    advance_b,
    divide_by_laplacian,
    extrapolate,
    gradient,
    hamiltonian_source,
    kick_drift_fields,
    kick_drift_gr,
    kick_drift_newton,
    kick_drift_newton_pcs,
    kick_drift_pcs,
    pack_metric,
    phi_source,
    read,
    read_pcs,
    solve_chi,
    spectral_solvers,
    staggered_solvers,
    stress_divergence,
    stress_tensor,
    transverse_part,
)
from weakfield.mesh.particles import Particles


@contextmanager
def _in_order() -> Iterator[None]:
    """Use PyTorch's deterministic algorithms inside the block."""
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)


def paint(
    particles: Particles,
    weight: Tensor | None = None,
    scale: float = 1.0,
    out: Tensor | None = None,
    start: float = 0.0,
) -> Tensor:
    """See ``reference.assignment.paint``."""
    with _in_order():
        return reference.paint(particles, weight, scale, out, start)


def project_stress_energy(
    particles: Particles,
    phi: Tensor,
    potential: Tensor | None,
    weight: float,
    a: float,
    second_order: bool,
    out: Tensor,
    start: float = 0.0,
) -> Tensor:
    """See ``reference.projection.project_stress_energy``."""
    with _in_order():
        return reference.project_stress_energy(particles, phi, potential, weight, a, second_order, out, start)


def project_t0i(particles: Particles, phi: Tensor, out: Tensor) -> Tensor:
    """See ``reference.projection.project_t0i``."""
    with _in_order():
        return reference.project_t0i(particles, phi, out)


def paint_pcs(
    particles: Particles,
    weight: Tensor | None = None,
    scale: float = 1.0,
    out: Tensor | None = None,
    start: float = 0.0,
    shift: float = 0.0,
) -> Tensor:
    """See ``reference.pcs.paint_pcs``."""
    with _in_order():
        return reference.paint_pcs(particles, weight, scale, out, start, shift)


def project_pcs(
    particles: Particles,
    metric: Tensor | None,
    weight: float,
    a: float,
    out: Tensor,
    start: float = 0.0,
    energies: Tensor | None = None,
) -> Tensor:
    """See ``reference.pcs.project_pcs``."""
    with _in_order():
        return reference.project_pcs(particles, metric, weight, a, out, start, energies)


def project_t0i_pcs(particles: Particles, metric: Tensor | None, out: Tensor) -> Tensor:
    """See ``reference.pcs.project_t0i_pcs``."""
    with _in_order():
        return reference.project_t0i_pcs(particles, metric, out)
