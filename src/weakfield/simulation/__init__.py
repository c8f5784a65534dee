"""Initial conditions, both theories of gravity, evolution, and the output of one run. Loaded when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakfield.simulation.evolution import grow_member

_HOMES = {"grow_member": "evolution"}

__all__ = ["grow_member"]


def __getattr__(name: str) -> Any:
    """Import a function when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakfield.simulation' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"weakfield.simulation.{_HOMES[name]}"), name)
