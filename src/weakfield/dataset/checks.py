"""Whether a file is unchanged: checked by its hash once, then by size and times as long as those stay the same."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash, read_json, write_json
from weakfield.base.hashes import known_hash, look_of

_RECORD = TypeAdapter(dict[str, tuple[list[int], str]])


class Checked:
    """The hashes of files, and how each looked (size, times of change) when its hash was last taken.

    A file that looks the same is taken to be the same, because hashing every file at every reading would take longer
    than reading it. ``record`` is where a data set keeps for later processes what was seen when it was built; a copied
    run folder looks different, so its files are hashed once in each process. So are all files where the record is
    damaged.
    """

    def __init__(self, record: Path | None = None) -> None:
        self._seen: dict[str, tuple[list[int], str]] = {}
        if record is not None and record.exists():
            with suppress(BadInput, ValidationError):
                self._seen = _RECORD.validate_python(read_json(record))

    def hash(self, path: Path, name: str) -> str:
        """The hash of the file known as ``name``, taken anew when the file looks different from the last time."""
        look = look_of(path)
        if name not in self._seen or self._seen[name][0] != look:
            self._seen[name] = (look, known_hash(path, file_hash))
        return self._seen[name][1]

    def save(self, record: Path) -> None:
        """Keep what was seen."""
        write_json(record, {name: list(seen) for name, seen in self._seen.items()})

    def require(self, path: Path, name: str, recorded: str, advice: str) -> None:
        """``BadInput`` unless the file has the ``recorded`` hash."""
        if not path.is_file():
            raise BadInput(f"{path} is missing, expected the file the data set was built of; {advice}")
        if self.hash(path, name) != recorded:
            self._seen.pop(name, None)  # the record may be what is wrong
        if (found := self.hash(path, name)) != recorded:
            raise BadInput(
                f"{path} has hash {found} but the data set was built of {recorded}, expected the same file; {advice}"
            )

    def verify(self, files: Mapping[str, tuple[Path, str]], advice: str) -> None:
        """Hash all ``files`` anew, (path, recorded hash) by name; ``BadInput`` names the first that differs."""
        for name, (path, recorded) in files.items():
            if path.is_file():
                self._seen[name] = (look_of(path), file_hash(path))
            self.require(path, name, recorded, advice)
