"""Linear transfer functions and their providers."""

from weakfield.cosmology.transfer.class_table import read_class_table
from weakfield.cosmology.transfer.matter_power import read_matter_power
from weakfield.cosmology.transfer.providers import PROVIDERS, transfer_history
from weakfield.cosmology.transfer.tables import (
    NoTransfer,
    SeparateStart,
    SingleRedshift,
    SplinedHistory,
    TransferFunctions,
    TransferHistory,
    box_wavenumbers,
    of_the_start,
)

__all__ = [
    "PROVIDERS",
    "NoTransfer",
    "SeparateStart",
    "SingleRedshift",
    "SplinedHistory",
    "TransferFunctions",
    "TransferHistory",
    "box_wavenumbers",
    "of_the_start",
    "read_class_table",
    "read_matter_power",
    "transfer_history",
]
