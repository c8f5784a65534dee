"""Triton kernels for tensors on a GPU, or on a CPU in Triton's interpreter (``TRITON_INTERPRET=1``), which is slow.

Deposits are atomic, so that sums agree with the reference to rounding but not bit by bit.
"""

from weakfield.mesh.kernels.contract import KickDriftFields, SpectralSolvers, StaggeredSolvers
from weakfield.mesh.kernels.cuda.assignment import gradient, paint, read
from weakfield.mesh.kernels.cuda.motion import kick_drift_gr, kick_drift_newton
from weakfield.mesh.kernels.cuda.pcs import (
    kick_drift_newton_pcs,
    kick_drift_pcs,
    paint_pcs,
    project_pcs,
    project_t0i_pcs,
    read_pcs,
)
from weakfield.mesh.kernels.cuda.projection import project_stress_energy, project_t0i
from weakfield.mesh.kernels.cuda.sources import pack_metric, phi_source, stress_divergence
from weakfield.mesh.kernels.cuda.spectral import (
    add_realisation,
    advance_b,
    divide_by_laplacian,
    solve_chi,
    transverse_part,
)
from weakfield.mesh.kernels.reference import extrapolate, hamiltonian_source, stress_tensor

staggered_solvers: StaggeredSolvers | None = None
spectral_solvers: SpectralSolvers | None = None
kick_drift_fields: KickDriftFields | None = None
