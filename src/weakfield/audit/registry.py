"""The controls by name: those of ``controls/``, and those of users, named ``module:NAME``."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from weakfield.audit.contract import Control
from weakfield.base.errors import BadInput, nearest
from weakfield.base.plugins import Expected, is_plugin, load_plugin, source_hash
from weakfield.config import StudyConfig
from weakfield.config.audit import DEFAULT_CONTROLS, FULL_CONTROLS

CONTROLS = (*DEFAULT_CONTROLS, *FULL_CONTROLS)
#: files of ``controls/``, each of which lists several controls in its ``CONTROLS``
FAMILIES = (
    "training",
    "bands",
    "power",
    "information",
    "amplitudes",
    "values",
    "rounding",
    "first_order",
    "other_universes",
)
OWN_CONTROL = Expected("audit.controls", "a weakfield.audit.Control", lambda found: isinstance(found, Control))
#: names of files in ``audit/`` that do not belong to controls
RESERVED = ("audit", "stage", "started")


@cache
def known_controls() -> dict[str, Control]:
    """Every control of ``controls/`` by its name."""
    families = (import_module(f"weakfield.audit.controls.{family}").CONTROLS for family in FAMILIES)
    return {control.name: control for family in families for control in family}


def find_control(name: str) -> Control:
    """The control that the settings call ``name``; ``BadInput`` where there is none."""
    if is_plugin(name):
        return _own_control(name)
    if name not in CONTROLS:
        raise BadInput(
            f"audit.controls holds '{name}', expected some of {', '.join(CONTROLS)}, or module:NAME of one's own"
            + nearest(name, CONTROLS)
        )
    return known_controls()[name]


def _own_control(reference: str) -> Control:
    control: Control = load_plugin(reference, OWN_CONTROL)
    if not control.name.isidentifier() or control.name in (*CONTROLS, *RESERVED):
        raise BadInput(
            f"audit.controls holds '{reference}', a control with the name '{control.name}', expected a name of letters,"
            " digits and _ that is not taken"
        )
    return control


def chosen(study: StudyConfig) -> dict[str, Control]:
    """The controls of a study by the names it gives them, each once, in the order in which they are run.

    Controls that its cubes do not admit are not among them (``left_out``). ``BadInput`` for a control that does not
    exist, and for two with the same name.
    """
    return {name: control for name, control in _named(study).items() if why_not(study, control) is None}


def left_out(study: StudyConfig) -> dict[str, str]:
    """Why each of the controls that imported cubes do not admit is left out, by its name."""
    reasons = {control.name: why_not(study, control) for control in _named(study).values()}
    return {name: why for name, why in reasons.items() if why is not None}


def why_not(study: StudyConfig, control: Control) -> str | None:
    """What keeps a control from being run on the cubes of a study, or ``None``."""
    if study.classes is not None and control.asks_of == "simulations":
        return "it is about universes that weakfield grows, and these cubes were imported"
    if control.asks_of == "pairs" and not study.paired:
        return "it compares cubes two by two, and the classes are not paired"
    return None


def _named(study: StudyConfig) -> dict[str, Control]:
    """Every control that the settings name."""
    settings = study.audit
    names = dict.fromkeys((*settings.controls, *(settings.full_controls if settings.full else ())))
    controls = {name: find_control(name) for name in names}
    first: dict[str, str] = {}
    for name, control in controls.items():
        if (other := first.setdefault(control.name, name)) != name:
            raise BadInput(f"audit.controls holds '{other}' and '{name}', both with the name '{control.name}'")
    return controls


def source_of(name: str) -> str:
    """Hash of the file of a user's own control, which decides its result as the settings do; otherwise empty."""
    return source_hash(name, OWN_CONTROL)


def own_sources(study: StudyConfig) -> dict[str, str]:
    """The ``source_of`` each of the user's own controls that the study runs."""
    return {name: source_of(name) for name in chosen(study) if is_plugin(name)}


def granted(study: StudyConfig) -> dict[str, int]:
    """Retrainings that the budget leaves to each control of a study, in order; they depend on the settings alone."""
    left, shares = study.audit.retrainings, {}
    for control in chosen(study).values():
        needed = control.needs(study)
        share = needed if study.audit.full else min(needed, left)
        shares[control.name] = share if share >= control.least else 0
        left -= shares[control.name]
    return shares
