"""Numba kernels: threads over slabs of the lattice, every sum in a fixed order."""

from weakfield.mesh.kernels.cpu.assignment import gradient, paint, read
from weakfield.mesh.kernels.cpu.motion import kick_drift_gr, kick_drift_newton
from weakfield.mesh.kernels.cpu.projection import project_t0i, project_t00, project_tij
from weakfield.mesh.kernels.cpu.sources import phi_source, stress_divergence, stress_source
from weakfield.mesh.kernels.cpu.spectral import (
    add_realisation,
    advance_b,
    divide_by_laplacian,
    solve_chi,
    transverse_part,
)
from weakfield.mesh.kernels.cpu.triples import triple_sums

__all__ = [
    "add_realisation",
    "advance_b",
    "divide_by_laplacian",
    "gradient",
    "kick_drift_gr",
    "kick_drift_newton",
    "paint",
    "phi_source",
    "project_t0i",
    "project_t00",
    "project_tij",
    "read",
    "solve_chi",
    "stress_divergence",
    "stress_source",
    "transverse_part",
    "triple_sums",
]
