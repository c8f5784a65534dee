"""The manifest pair.json: what a pair is and which files it is made of. No other module reads or writes it.

It is written last, so a pair is whole when its manifest is there, and a folder without one is not a pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, read_json, write_json
from weakfield.config import THEORIES, Draw, Inverse, RunFolder, StudyConfig, Theory
from weakfield.config.layout import draw_named, seed_of
from weakfield.config.simulation import CHECKPOINT_SCHEDULE

_NAME = "pair.json"
#: by mesh and precision; raised whenever the same settings give other numbers, so that old and new pairs never mix
_RECIPE = {
    ("staggered", "double"): 2, ("staggered", "single"): 3, ("spectral", "double"): 4, ("spectral", "single"): 4,
}  # fmt: skip
#: largest distance of a redshift from that of the output it stands for, over 1 + z
TOLERANCE = 1e-3


@dataclass(frozen=True)
class FileEntry:
    """One file of a pair. Fields also have a name, the number of the output and the redshift they were written at.

    ``hash`` is that of ``base.files.file_hash``; imported pairs have no ``bytes``.
    """

    hash: str
    theory: str
    bytes: int | None = None
    field: str | None = None
    index: int | None = None
    redshift: float | None = None
    scale_factor: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as it stands in pair.json, where unknown values are left out."""
        order = ("hash", "bytes", "theory", "field", "index", "redshift", "scale_factor")
        return {name: value for name in order if (value := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FileEntry:
        """The entry that ``as_json`` gave; keys of later versions are ignored."""
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        return cls(**{"hash": "", "theory": "", **known})


@dataclass(frozen=True)
class Manifest:
    """What a pair was grown from and with, and its ``files`` by their names in ``folder``.

    ``settings`` is the hash of everything that decides the files apart from the seed (``settings_hash``); ``seconds``
    is the wall time by theory, empty if unknown; ``device`` says where the pair grew; ``imported`` names the settings
    files of a pair of the reference program. Pairs made before mesh and start could be chosen do not record them.
    """

    folder: Path
    seed: int | None
    settings: str
    files: Mapping[str, FileEntry]
    seconds: Mapping[Theory, float]
    software_version: str | None = None
    mesh: str | None = None
    start: str | None = None
    f_nl: float | None = None
    inverted: bool = False
    fixed_amplitude: bool | None = None
    device: str | None = None
    imported: Mapping[Theory, str] | None = None

    @classmethod
    def of(
        cls,
        study: StudyConfig,
        draw: Draw,
        folder: Path,
        files: Mapping[str, FileEntry],
        seconds: Mapping[Theory, float],
        device: str | None = None,
        imported: Mapping[Theory, str] | None = None,
    ) -> Manifest:
        """The manifest of a complete pair in ``folder``, made with this version of the software."""
        about: dict[str, Any] = study.simulation.beginning(isinstance(draw, Inverse))
        return cls(
            folder,
            seed_of(draw),
            settings_hash(study),
            files,
            seconds,
            __version__,
            **about,
            device=device,
            imported=imported,
        )

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """The manifest in the folder of a pair; ``BadInput`` if it is missing, damaged or not a manifest."""
        return cls._from_json(folder, read_json(manifest_path(folder)))

    @classmethod
    def _from_json(cls, folder: Path, value: Any) -> Manifest:
        if not isinstance(value, dict) or "settings" not in value or not isinstance(value.get("files"), dict):
            raise BadInput(
                f"{manifest_path(folder)} lacks 'settings' or 'files', expected what 'weakfield simulate' writes"
            )
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        files = {name: FileEntry.from_json(entry) for name, entry in value["files"].items()}
        named = draw_named(folder.name)
        seed = None if named is None else seed_of(named)
        return cls(**{"seed": seed, "seconds": {}, **known, "folder": folder, "files": files})

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether the folder of a pair has a manifest, whether or not the pair is whole."""
        return manifest_path(folder).exists()

    @staticmethod
    def any_in(folder: RunFolder) -> bool:
        """Whether a run folder holds a pair."""
        return any(folder.pairs.glob(f"seed*/{_NAME}"))

    @property
    def path(self) -> Path:
        """The path of the manifest file."""
        return manifest_path(self.folder)

    def save(self) -> None:
        """Write pair.json into ``folder``, whole or not at all."""
        about = ("seed", "mesh", "start", "f_nl", "inverted", "fixed_amplitude")
        made = ("settings", "software_version", "device", "imported")
        value = {name: given for name in (*about, *made) if (given := getattr(self, name)) is not None}
        files = {name: entry.as_json() for name, entry in self.files.items()}
        write_json(self.path, {**value, "files": files, "seconds": dict(self.seconds)})

    @property
    def content(self) -> list[Any]:
        """What later stages depend on, as JSON: settings and files. It enters the fingerprint of the pairs."""
        return [self.settings, {name: entry.as_json() for name, entry in self.files.items()}]

    @property
    def bytes(self) -> int:
        """Size of the files on disk, as far as the manifest says."""
        return sum(entry.bytes or 0 for entry in self.files.values())

    def redshifts(self, field: str = "phi", outputs: Sequence[float] = ()) -> tuple[float, ...]:
        """The redshifts at which a field was written for both theories, descending; ``outputs`` as in ``path_of``."""
        newton, gr = ({i: z for i, z, _ in self._asked(theory, field, outputs)} for theory in THEORIES)
        return tuple(z for i, z in newton.items() if i in gr)

    def path_of(self, theory: Theory, field: str, redshift: float, outputs: Sequence[float] = ()) -> Path:
        """The file of a field at the output nearest to ``redshift``, within ``TOLERANCE`` (1 + z).

        ``outputs`` are the redshifts the study asked for, descending. An output is looked up first by the redshift that
        was asked for, then by the one it was written at: these differ where steps do not land on outputs. Raises
        ``BadInput``, which lists the available redshifts.
        """
        asked = self._asked(theory, field, outputs)
        written = [(i, z, name) for i, z, name in self._written(theory, field) if z is not None]
        for known in (asked, written):
            apart, name = min(((abs(z - redshift), name) for _, z, name in known), default=(float("inf"), ""))
            if apart <= TOLERANCE * (1.0 + redshift):
                return self.folder / name
        there = [f"{z:g}" for _, z, _ in asked] or sorted({e.field for e in self.files.values() if e.field is not None})
        raise BadInput(
            f"{self.path} lists no {field} of '{theory}' at redshift {redshift:g}, expected one of"
            f" {', '.join(there) or 'its fields'}"
        )

    def _asked(self, theory: Theory, field: str, outputs: Sequence[float]) -> list[tuple[int, float, str]]:
        """The same outputs, each at the redshift that was asked for or, failing that, the one it was written at."""
        asked = ((i, outputs[i] if i < len(outputs) else z, name) for i, z, name in self._written(theory, field))
        return [(i, z, name) for i, z, name in asked if z is not None]

    def _written(self, theory: Theory, field: str) -> list[tuple[int, float | None, str]]:
        """Number, redshift and file name of every output of a field, ordered by number, so that redshifts descend."""
        entries = self.files.items()
        found = [(e.index, e.redshift, n) for n, e in entries if e.theory == theory and e.field == field]
        return sorted(((i, z, name) for i, z, name in found if i is not None), key=lambda output: output[0])


def manifest_path(pair: Path) -> Path:
    """Where the manifest of a pair lies, given the folder of the pair."""
    return pair / _NAME


def settings_hash(study: StudyConfig) -> str:
    """The hash of what decides the files of a pair, apart from the seed and from whether it is inverted."""
    return content_hash(
        {
            "recipe": _RECIPE[study.simulation.mesh, study.simulation.precision],
            "cosmology": study.cosmology.model_dump(mode="json"),
            "simulation": study.simulation.identity(),
            "output": study.output.model_dump(mode="json", exclude=CHECKPOINT_SCHEDULE),
        }
    )


def manifests(folder: RunFolder, draws: Sequence[Draw]) -> Iterator[tuple[Draw, Manifest]]:
    """The manifests of the pairs that have one; a damaged one raises ``BadInput``."""
    for draw in draws:
        if Manifest.exists(folder.pair(draw)):
            yield draw, Manifest.load(folder.pair(draw))


def why_incomplete(study: StudyConfig, draw: Draw, folder: RunFolder) -> str | None:
    """What keeps the pair of a seed from being whole, naming the file; ``None`` if it is whole.

    Raises ``BadInput`` for a pair of other settings: pairs of different settings must not mix in one run folder.
    """
    pair = folder.pair(draw)
    try:
        value = read_json(manifest_path(pair))
    except BadInput as error:
        return str(error)  # missing or unreadable
    manifest = Manifest._from_json(pair, value)
    if manifest.settings != settings_hash(study):
        raise BadInput(
            f"{pair} was grown with other settings ({manifest.settings}) than the study's ({settings_hash(study)}),"
            " expected the same; use another run folder"
        )
    for theory in THEORIES:
        if not folder.member(draw, theory).is_dir():
            return f"{pair} has no '{theory}' run, expected both theories"
    for name, entry in manifest.files.items():
        path = pair / name
        if not path.is_file():
            return f"{path} is missing"
        size = path.stat().st_size
        if entry.bytes not in (None, size):
            return f"{path} has {size} bytes, expected {entry.bytes} by its pair.json"
    return None
