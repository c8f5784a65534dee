"""The growth-scaled difference cube, in which the linear field common to both times cancels."""

from __future__ import annotations

from torch import Tensor

from weakfield.config import CosmologySettings
from weakfield.cosmology import potential_growth


def growth_scaled_difference(
    phi_early: Tensor, z_early: float, phi_late: Tensor, z_late: float, cosmology: CosmologySettings
) -> Tensor:
    """Phi(z1)/D_Phi(z1) - Phi(z2)/D_Phi(z2) with D_Phi = (1+z) D, dimensionless, of the shape of the fields.

    Float64 throughout, because the difference is a few per cent of its terms. The redshifts are those of the fields
    themselves, not the requested ones.
    """
    early, late = (float(potential_growth(cosmology, z)) for z in (z_early, z_late))
    return phi_early.double() / early - phi_late.double() / late
