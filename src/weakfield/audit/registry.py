"""The controls by name: a file in ``controls/`` with a ``CONTROL`` each, and a name in ``config.audit``."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from weakfield.audit.contract import Control
from weakfield.base.errors import BadInput, nearest
from weakfield.config import StudyConfig
from weakfield.config.audit import DEFAULT_CONTROLS, FULL_CONTROLS

CONTROLS = (*DEFAULT_CONTROLS, *FULL_CONTROLS)


def find_control(name: str) -> Control:
    """The control of that name; ``BadInput`` for an unknown one."""
    if name not in CONTROLS:
        raise BadInput(
            f"audit.controls holds '{name}', expected some of {', '.join(CONTROLS)}" + nearest(name, CONTROLS)
        )
    return cast(Control, import_module(f"weakfield.audit.controls.{name}").CONTROL)


def chosen(study: StudyConfig) -> tuple[str, ...]:
    """The controls of a study, each once, in order."""
    settings = study.audit
    return tuple(dict.fromkeys((*settings.controls, *(settings.full_controls if settings.full else ()))))


def granted(study: StudyConfig) -> dict[str, int]:
    """Retrainings that the budget leaves to each control of a study, in order: a share depends on settings alone."""
    left, shares = study.audit.retrainings, {}
    for name in chosen(study):
        control = find_control(name)
        needed = control.needs(study)
        share = needed if study.audit.full else min(needed, left)
        shares[name] = share if share >= control.least else 0
        left -= shares[name]
    return shares
