"""A page of the documentation made from the package itself: every key of a study."""

from __future__ import annotations

from typing import Any, get_args

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
        found = next((one for one in (field.annotation, *get_args(field.annotation)) if _is_table(one)), None)
        if found is None:
            lines.append(_row(name, field))
        else:
            tables += ["", f"## [{name}]", "", *_table(found)]
            for inner, of in found.model_fields.items():
                listed = next((one for one in get_args(of.annotation) if _is_table(one)), None)
                if listed is not None and str(of.annotation).startswith("tuple"):
                    tables += ["", f"## [[{name}.{inner}]]", "", *_table(listed)]
    return "\n".join([*lines, *tables]) + "\n"


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Settings)


def _table(settings: type[Settings]) -> list[str]:
    rows = [_row(name, field) for name, field in settings.model_fields.items()]
    summary = (settings.__doc__ or "").strip().splitlines()[0]
    return [summary, "", "| key | default | allowed | meaning |", "|---|---|---|---|", *rows]


def _row(name: str, field: Any) -> str:
    default = "required" if field.is_required() else "none" if field.default is None else f"`{_toml(field.default)}`"
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
    from typing import Literal, get_origin

    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for inner in get_args(annotation) if (found := _choices(inner))), ())


def _kind(annotation: Any) -> str:
    names = {"int": "integer", "float": "number", "bool": "true or false", "str": "text", "Path": "path"}
    text = getattr(annotation, "__name__", "") if isinstance(annotation, type) else str(annotation)
    if text.startswith("tuple"):
        return "list of " + (
            "tables"
            if "weakfield.config" in text
            else "numbers"
            if "float" in text
            else "integers"
            if "int" in text
            else "names"
        )
    return next((word for key, word in names.items() if key in text), text)
