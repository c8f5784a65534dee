"""The pages of the documentation: those of a wheel lie in it, those of a checkout in docs."""

from __future__ import annotations

from pathlib import Path

from weakfield.base.errors import BadInput, nearest

_PACKAGE = Path(__file__).parents[1]


def pages() -> dict[str, Path]:
    """The pages by name, such as ``relativity`` and ``theory/losses``."""
    places = (_PACKAGE / "pages", _PACKAGE.parents[1] / "docs")
    root = next((place for place in places if (place / "index.md").exists()), None)
    if root is None:
        raise BadInput(f"{places[0]} is missing, expected the pages that an installation of weakfield has")
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.md"))}


def page(name: str) -> str:
    """The text of a page; ``BadInput`` for a name that there is not."""
    known = pages()
    name = name.removeprefix("docs/").removesuffix(".md")
    if name not in known:
        raise BadInput(f"there is no page '{name}', expected one that 'weakfield docs' lists{nearest(name, known)}")
    return known[name].read_text(encoding="utf-8")


def listing() -> str:
    """Every page on a line: its name and its title."""
    return "\n".join(f"{name:22} {_title(path)}" for name, path in pages().items())


def _title(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), "")
