"""Results that are saved as one JSON file each and loaded from it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer

from weakfield.base.errors import BadInput
from weakfield.base.files import read_json, write_json


class Record(BaseModel):
    """A frozen result. Its JSON has the fields in their order, without those that were never given."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    written_by: ClassVar[str] = "weakfield"

    def as_json(self) -> dict[str, Any]:
        """What ``save`` writes."""
        return self.model_dump(mode="json", by_alias=True)

    @model_serializer(mode="wrap")
    def _given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        absent = {f.alias or name for name, f in type(self).model_fields.items() if name not in self.model_fields_set}
        return {name: value for name, value in handler(self).items() if name not in absent}

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_json(path, self.as_json())

    @classmethod
    def from_json(cls, value: Any, source: str) -> Self:
        """What ``as_json`` described; ``source`` (a file name) leads the message of a ``BadInput``."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "missing":
                raise BadInput(f"{source} lacks '{key}', expected what {cls.written_by} writes") from error
            raise BadInput(f"{source}: '{key}' is not as expected: {problem['msg']}") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote; ``BadInput`` when it is missing or damaged, or has other content."""
        return cls.from_json(read_json(path), str(path))
