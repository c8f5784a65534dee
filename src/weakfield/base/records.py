"""What a stage hands on to the next: records that are frozen, checked, and written and read as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer

from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json


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
    def read(cls, value: Any, source: str) -> Self:
        """The record in ``value``, plain JSON; ``BadInput``, naming the ``source``, where it holds none."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "the whole"
            if first["type"] == "missing":
                raise BadInput(f"{source} lacks '{key}', expected a {cls.__name__} as weakfield writes it") from error
            raise BadInput(
                f"{source} is no {cls.__name__}: {key} is {first['input']!r:.60}, {first['msg'].lower()}"
            ) from error
