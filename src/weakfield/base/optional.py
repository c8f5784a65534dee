"""Packages that only some installations have: those of the extras in ``pyproject.toml``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from weakfield.base.errors import BadInput


@contextmanager
def from_extra(extra: str, purpose: str) -> Iterator[None]:
    """Wrap the imports of an extra: if a package is missing, ``BadInput`` says how to install it.

    ``with from_extra("learn", "explain.methods"): from captum.attr import Saliency``; ``purpose`` names what needs it.
    """
    try:
        yield
    except ImportError as error:
        raise BadInput(f"{purpose} needs what is not installed ({error}): pip install 'weakfield[{extra}]'") from error


def require(package: str, extra: str, purpose: str) -> None:
    """Raise the same error before any work is done, without importing the ``package``."""
    with from_extra(extra, purpose):
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named '{package}'")
