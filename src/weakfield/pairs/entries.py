"""The files of a pair as its manifest lists them, and the check of what a manifest holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, FiniteFloat, StrictInt

from weakfield.config import StudyConfig, Theory

#: a number of bytes, or of an output
Count = Annotated[StrictInt, Field(ge=0)]
Redshift = Annotated[FiniteFloat, Field(gt=-1)]
Seconds = Annotated[FiniteFloat, Field(ge=0)]


@dataclass(frozen=True)
class FileEntry:
    """One file of a pair. Fields also have a name, the number of the output and the redshift they were written at.

    ``hash`` is that of ``base.files.file_hash``; imported pairs have no ``bytes``.
    """

    hash: str
    theory: Theory | Literal[""]
    bytes: Count | None = None
    field: str | None = None
    index: Count | None = None
    redshift: Redshift | None = None
    scale_factor: FiniteFloat | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as it stands in pair.json, where unknown values are left out."""
        order = ("hash", "bytes", "theory", "field", "index", "redshift", "scale_factor")
        return {name: value for name in order if (value := getattr(self, name)) is not None}


def _inside(name: str) -> str:
    """The name of a file of a pair, which must not lead out of its folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise ValueError("expected a file inside the folder of the pair")
    return name


def outputs_of(files: Mapping[str, FileEntry], theory: str, field: str) -> list[tuple[int, float | None, str]]:
    """Number, redshift and file name of every output of a field, ordered by number, so that redshifts descend."""
    found = [(e.index, e.redshift, n) for n, e in files.items() if (e.theory, e.field) == (theory, field)]
    return sorted(((i, z, name) for i, z, name in found if i is not None), key=lambda output: output[0])


Files = Mapping[Annotated[str, AfterValidator(_inside)], FileEntry]


def with_defaults(entry: object) -> object:
    """An entry of pair.json; those of other files than fields may lack hash and theory."""
    return {"hash": "", "theory": "", **entry} if isinstance(entry, dict) else entry


def unlisted(
    study: StudyConfig, folder: Path, files: Mapping[str, FileEntry], theories: Sequence[Theory], imported: bool
) -> str | None:
    """What the ``files`` of a pair in ``folder`` lack of ``theories``: a field of the study, a spectrum that is there.

    Of the fields of an ``imported`` pair only phi is expected.
    """
    outputs = set(range(len(study.simulation.snapshot_redshifts)))
    for theory in theories:
        for name in ("phi",) if imported else study.simulation.snapshot_fields:
            if missing := outputs - {index for index, _, _ in outputs_of(files, theory, name)}:
                return f"lists no {name} of '{theory}' for output {min(missing)}, expected every field"
        for path in sorted((folder / theory).glob(f"{escape(study.output.spectra_base)}[0-9][0-9][0-9]_*.dat")):
            if f"{theory}/{path.name}" not in files:
                return f"does not list {theory}/{path.name}, expected every spectrum that is there"
    return None
