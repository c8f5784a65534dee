"""Texts made from the package itself: the page of settings and the citation."""

from __future__ import annotations

from typing import Any

from annotated_types import Ge, Gt, Le, Lt

from weakfield._version import __version__
from weakfield.config import Settings, StudyConfig

TITLE = "weakfield: paired Newtonian and weak-field relativistic universes, and networks that tell them apart"
AUTHOR = "The weakfield developers"

#: the work the results rest on: key, authors, title, year, arXiv number
SOURCES = (
    (
        "gevolution",
        "Adamek, Julian and Daverio, David and Durrer, Ruth and Kunz, Martin",
        "gevolution: a cosmological N-body code based on General Relativity",
        2016,
        "1604.06065",
    ),
    (
        "nbodygauge",
        "Fidler, Christian and Rampf, Cornelius and Tram, Thomas and Crittenden, Robert and Koyama, Kazuya"
        " and Wands, David",
        "General relativistic corrections to N-body simulations and the Zel'dovich approximation",
        2015,
        "1505.04756",
    ),
    (
        "camb",
        "Lewis, Antony and Challinor, Anthony and Lasenby, Anthony",
        "Efficient computation of CMB anisotropies in closed FRW models",
        2000,
        "astro-ph/9911177",
    ),
    (
        "eisensteinhu",
        "Eisenstein, Daniel J. and Hu, Wayne",
        "Baryonic Features in the Matter Transfer Function",
        1998,
        "astro-ph/9709112",
    ),
)


def citation() -> str:
    """BibTeX entries of this version of the software and of what it rests on."""
    own = f"  author = {{{{{AUTHOR}}}}},\n  title = {{{TITLE}}},\n  version = {{{__version__}}}\n"
    entries = [f"@software{{weakfield,\n{own}}}\n"]
    for key, authors, title, year, arxiv in SOURCES:
        entries.append(
            f"@article{{{key},\n  author = {{{authors}}},\n  title = {{{title}}},\n  year = {{{year}}},\n"
            f"  eprint = {{{arxiv}}},\n  archivePrefix = {{arXiv}}\n}}\n"
        )
    return "\n".join(entries)


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
    """A value as it would stand in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return f"{value:g}" if isinstance(value, float) and value == 0 else str(value)


def _allowed(field: Any) -> str:
    """The choices of a key, or its kind and bounds."""
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
