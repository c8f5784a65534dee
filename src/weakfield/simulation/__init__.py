"""Initial conditions, both theories of gravity, evolution, snapshots. The heavy parts load when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakfield.simulation.evolution import grow_member
    from weakfield.simulation.pair import grow_pair
    from weakfield.simulation.run import simulate

_HOMES = {"grow_member": "evolution", "grow_pair": "pair", "simulate": "run"}

__all__ = ["grow_member", "grow_pair", "simulate"]


def __getattr__(name: str) -> Any:
    """Import a function when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakfield.simulation' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"weakfield.simulation.{_HOMES[name]}"), name)
