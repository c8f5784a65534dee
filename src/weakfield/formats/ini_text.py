"""The text of a settings.ini: ``name = value``, '#' comments, case-sensitive names, first match wins (EQUATIONS 11)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from weakfield.base.errors import BadInput, nearest
from weakfield.formats.ini_keys import KEYS, REQUIRED


class IniText:
    """The keys of one file; ``ini[key]`` is what a key means by the table in ``ini_keys``, or its default.

    Every error names the file and the key.
    """

    def __init__(self, path: Path, need_files: bool = True) -> None:
        self.path = path
        self.need_files = need_files
        self.values: dict[str, str] = {}
        self.repeated: list[str] = []
        for line in _lines(path):
            name, separator, value = line.partition("#")[0].partition("=")
            name = " ".join(name.split())
            if not separator or not name:
                continue
            if name in self.values:
                self.repeated.append(name)
            else:
                self.values[name] = value.strip()

    def given(self, key: str) -> bool:
        """Whether the file has this key, with a value."""
        return bool(self.values.get(key))

    def __getitem__(self, name: str) -> Any:
        """The value of a key in the table; raises ``BadInput`` if it is malformed, or required and missing."""
        key = KEYS[name]
        if not self.given(name):
            if key.default is REQUIRED:
                raise BadInput(f"{self.path}: key '{name}' is missing")
            return key.default
        try:
            return key.parser.parse(self.values[name])
        except ValueError as error:
            found = self.values[name]
            hint = nearest(found, key.parser.choices)
            raise BadInput(f"{self.path}: '{name}' is '{found}', expected {key.parser.expected}{hint}") from error

    def require(self, keys: Sequence[str]) -> None:
        """Refuse a file in which any of these keys is missing."""
        for key in keys:
            if not self.given(key):
                raise BadInput(f"{self.path}: key '{key}' is missing")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such settings file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a text file, expected settings as 'name = value'") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
