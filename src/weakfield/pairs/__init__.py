"""Pairs of universes: growing them, alone or with many workers, and reading them. Modules load on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakfield.pairs.grow import grow_pairs, simulate
    from weakfield.pairs.grower import PairGrower, grow_pair
    from weakfield.pairs.manifest import Manifest
    from weakfield.pairs.pair import Pair, Pairs

_HOMES = {
    "Manifest": "manifest",
    "Pair": "pair",
    "PairGrower": "grower",
    "Pairs": "pair",
    "grow_pair": "grower",
    "grow_pairs": "grow",
    "simulate": "grow",
}

__all__ = ["Manifest", "Pair", "PairGrower", "Pairs", "grow_pair", "grow_pairs", "simulate"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakfield.pairs' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"weakfield.pairs.{_HOMES[name]}"), name)
