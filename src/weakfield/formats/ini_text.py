"""The text of a settings.ini: ``name = value``, '#' comments, case-sensitive names, first value wins (EQUATIONS 11)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, nearest
from weakfield.formats.ini_keys import KEYS, REQUIRED
from weakfield.formats.ini_values import Parser

#: a larger file is not one that a person wrote
_LARGEST = 1_000_000
#: the reference program drops longer values
_LONGEST = 255
#: what no text has, in any encoding
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


class IniText:
    """The keys of one file; ``ini[key]`` is what a key means by the table in ``ini_keys``, or its default.

    A key without a value counts as absent. ``warnings`` collects what a person has to know about values that were read,
    ``notes`` what was taken where the file is silent; ``unread`` are keys that have no say beside others, ``instead``
    lines that say the same as keys which the reference program does not know. Of a ``finished`` run the files named may
    be missing, and what decides only whether it can run here is not asked. Every error names the file and the key.
    """

    def __init__(self, path: Path, need_files: bool = True, finished: bool = False, beside: Path | None = None) -> None:
        self.path = path
        self.beside = path.parent if beside is None else beside
        self.need_files = need_files and not finished
        self.finished = finished
        self.values: dict[str, str] = {}
        self.repeated: list[str] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.unread: set[str] = set()
        self.instead: dict[str, str] = {}
        for line in _lines(path):
            name, separator, value = line.partition("#")[0].partition("=")
            name, value = " ".join(name.split()), value.strip()
            if not separator or not name or not value:
                continue
            if name in self.values:
                self.repeated.append(name)
            else:
                self.values[name] = value

    def given(self, key: str) -> bool:
        """Whether the file has this key, with a value."""
        return key in self.values

    def __getitem__(self, name: str) -> Any:
        """The value of a key in the table; raises ``BadInput`` if it is malformed, or required and missing."""
        key = KEYS[name]
        if not self.given(name):
            if key.default is REQUIRED:
                raise BadInput(f"{self.path}: key '{name}' is missing")
            return key.default
        return self.parsed(name, key.parser)

    def parsed(self, name: str, parser: Parser) -> Any:
        """The value of a key that is given; raises ``BadInput`` if it is not what the parser expects."""
        if (length := len(self.values[name])) > _LONGEST:
            raise BadInput(f"{self.quoted(name)}, {length} characters long, expected at most {_LONGEST}")
        try:
            value = parser.parse(self.values[name])
        except ValueError as error:
            hint = nearest(shortened(self.values[name]), parser.choices)
            raise BadInput(f"{self.quoted(name)}, expected {parser.expected}{hint}") from error
        if doubt := parser.doubt(self.values[name]):
            if parser.strict and not self.finished:
                raise BadInput(f"{self.quoted(name)}, expected {parser.expected} alone")
            self.warn(f"{self.quoted(name)}, {doubt}")
        return value

    def quoted(self, name: str) -> str:
        """``"settings.ini: 'key' is 'value'"``, the beginning of a sentence about a key; a long value is cut."""
        return f"{self.path}: '{shortened(name)}' is '{shortened(self.values[name])}'"

    def warn(self, sentence: str) -> None:
        """Keep a warning, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def note(self, sentence: str) -> None:
        """Keep a note, once, under the name of the file."""
        if f"{self.path}: {sentence}" not in self.notes:
            self.notes.append(f"{self.path}: {sentence}")

    def require(self, keys: Sequence[str]) -> None:
        """Refuse a file in which any of these keys is missing."""
        for key in keys:
            if not self.given(key):
                raise BadInput(f"{self.path}: key '{key}' is missing")

    def used(self, known: Collection[str]) -> str:
        """The file again with those of the ``known`` keys that have a say, one a line, in their order."""
        lines = [
            self.instead.get(name, f"{name} = {value}")
            for name, value in self.values.items()
            if name in self.instead or (name in known and name not in self.unread)
        ]
        return "".join(f"{line}\n" for line in lines)


def shortened(text: str) -> str:
    """The text as far as it fits into a sentence, what cannot be printed as escapes."""
    cut = text if len(text) <= 60 else f"{text[:57]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def _lines(path: Path) -> list[str]:
    """The lines of a file in UTF-8 (with or without a byte-order mark), UTF-16 with one, or Latin-1."""
    try:
        with open(path, "rb") as handle:
            content = handle.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such settings file") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST:
        raise BadInput(f"{path} has more than {_LARGEST} bytes, expected settings as 'name = value'")
    text = _decoded(content)
    if text is None or _CONTROL.search(text):
        raise BadInput(f"{path} is not a text file, expected settings as 'name = value'")
    return re.split(r"\r\n|\n|\r", text)


def _decoded(content: bytes) -> str | None:
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        # any bytes are Latin-1: those without a single assignment are something else
        return text if encoding == "utf-8-sig" or "=" in text else None
    return None
