"""How to cite this software and the work it builds on: BibTeX made from CITATION.cff, which the package includes."""

from __future__ import annotations

from importlib import resources
from typing import Any

import yaml


def citation() -> str:
    """BibTeX entries of the software, then of its references."""
    text = (resources.files("weakfield") / "CITATION.cff").read_text(encoding="utf-8")
    record = yaml.safe_load(text)
    return "\n".join(_entry(work) for work in (record, *record["references"]))


def _entry(work: dict[str, Any]) -> str:
    """One entry; its key is the abbreviation of the work, or the part of its title before the colon."""
    key = work.get("abbreviation") or work["title"].split(":")[0]
    arxiv = next((i["value"].removeprefix("arXiv:") for i in work.get("identifiers", ())), None)
    fields = {
        "author": " and ".join(_author(author) for author in work["authors"]),
        "title": work["title"],
        "year": work.get("year") or str(work.get("date-released", ""))[:4] or None,
        "version": work.get("version"),
        "url": work.get("url"),
        "eprint": arxiv,
        "archivePrefix": "arXiv" if arxiv else None,
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value is not None]
    return f"@{work['type']}{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _author(author: dict[str, str]) -> str:
    """``Family, Given`` for a person; for a group its name in braces, so that BibTeX does not split it."""
    return f"{{{author['name']}}}" if "name" in author else f"{author['family-names']}, {author['given-names']}"
