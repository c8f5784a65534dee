"""The syntax of a settings.ini: ``name = value``, '#' comments, names with case, first match wins (EQUATIONS 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from weakfield.base.errors import BadInput, nearest

Value = TypeVar("Value")


class IniText:
    """The keys of one file and typed access to them; every error names the file and the key."""

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
        """Whether the key is there with a value."""
        return bool(self.values.get(key))

    def number(self, key: str, default: float | None = None) -> float:
        return self._parsed(key, default, float, "a number")

    def whole(self, key: str, default: int | None = None) -> int:
        return self._parsed(key, default, _whole, "a whole number")

    def text(self, key: str, default: str | None = None) -> str:
        return self._parsed(key, default, str, "a value")

    def choice(self, key: str, choices: Mapping[str, Value], default: Value) -> Value:
        """The meaning of one of a few words."""
        if not self.given(key):
            return default
        word = self.values[key]
        if word not in choices:
            raise BadInput(
                f"{self.path}: '{key}' is '{word}', expected {' or '.join(choices)}" + nearest(word, choices)
            )
        return choices[word]

    def words(self, key: str) -> list[str]:
        """A list separated by commas; empty if the key is absent."""
        return [word.strip() for word in self.values.get(key, "").split(",") if word.strip()]

    def numbers(self, key: str) -> list[float]:
        try:
            return [float(word) for word in self.words(key)]
        except ValueError as error:
            raise BadInput(
                f"{self.path}: '{key}' is '{self.values[key]}', expected numbers separated by commas"
            ) from error

    def require(self, keys: Sequence[str]) -> None:
        """Refuse a file without one of these keys."""
        for key in keys:
            if not self.given(key):
                raise BadInput(f"{self.path}: key '{key}' is missing")

    def _parsed(self, key: str, default: Value | None, parse: Callable[[str], Value], kind: str) -> Value:
        if not self.given(key):
            if default is None:
                raise BadInput(f"{self.path}: key '{key}' is missing")
            return default
        try:
            return parse(self.values[key])
        except ValueError as error:
            raise BadInput(f"{self.path}: '{key}' is '{self.values[key]}', expected {kind}") from error


def _whole(word: str) -> int:
    number = float(word)
    if not number.is_integer():
        raise ValueError(word)
    return int(word) if word.lstrip("+-").isdigit() else int(number)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such settings file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a text file, expected settings as 'name = value'") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
