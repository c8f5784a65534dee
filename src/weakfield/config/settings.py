"""What all settings share: frozen, keyword-only, no unknown keys, errors in one sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from weakfield.base.errors import BadInput, nearest, one_line, shown
from weakfield.base.files import content_hash
from weakfield.base.system_errors import told

#: bytes of a study file; one with every key in it has ten thousand
_LARGEST = 1_000_000
#: tables and lists within each other; a study has four
_DEEPEST = 20
#: characters of a text, such as a line of a job's prologue
_LONGEST_TEXT = 10_000
#: characters of what is said about a setting, and of a key in it
_SENTENCE, _KEY = 420, 100


class Settings(BaseModel):
    """Base of every settings table. Units are in the field names; redshifts are redshifts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @classmethod
    def from_mapping(cls, values: dict[str, Any], source: str = "settings") -> Self:
        """Validate a plain mapping; ``source`` (a file name) leads the message of a ``BadInput``."""
        _require_sane(values, source)
        try:
            found = cls.model_validate(values)
        except ValidationError as error:
            raise BadInput(f"{source}: {one_line(_sentence(cls, error), _SENTENCE)}") from error
        _require_without_nul(values, source)
        return found

    def hash(self, *exclude: str) -> str:
        """A stable hash of the values, without the fields named in ``exclude``."""
        return content_hash(self.model_dump(mode="json", exclude=set(exclude)))


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, or a ``BadInput`` that names it."""
    try:
        with open(path, "rb") as handle:
            content = handle.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise BadInput(f"{path} has more than {_LARGEST:g} bytes, expected a study in TOML")
        return tomllib.loads(content.decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file; expected a study in TOML") from error
    except RecursionError as error:
        raise BadInput(f"{path} nests tables or lists too deep, expected at most {_DEEPEST} levels") from error
    except ValueError as error:  # not TOML, not UTF-8, or a number of thousands of digits
        raise BadInput(f"{path} is not valid TOML: {one_line(str(error), _SENTENCE)}") from error
    except OSError as error:
        raise BadInput(told(error, path, "read")) from error


def _leaves(values: Any, source: str) -> Iterator[tuple[str, Any]]:
    """Every key with what it names, level by level; ``BadInput`` for nesting that would exhaust the stack."""
    level = [("", values)]
    for _ in range(_DEEPEST):
        entries = [(f"{key}.{name}" if key else str(name), entry) for key, outer in level for name, entry in _in(outer)]
        yield from entries
        level = [(key, entry) for key, entry in entries if isinstance(entry, dict | list | tuple)]
        if not level:
            return
    raise BadInput(f"{source} nests tables or lists too deep, expected at most {_DEEPEST} levels")


def _require_sane(values: Any, source: str) -> None:
    """Refuse what no study holds and what libraries would stumble over: whole numbers beyond 64 bits, endless texts."""
    for key, entry in _leaves(values, source):
        if isinstance(entry, int) and not -(2**63) <= entry < 2**63:
            raise BadInput(f"{source}: key '{one_line(key, _KEY)}' is {shown(entry)}, expected at most 64 bits")
        for text in (key, entry):
            if isinstance(text, str) and len(text) > _LONGEST_TEXT:
                raise BadInput(
                    f"{source}: key '{one_line(key, _KEY)}' has a text of {len(text)} characters, expected at most"
                    f" {_LONGEST_TEXT}"
                )


def _require_without_nul(values: Any, source: str) -> None:
    """Refuse texts that the system cuts off at a NUL."""
    for key, entry in _leaves(values, source):
        if isinstance(entry, str) and "\0" in entry:
            raise BadInput(f"{source}: key '{one_line(key, _KEY)}' is {shown(entry)}, expected a text without NUL")


def _in(outer: Any) -> Iterable[tuple[Any, Any]]:
    """Keys and values of a table, numbers and items of a list."""
    return outer.items() if isinstance(outer, dict) else enumerate(outer)


def _sentence(cls: type[BaseModel], error: ValidationError) -> str:
    """The first problem of a validation error, with the key, what was found and what was expected."""
    problem = error.errors(include_url=False, include_context=False)[0]
    key = one_line(".".join(str(part) for part in problem["loc"]), _KEY)
    kind, found = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return f"unknown key '{key}'" + nearest(str(problem["loc"][-1]), _keys_beside(cls, problem["loc"]))
    if kind == "missing":
        return f"key '{key}' is missing"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if kind == "value_error":
        return f"{key}: {message}" if key else message
    return f"key '{key}' is {shown(found)}, expected {message}"


def _keys_beside(cls: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that would have been known where an unknown key stands."""
    for part in location[:-1]:
        field = cls.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return []
        cls = field.annotation
    return list(cls.model_fields)
