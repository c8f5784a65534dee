"""Frozen, validated settings with units; presets as TOML."""

from weakfield.config.cosmology import CosmologySettings
from weakfield.config.layout import Draw, Inverse, RunFolder
from weakfield.config.run_settings import OutputSettings, RunSettings
from weakfield.config.settings import Settings
from weakfield.config.simulation import THEORIES, SimulationSettings, Theory
from weakfield.config.study import StudyConfig, preset_names

__all__ = [
    "THEORIES",
    "CosmologySettings",
    "Draw",
    "Inverse",
    "OutputSettings",
    "RunFolder",
    "RunSettings",
    "Settings",
    "SimulationSettings",
    "StudyConfig",
    "Theory",
    "preset_names",
]
