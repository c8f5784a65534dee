"""Numba kernels: threads over slabs of the lattice, every sum in a fixed order."""

from weakfield.mesh.kernels.contract import KickDriftFields, SpectralSolvers, StaggeredSolvers
from weakfield.mesh.kernels.cpu import motion, solvers, spectral_fields
from weakfield.mesh.kernels.cpu.assignment import gradient, paint, read
from weakfield.mesh.kernels.cpu.hamiltonian import extrapolate, hamiltonian_source
from weakfield.mesh.kernels.cpu.motion import kick_drift_gr, kick_drift_newton
from weakfield.mesh.kernels.cpu.pcs_deposit import paint_pcs, project_pcs, project_t0i_pcs
from weakfield.mesh.kernels.cpu.pcs_motion import kick_drift_newton_pcs, kick_drift_pcs, read_pcs
from weakfield.mesh.kernels.cpu.projection import project_stress_energy, project_t0i
from weakfield.mesh.kernels.cpu.sources import pack_metric, phi_source, stress_divergence
from weakfield.mesh.kernels.cpu.spectral import (
    add_realisation,
    advance_b,
    divide_by_laplacian,
    solve_chi,
    transverse_part,
)
from weakfield.mesh.kernels.reference import stress_tensor

staggered_solvers: StaggeredSolvers | None = solvers
spectral_solvers: SpectralSolvers | None = spectral_fields
kick_drift_fields: KickDriftFields | None = motion.kick_drift_fields
