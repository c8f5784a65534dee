"""The two solutions a cycle needs, from sources in real space to fields in real space (EQUATIONS 5.1 to 5.3, 5.5).

Defined here by transforms and the kernels of a backend; a backend that does it in fewer passes over memory is asked
first.
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

    ``source`` and ``out`` (N, N, N), ``modes`` (N, N, N//2+1) work space. ``clear_zero_mode`` sets the mode k = 0 to 0,
    and has to where shift = 0.
    """
    if (fused := _fused(kernels, source)) is not None:
        return float(fused.solve_potential(source, modes, lattice, factor, shift, clear_zero_mode, addition, out))
    fft.forward(source, out=modes)
    if addition is not None:
        kernels.add_realisation(*addition, modes)
    kernels.divide_by_laplacian(modes, lattice, factor, shift, clear_zero_mode)
    mean = modes[0, 0, 0].real.clone()  # a number when somebody reads it: a GPU need not stop for it
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
    """chi, and B moved on by ``now``, from trace and lattice divergence (4, N, N, N) of S_ij (EQUATIONS 5.2, 5.3).

    ``now`` and ``ahead`` are increments per rate W_i - kappa_i* (kappa W) / K over K: ``b`` (3, N, N, N) is Bhat after
    ``now``, ``b_modes`` is left after ``now + ahead``, the rest of the coming step (EQUATIONS 15.5). Without ``b``,
    which may be ``divergence[1:]``, B stays as it is. ``addition`` is added to the modes of chi; ``modes``
    (4, N, N, N//2+1) is work space.
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
    """The backend's own solvers for this field, where there are any."""
    solvers = kernels.staggered_solvers
    return solvers if solvers is not None and solvers.takes(field.shape[-1]) else None
