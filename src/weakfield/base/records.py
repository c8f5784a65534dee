"""What a stage hands on to the next: records that are frozen, checked, and written and read as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json

#: what a stage says of its outputs in a line: numbers and words by name
Summary = Mapping[str, str | int | float | None]


class Record(BaseModel):
    """Base of the records. Keys are written in the order of the fields; fields that were never set are left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    def as_json(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True)

    @model_serializer(mode="wrap")
    def _without_unset(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        unset = {f.alias or name for name, f in type(self).model_fields.items() if name not in self.model_fields_set}
        return {name: value for name, value in handler(self).items() if name not in unset}

    def save(self, path: Path) -> None:
        """Write the record to ``path``, whole or not at all."""
        write_json(path, self.as_json())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote; ``BadInput`` where the file is missing, damaged or something else."""
        return cls.read(read_json(path), str(path))

    @classmethod
    def load_if_there(cls, path: Path) -> Self | None:
        """The same as ``load``, but ``None`` where there is no such file."""
        return cls.load(path) if path.exists() else None

    @classmethod
    def load_if_sound(cls, path: Path) -> Self | None:
        """The same as ``load``, but ``None`` where there is no such file, or one that cannot be used."""
        try:
            return cls.load_if_there(path)
        except BadInput:
            return None

    @classmethod
    def read(cls, value: Any, source: str) -> Self:
        """The record in ``value``, plain JSON; ``BadInput``, naming the ``source``, where it holds none."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise BadInput(f"{source} {flaw(error, cls.__name__)}") from error


def flaw(error: ValidationError, name: str) -> str:
    """The first thing that keeps a value from being a record of that ``name``, in words that follow its source."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "the whole"
    if first["type"] == "missing":
        return f"lacks '{key}', expected a {name} as weakfield writes it"
    return f"is no {name}: {key} is {first['input']!r:.60}, {first['msg'].lower()}"


class StartedRecord(Record):
    """``started.json``: the key under which a stage is at work in its folder."""

    key: str
    started: str


class StageRecord(Record):
    """``stage.json``: a stage is finished under ``key``, with its ``inputs`` and the hashes of its ``outputs``."""

    model_config = ConfigDict(populate_by_name=True)

    stage: str
    key: str
    inputs: dict[str, str] = Field(alias="read")  #: fingerprints by the stage they are of
    software_version: str
    finished: str
    seconds: float
    summary: Summary
    fingerprint: str
    outputs: dict[str, str]
