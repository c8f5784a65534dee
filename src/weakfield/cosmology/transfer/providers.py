"""Where transfer functions come from: the one place that names every provider."""

from __future__ import annotations

from importlib import import_module

from weakfield.config.cosmology import CosmologySettings
from weakfield.config.simulation import SimulationSettings
from weakfield.cosmology.transfer.tables import NoTransfer, TransferHistory

#: name in the settings -> module whose ``provide(settings, cosmology)`` returns a TransferHistory
PROVIDERS = {
    "camb": "weakfield.cosmology.transfer.camb",
    "class": "weakfield.cosmology.transfer.class_code",
    "eisenstein-hu": "weakfield.cosmology.transfer.eisenstein_hu",
    "file": "weakfield.cosmology.transfer.class_table",
}


def transfer_history(settings: SimulationSettings, cosmology: CosmologySettings) -> TransferHistory:
    """The transfer functions that ``settings.transfer`` asks for, covering the box and the initial redshift."""
    if settings.initial_conditions == "snapshot" and not settings.linear_radiation:
        return NoTransfer("the initial conditions are read from a snapshot")
    if settings.transfer == "spectrum":
        return NoTransfer("the initial conditions are made from the power spectrum of matter alone")
    history: TransferHistory = import_module(PROVIDERS[settings.transfer]).provide(settings, cosmology)
    return history
