"""weakfield: Einstein or Newton? Paired universes, their spectra, and networks that tell them apart.

The functions here are the stable surface; importing the package loads neither PyTorch nor Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weakfield._version import __version__

if TYPE_CHECKING:
    from weakfield.config import StudyConfig
    from weakfield.formats import load_field
    from weakfield.pairs import simulate
    from weakfield.simulation.in_memory import Simulation
    from weakfield.spectra import bispectrum, paired_ratio, power_spectrum
    from weakfield.spectra.theory.fields import relativistic_potential

_HOMES = {
    "Simulation": "weakfield.simulation.in_memory",
    "StudyConfig": "weakfield.config",
    "bispectrum": "weakfield.spectra",
    "load_field": "weakfield.formats",
    "paired_ratio": "weakfield.spectra",
    "power_spectrum": "weakfield.spectra",
    "relativistic_potential": "weakfield.spectra.theory.fields",
    "simulate": "weakfield.pairs",
}

__all__ = [
    "Simulation",
    "StudyConfig",
    "__version__",
    "bispectrum",
    "load_field",
    "paired_ratio",
    "power_spectrum",
    "relativistic_potential",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Load a public function when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakfield' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The stable surface."""
    return sorted(__all__)
