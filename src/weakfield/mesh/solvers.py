"""The two solutions that a cycle needs, from sources to fields in real space (EQUATIONS 5.1 to 5.3, 5.5).

They are defined here by transforms and the kernels of a backend; if the backend has a version of its own that makes
fewer passes over memory, that one is used.
"""

from __future__ import annotations

from torch import Tensor

from weakfield.mesh import fft
from weakfield.mesh.kernels.contract import Addition, Kernels, StaggeredSolvers
from weakfield.mesh.lattice import Lattice


def solve_potential(
    kernels: Kernels,
    source: Tensor,
    modes: Tensor,
    lattice: Lattice,
    factor: float,
    shift: float,
    clear_zero_mode: bool,
    addition: Addition | None,
    out: Tensor,
) -> Tensor | float:
    """out = backward(factor (forward(source) + addition) / (K + shift)), unnormalised; returns the mode k = 0.

    ``source`` and ``out`` are (N, N, N), and ``modes`` (N, N, N//2+1) is work space. ``clear_zero_mode`` sets the mode
    k = 0 to 0, which is required where shift = 0.
    """
    if (fused := _fused(kernels, source)) is not None:
        return float(fused.solve_potential(source, modes, lattice, factor, shift, clear_zero_mode, addition, out))
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
    b_modes: Tensor,
    now: float,
    ahead: float,
    addition: Addition | None,
    chi: Tensor,
    b: Tensor | None,
) -> None:
    """chi, and B advanced by ``now``, from trace and lattice divergence (4, N, N, N) of S_ij (EQUATIONS 5.2, 5.3).

    ``now`` and ``ahead`` are the increments of B per unit of its rate, [W_i - kappa_i* (kappa W) / K] / K. ``b``
    (3, N, N, N), which may be ``divergence[1:]``, becomes Bhat after ``now``; ``b_modes`` become those after
    ``now + ahead``, where ``ahead`` is a part of the coming step (EQUATIONS 15.5). Without ``b``, B stays as it is.
    ``addition`` is added to the modes of chi; ``modes`` (4, N, N, N//2+1) is work space.
    """
    if (fused := _fused(kernels, divergence)) is not None:
        fused.solve_chi_and_b(divergence, modes, lattice, b_modes, now, ahead, addition, chi, b)
        return
    fft.forward(divergence, out=modes)
    if b is not None:
        kernels.advance_b(modes, lattice, now, b_modes)
        fft.backward(b_modes, lattice.n, out=b, normalised=False)
        if ahead:
            kernels.advance_b(modes, lattice, ahead, b_modes)
    kernels.solve_chi(modes, lattice, out=modes[0])
    if addition is not None:
        kernels.add_realisation(*addition, modes[0])
    fft.backward(modes[0], lattice.n, out=chi, normalised=False, overwrite=True)


def _fused(kernels: Kernels, field: Tensor) -> StaggeredSolvers | None:
    """The backend's own solvers for this field, if it has any."""
    solvers = kernels.staggered_solvers
    return solvers if solvers is not None and solvers.takes(field.shape[-1]) else None
