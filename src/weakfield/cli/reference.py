"""A page of the documentation made from the package itself: every key of a study."""

from __future__ import annotations

from typing import Any

from annotated_types import Ge, Gt, Le, Lt

from weakfield.config import Settings, StudyConfig


def settings_page() -> str:
    """Every key of a study file as Markdown, table by table."""
    lines = [
        "# Settings of a study",
        "",
        "A study is one TOML file. Every key has a default; an unknown key is refused and the nearest known one named.",
        "Lengths are in Mpc/h, wavenumbers in h/Mpc, times in redshift, unless the name of the key says otherwise.",
        "This page is the output of `weakfield settings`.",
        "",
        "| key | default | allowed | meaning |",
        "|---|---|---|---|",
    ]
    tables = []
    for name, field in StudyConfig.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            tables += ["", f"## [{name}]", "", *_table(field.annotation)]
        else:
            lines.append(_row(name, field))
    return "\n".join([*lines, *tables]) + "\n"


def _table(settings: type[Settings]) -> list[str]:
    rows = [_row(name, field) for name, field in settings.model_fields.items()]
    summary = (settings.__doc__ or "").strip().splitlines()[0]
    return [summary, "", "| key | default | allowed | meaning |", "|---|---|---|---|", *rows]


def _row(name: str, field: Any) -> str:
    default = "none" if field.default is None else f"`{_toml(field.default)}`"
    return f"| `{name}` | {default} | {_allowed(field)} | {field.description or ''} |"


def _toml(value: Any) -> str:
    """A value as it would appear in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return f"{value:g}" if isinstance(value, float) and value == 0 else str(value)


def _allowed(field: Any) -> str:
    """The choices of a key, or its type and bounds."""
    choices = _choices(field.annotation)
    if choices:
        return ", ".join(f"`{c}`" for c in choices)
    bounds = []
    for bound in field.metadata:
        for kind, sign, attribute in ((Gt, ">", "gt"), (Ge, ">=", "ge"), (Lt, "<", "lt"), (Le, "<=", "le")):
            if isinstance(bound, kind) and getattr(bound, attribute) < 2**31:
                bounds.append(f"{sign} {getattr(bound, attribute):g}")
    return " ".join([_kind(field.annotation), ", ".join(bounds)]).strip()


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of a ``Literal``, also inside an optional or a list."""
    from typing import Literal, get_args, get_origin

    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for inner in get_args(annotation) if (found := _choices(inner))), ())


def _kind(annotation: Any) -> str:
    names = {"int": "integer", "float": "number", "bool": "true or false", "str": "text", "Path": "path"}
    text = getattr(annotation, "__name__", "") if isinstance(annotation, type) else str(annotation)
    if text.startswith("tuple"):
        return "list of " + (
            "tables"
            if "Settings" in text
            else "numbers"
            if "float" in text
            else "integers"
            if "int" in text
            else "names"
        )
    return next((word for key, word in names.items() if key in text), text)
