"""Kernels in plain PyTorch: the definition of each kernel, for any device, differentiable where its arguments are."""

from weakfield.mesh.kernels.contract import KickDriftFields, SpectralSolvers, StaggeredSolvers
from weakfield.mesh.kernels.reference.assignment import gradient, paint, read
from weakfield.mesh.kernels.reference.hamiltonian import extrapolate, hamiltonian_source
from weakfield.mesh.kernels.reference.motion import kick_drift_gr, kick_drift_newton
from weakfield.mesh.kernels.reference.pcs import (
    kick_drift_newton_pcs,
    kick_drift_pcs,
    paint_pcs,
    project_pcs,
    project_t0i_pcs,
    read_pcs,
)
from weakfield.mesh.kernels.reference.projection import project_stress_energy, project_t0i
from weakfield.mesh.kernels.reference.sources import pack_metric, phi_source, stress_divergence, stress_tensor
from weakfield.mesh.kernels.reference.spectral import (
    add_realisation,
    advance_b,
    divide_by_laplacian,
    solve_chi,
    transverse_part,
)

staggered_solvers: StaggeredSolvers | None = None
spectral_solvers: SpectralSolvers | None = None
kick_drift_fields: KickDriftFields | None = None
