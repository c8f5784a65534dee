"""Reading the files of pairs, each of which is what was recorded of it or an error in a sentence.

All fields come through here. A file is checked when it is read: what its attributes say of theory, seed and redshift,
and its hash, which is taken once a process (``base.hashes``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, FiniteFloat, StrictInt

from weakfield.base.errors import BadInput
from weakfield.base.hashes import known_hash
from weakfield.base.records import Record
from weakfield.config import Draw, Inverse, RunFolder, StudyConfig, Theory
from weakfield.config.layout import seed_of
from weakfield.pairs.entries import FileEntry, Redshift
from weakfield.pairs.manifest import Manifest, why_incomplete

if TYPE_CHECKING:
    from torch import Tensor

#: a redshift in pair.json and that in the file are the same number
_SAME = 1e-9
#: raises ``BadInput`` unless the bytes of a file are those recorded
CheckBytes = Callable[[Path], None]


class FieldAttributes(Record):
    """What the file of a field states about it; all but the first two may be missing from old and imported files."""

    model_config = ConfigDict(extra="ignore")

    redshift: Redshift
    box_size_mpch: Annotated[FiniteFloat, Field(gt=0)]
    theory: Theory | None = None
    seed: StrictInt | None = None
    inverted: Annotated[StrictInt, Field(ge=0, le=1)] | None = None


@dataclass(frozen=True)
class Origin:
    """The universe and the output that a field is expected to be of, as far as they are known."""

    theory: str = ""
    draw: Draw | None = None
    redshift: float | None = None

    def check(self, path: Path, stored: Mapping[str, Any]) -> FieldAttributes:
        """The ``stored`` attributes of the file, checked; ``BadInput`` if they are wrong or of another universe."""
        if missing := [key for key in ("redshift", "box_size_mpch") if key not in stored]:
            raise BadInput(f"{path} has no attribute '{missing[0]}', expected it beside the field")
        found = FieldAttributes.read(stored, str(path))
        if self.theory and found.theory not in (None, self.theory):
            raise BadInput(f"{path} is of the theory '{found.theory}', expected '{self.theory}' as its folder says")
        if self.draw is not None:
            seed, inverted = seed_of(self.draw), isinstance(self.draw, Inverse)
            if found.seed not in (None, seed):
                raise BadInput(f"{path} is of seed {found.seed}, expected seed {seed} as its folder says")
            if found.inverted not in (None, int(inverted)):
                raise BadInput(
                    f"{path} has the attribute inverted = {found.inverted}, expected {int(inverted)} as its folder says"
                )
        if self.redshift is not None and abs(found.redshift - self.redshift) > _SAME * (1 + self.redshift):
            raise BadInput(
                f"{path} is at redshift {found.redshift:g}, expected {self.redshift:g} as was recorded of it"
            )
        return found


def read_field(path: Path, origin: Origin, check_bytes: CheckBytes) -> tuple[Tensor, dict[str, Any]]:
    """A field as it is stored, and its attributes, both checked; ``BadInput`` says what is not as it was recorded."""
    from weakfield.formats import load_field

    check_bytes(path)  # first: HDF5 is given no bytes but those that were written
    field, stored = load_field(path)
    origin.check(path, stored)
    return field, stored


def pair_field(manifest: Manifest, name: str) -> tuple[Tensor, dict[str, Any]]:
    """The field in the file ``name`` of a pair, as ``read_field``, checked by the manifest."""
    path, origin = manifest.folder / name, _origin(manifest, manifest.files[name])
    try:
        return read_field(path, origin, lambda _: check_file(manifest, name))
    except BadInput as error:
        raise BadInput(f"{error}; {_remedy(manifest)}") from error


def pair_text(manifest: Manifest, name: str) -> Path:
    """The path of a text file of a pair, of which the hash is that in the manifest; ``BadInput`` if it is not."""
    try:
        check_file(manifest, name)
    except BadInput as error:
        raise BadInput(f"{error}; {_remedy(manifest)}") from error
    return manifest.folder / name


def check_file(manifest: Manifest, name: str) -> None:
    """``BadInput`` unless a file of a pair has the hash that the manifest recorded, if it recorded one.

    A whole file in the place of another of its pair is told by its theory or its redshift.
    """
    path, entry = manifest.folder / name, manifest.files[name]
    if not path.is_file():
        raise BadInput(f"{path} is missing, expected it as {manifest.path.name} lists it")
    if (recorded := entry.hash) and (found := known_hash(path)) != recorded:
        if entry.field is not None and any(other.hash == found for other in manifest.files.values()):
            from weakfield.formats import load_attributes

            _origin(manifest, entry).check(path, load_attributes(path))
        raise BadInput(
            f"{path} has hash {found} but {manifest.path.name} recorded {recorded}, expected the file as the simulation"
            " wrote it"
        )


def damage(study: StudyConfig, draw: Draw, folder: RunFolder) -> str | None:
    """As ``why_incomplete``, but every file of the pair is read and checked, by its hash and its attributes."""
    if (why := why_incomplete(study, draw, folder)) is not None:
        return why
    from weakfield.formats import load_attributes  # without PyTorch, so that a finished study is recognised at once

    manifest = Manifest.load(folder.pair(draw))
    try:
        for name, entry in manifest.files.items():
            check_file(manifest, name)
            if entry.field is not None:
                path = manifest.folder / name
                _origin(manifest, entry).check(path, load_attributes(path))
    except BadInput as error:
        return str(error)
    return None


def _origin(manifest: Manifest, entry: FileEntry) -> Origin:
    return Origin(entry.theory, None if manifest.seed is None else manifest.draw, entry.redshift)


def _remedy(manifest: Manifest) -> str:
    """What to do about a damaged pair."""
    root = manifest.folder.parent.parent
    if manifest.imported is not None:
        return f"'weakfield import' of its runs with --out {root} brings the pair back"
    return f"'weakfield simulate {root}' grows the pair again"
