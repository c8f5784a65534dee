"""What all settings share: frozen, keyword-only, no unknown keys, errors in one sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from weakfield.base.errors import BadInput, nearest
from weakfield.base.files import content_hash


class Settings(BaseModel):
    """Base of every settings table. Units are in the field names; redshifts are redshifts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @classmethod
    def from_mapping(cls, values: dict[str, Any], source: str = "settings") -> Self:
        """Validate a plain mapping; ``source`` (a file name) leads the message of a ``BadInput``."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise BadInput(f"{source}: {_sentence(cls, error)}") from error

    def hash(self, *exclude: str) -> str:
        """A stable hash of the values, without the fields named in ``exclude``."""
        return content_hash(self.model_dump(mode="json", exclude=set(exclude)))


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, or a ``BadInput`` that names it."""
    try:
        with open(path, "rb") as handle:
            return tomllib.load(handle)
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file; expected a study in TOML") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def _sentence(cls: type[BaseModel], error: ValidationError) -> str:
    """The first problem of a validation error, with the key, what was found and what was expected."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    kind, found = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return f"unknown key '{key}'" + nearest(str(problem["loc"][-1]), _keys_beside(cls, problem["loc"]))
    if kind == "missing":
        return f"key '{key}' is missing"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if kind == "value_error":
        return f"{key}: {message}" if key else message
    return f"key '{key}' is {found!r}, expected {message}"


def _keys_beside(cls: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that would have been known where an unknown key stands."""
    for part in location[:-1]:
        field = cls.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return []
        cls = field.annotation
    return list(cls.model_fields)
