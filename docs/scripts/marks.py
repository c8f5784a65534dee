"""Where the documents are, and the marks between which a script writes what it measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
IMAGES = DOCS / "images"


def fill(page: Path, name: str, script: str, text: str, target: Path | None = None) -> None:
    """Put ``text`` between the marks ``name`` of a page, written by ``script``; into ``target`` if that is given.

    Raises ``ValueError`` for a page without the marks.
    """
    begin, end = f"<!-- {name}: written by {script} -->", f"<!-- /{name} -->"
    before, found, rest = page.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"{page} has no marks '{begin}' and '{end}'")
    (target or page).write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def two_digits(value: float) -> str:
    """Rounded to two digits, without an exponent."""
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")
