"""Background, growth, primordial spectrum, transfer functions."""

from weakfield.cosmology.background import Background
from weakfield.cosmology.growth import (
    SecondOrderGrowth,
    early_potential_growth,
    growth_factor,
    growth_rate,
    potential_growth,
    second_order_growth,
)
from weakfield.cosmology.primordial import amplitude, primordial_power
from weakfield.cosmology.splines import NaturalSpline, natural_spline
from weakfield.cosmology.transfer import TransferFunctions, TransferHistory, transfer_history

__all__ = [
    "Background",
    "NaturalSpline",
    "SecondOrderGrowth",
    "TransferFunctions",
    "TransferHistory",
    "amplitude",
    "early_potential_growth",
    "growth_factor",
    "growth_rate",
    "natural_spline",
    "potential_growth",
    "primordial_power",
    "second_order_growth",
    "transfer_history",
]
