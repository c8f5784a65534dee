"""Many pairs on many workers: claims, a journal, one task a pair by Dask, what is seen of it. Dask loads when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakfield.campaign.run import grow_pairs

_HOMES = {"grow_pairs": "run"}

__all__ = ["grow_pairs"]


def __getattr__(name: str) -> Any:
    """Import a function when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakfield.campaign' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"weakfield.campaign.{_HOMES[name]}"), name)
