"""What the spectra should be by linear, non-linear and tree-level theory, averaged over the measured modes."""

from weakfield.spectra.theory.bispectrum import (
    chi_kernel,
    matter_bispectrum,
    newtonian_kernel,
    potential_bispectrum,
    relativistic_kernel,
    started_kernel,
    tree_level,
)
from weakfield.spectra.theory.linear import LinearTheory
from weakfield.spectra.theory.triangles import TriangleAverages, shell_mean

__all__ = [
    "LinearTheory",
    "TriangleAverages",
    "chi_kernel",
    "matter_bispectrum",
    "newtonian_kernel",
    "potential_bispectrum",
    "relativistic_kernel",
    "shell_mean",
    "started_kernel",
    "tree_level",
]
