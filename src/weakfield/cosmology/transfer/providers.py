"""Where transfer functions come from: the one place that names every provider."""

from __future__ import annotations

from importlib import import_module

from weakfield.config.cosmology import CosmologySettings
from weakfield.config.simulation import SimulationSettings
from weakfield.cosmology.transfer.tables import NoTransfer, SeparateStart, TransferHistory

#: name in the settings -> module whose ``provide(settings, cosmology)`` returns a TransferHistory
PROVIDERS = {
    "camb": "weakfield.cosmology.transfer.camb",
    "class": "weakfield.cosmology.transfer.class_code",
    "eisenstein-hu": "weakfield.cosmology.transfer.eisenstein_hu",
    "file": "weakfield.cosmology.transfer.class_table",
}


def transfer_history(settings: SimulationSettings, cosmology: CosmologySettings) -> TransferHistory:
    """The transfer functions that ``settings.transfer`` asks for, covering the box and the initial redshift."""
    through_time = settings.linear_radiation or (settings.linear_fluid and cosmology.has_fluid)
    if settings.initial_conditions == "snapshot" and not through_time:
        return NoTransfer("the initial conditions are read from a snapshot")
    if settings.transfer == "spectrum":
        return NoTransfer("the initial conditions are made from the power spectrum of matter alone")
    if settings.initial_conditions == "snapshot" and settings.transfer == "file":
        return _provided(settings.linear_transfer, settings, cosmology)
    history = _provided(settings.transfer, settings, cosmology)
    if settings.transfer == "file" and through_time:
        return SeparateStart(history, _provided(settings.linear_transfer, settings, cosmology))
    return history


def _provided(name: str, settings: SimulationSettings, cosmology: CosmologySettings) -> TransferHistory:
    history: TransferHistory = import_module(PROVIDERS[name]).provide(settings, cosmology)
    return history
