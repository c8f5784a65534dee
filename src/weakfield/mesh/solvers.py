"""The two solutions and the motion that a cycle needs, from sources to fields in real space to particles moved
(EQUATIONS 5.1 to 5.3, 5.5, 6).

They are defined here by transforms and the kernels of a backend; if the backend has a version of its own that makes
fewer passes over memory, that one is used.
"""

from __future__ import annotations

from torch import Tensor

from weakfield.mesh import fft
from weakfield.mesh.kernels.contract import Addition, Dragging, Kernels, Poisson, StaggeredSolvers, Step
from weakfield.mesh.lattice import Lattice
from weakfield.mesh.particles import Particles


def solve_potential(
    kernels: Kernels, source: Tensor, modes: Tensor, lattice: Lattice, equation: Poisson, out: Tensor
) -> Tensor | float:
    """out = backward(factor (forward(source) + addition) / (K + shift)), unnormalised; returns the mode k = 0.

    ``source`` and ``out`` are (N, N, N), and ``modes`` (N, N, N//2+1) is work space.
    """
    if (fused := _fused(kernels, source)) is not None:
        return float(fused.solve_potential(source, modes, lattice, equation, out))
    factor, shift, clear_zero_mode, addition = equation
    fft.forward(source, out=modes)
    if addition is not None:
        kernels.add_realisation(*addition, modes)
    kernels.divide_by_laplacian(modes, lattice, factor, shift, clear_zero_mode)
    mean = modes[0, 0, 0].real.clone()  # becomes a number only when it is read, so that a GPU need not stop for it
    fft.backward(modes, lattice.n, out=out, normalised=False, overwrite=True)
    return mean


def solve_chi_and_b(
    kernels: Kernels,
    divergence: Tensor,
    modes: Tensor,
    lattice: Lattice,
    addition: Addition | None,
    chi: Tensor,
    b: Dragging | None,
) -> None:
    """chi, and B advanced in time, from trace and lattice divergence (4, N, N, N) of S_ij (EQUATIONS 5.2, 5.3).

    The rate of B is [W_i - kappa_i* (kappa W) / K] / K; ``b.out`` may be ``divergence[1:]``. Without ``b``, B stays as
    it is. ``addition`` is added to the modes of chi; ``modes`` (4, N, N, N//2+1) is work space.
    """
    if (fused := _fused(kernels, divergence)) is not None:
        fused.solve_chi_and_b(divergence, modes, lattice, addition, chi, b)
        return
    fft.forward(divergence, out=modes)
    if b is not None:
        kernels.advance_b(modes, lattice, b.now, b.modes)
        fft.backward(b.modes, lattice.n, out=b.out, normalised=False)
        if b.ahead:
            kernels.advance_b(modes, lattice, b.ahead, b.modes)
    kernels.solve_chi(modes, lattice, out=modes[0])
    if addition is not None:
        kernels.add_realisation(*addition, modes[0])
    fft.backward(modes[0], lattice.n, out=chi, normalised=False, overwrite=True)


def kick_drift_gr(
    kernels: Kernels, particles: Particles, phi: Tensor, chi: Tensor, b: Tensor, space: Tensor, step: Step
) -> None:
    """Move particles as ``kernels.kick_drift_gr`` does, from phi, chi (N, N, N) and Bhat (3, N, N, N).

    ``space`` (N, N, N, 8) is work space. Kernels that read the metric without storing all of it are used if present.
    """
    if kernels.kick_drift_fields is not None:
        kernels.kick_drift_fields(particles, phi, chi, b, space, step)
    else:
        kernels.kick_drift_gr(particles, kernels.pack_metric(phi, chi, b, space), step)


def _fused(kernels: Kernels, field: Tensor) -> StaggeredSolvers | None:
    """The backend's own solvers for this field, if it has any."""
    solvers = kernels.staggered_solvers
    return solvers if solvers is not None and solvers.takes(field.shape[-1]) else None
