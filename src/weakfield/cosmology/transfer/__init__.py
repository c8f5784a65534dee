"""Linear transfer functions and their providers."""

from weakfield.cosmology.transfer.class_table import read_class_table
from weakfield.cosmology.transfer.providers import PROVIDERS, transfer_history
from weakfield.cosmology.transfer.tables import (
    SingleRedshift,
    SplinedHistory,
    TransferFunctions,
    TransferHistory,
    box_wavenumbers,
)

__all__ = [
    "PROVIDERS",
    "SingleRedshift",
    "SplinedHistory",
    "TransferFunctions",
    "TransferHistory",
    "box_wavenumbers",
    "read_class_table",
    "transfer_history",
]
