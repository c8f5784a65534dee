"""Motion of particles in the metric on the mesh (EQUATIONS 6)."""

from __future__ import annotations

from torch import Tensor

from weakfield.mesh.kernels.contract import Kernels
from weakfield.mesh.particles import Particles


def kick_drift_gr(
    kernels: Kernels,
    particles: Particles,
    phi: Tensor,
    chi: Tensor,
    b: Tensor,
    space: Tensor,
    a: float,
    a_half: float,
    kick: float,
    drift: float,
    second_order: bool,
    kick_dragging: bool,
    drift_metric: bool,
) -> None:
    """Move particles as ``kernels.kick_drift_gr`` does, from phi, chi (N, N, N) and Bhat (3, N, N, N).

    ``space`` (N, N, N, 8) is work space. Kernels that read the metric without storing all of it are used if present.
    """
    numbers = (a, a_half, kick, drift, second_order, kick_dragging, drift_metric)
    if kernels.kick_drift_fields is not None:
        kernels.kick_drift_fields(particles, phi, chi, b, space, *numbers)
    else:
        kernels.kick_drift_gr(particles, kernels.pack_metric(phi, chi, b, space), *numbers)
