"""The controls by name. A new one is a file in ``controls/`` with a ``CONTROL`` and a line below."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from weakfield.audit.contract import Control
from weakfield.base.errors import BadInput, nearest

CONTROLS = (
    "labels_shuffled",
    "monopole_only",
    "monopole_removed",
    "newton_newton",
    "log_pk_baseline",
)


def find_control(name: str) -> Control:
    """The control of that name; ``BadInput`` for an unknown one."""
    if name not in CONTROLS:
        raise BadInput(
            f"audit.controls holds '{name}', expected some of {', '.join(CONTROLS)}" + nearest(name, CONTROLS)
        )
    return cast(Control, import_module(f"weakfield.audit.controls.{name}").CONTROL)
