"""The page about the keys of a settings.ini, made from the table that reads them."""

from __future__ import annotations

from weakfield.formats.ini_keys import (
    NOT_WRITTEN,
    REFUSED,
    REQUIRED,
    SNAPSHOT_FIELDS,
    SNAPSHOT_PARTICLES,
    SPECTRA,
    TABLE,
    WITHOUT_EFFECT,
    Key,
)

INTRODUCTION = """\
# Running a settings.ini

`weakfield simulate settings.ini` runs a settings file of the reference program, gevolution 1.2, and writes what it
writes. Every key is read, has no effect here, or is refused by name with the reason; an unknown key is a warning. Names
are case-sensitive, `#` begins a comment, and of a key given twice the first counts. This page is the output of
`weakfield settings --ini`.
"""

#: what a table cannot express, by the subject under which it appears
NOTES = {
    "Start from a snapshot": """\
Momenta in an HDF5 file are taken to be half of `dtau` earlier than positions, those in a Gadget-2 file to be of the
same time.
""",
    "Linear theory": """\
Without `Tk file` and with `radiation treatment = CLASS`, as in a build linked to CLASS, transfer functions are
computed: by CAMB, or by CLASS with `transfer = class`, on the wavenumbers that CLASS would use.
""",
    "Output": """\
While linear radiation acts, delta comes with deltaclass and, in GR, deltacdm.
""",
}

#: what is refused where keys are read together: key or value, and the reason
REFUSED_TOGETHER = {
    "`cycle`, `tau` in a start from a snapshot": (
        "such a run counts from its own beginning; a stopped run goes on from its checkpoint"
    ),
    "`gevolution version` below 1.1 in a start from a snapshot": "another convention for the metric",
    "`Tk file` or `mPk file` with `radiation treatment = CLASS`": "all of a run is made from one source",
}


def settings_ini_page() -> str:
    """Markdown: the keys that are read, by subject; the keys without effect; and what is refused."""
    parts = [INTRODUCTION]
    for subject, keys in TABLE.items():
        rows = [_row(key) for key in keys]
        parts.append(
            "\n".join([f"## {subject}\n", "| key | value | if absent | meaning |", "|---|---|---|---|", *rows, ""])
        )
        if subject in NOTES:
            parts.append(NOTES[subject])
    parts.append("## Without effect\n\n| key | acts only on |\n|---|---|\n" + "".join(_without_effect()))
    parts.append("Keys that only CLASS reads are passed over.\n")
    parts.append("## Refused\n\n| key or value | reason |\n|---|---|\n" + "".join(_refused()))
    return "\n".join(parts)


def _row(key: Key) -> str:
    default = "an error" if key.default is REQUIRED else key.default
    absent = key.absent or (f"{default:g}" if isinstance(default, float) else f"{default}")
    value = ", ".join(key.parser.choices) or key.parser.expected.removeprefix("a ").replace("value", "text")
    return f"| `{key.name}` | {value} | {absent} | {key.meaning} |"


def _without_effect() -> list[str]:
    """One row per reason."""
    keys: dict[str, list[str]] = {}
    for key, reason in WITHOUT_EFFECT.items():
        keys.setdefault(reason, []).append(f"`{key}`")
    return [f"| {', '.join(names)} | {reason} |\n" for reason, names in keys.items()]


def _refused() -> list[str]:
    """Single keys, keys that are read together, and words for outputs that no list accepts."""
    rows = [(refusal.what, refusal.reason) for refusal in REFUSED]
    rows += REFUSED_TOGETHER.items()
    written = {*SNAPSHOT_FIELDS, *SNAPSHOT_PARTICLES, *SPECTRA}
    rows += [(f"output `{word}`", f"it {why}") for word, why in NOT_WRITTEN.items() if word not in written]
    return [f"| {what} | {reason} |\n" for what, reason in rows]
