"""The manifest pair.json: what a pair is and which files it is made of. No other module reads or writes it.

It is written last, so a pair is whole when its manifest is there, and a folder without one is not a pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, TypeAdapter, ValidationError

from weakfield._version import __version__
from weakfield.base.errors import BadInput
from weakfield.base.files import content_hash, read_json, write_json
from weakfield.base.records import flaw
from weakfield.config import THEORIES, Draw, Inverse, RunFolder, SimulationSettings, StudyConfig, Theory
from weakfield.config.layout import draw_named, pair_name, seed_of
from weakfield.config.run_settings import CHECKPOINT_SCHEDULE
from weakfield.pairs.entries import FileEntry, Files, Seconds, outputs_of, unlisted, with_defaults

_NAME = "pair.json"
#: by mesh and precision; raised whenever the same settings give other numbers, so that old and new pairs never mix
_RECIPE = {
    ("staggered", "double"): 2, ("staggered", "single"): 3, ("spectral", "double"): 5, ("spectral", "single"): 5,
}  # fmt: skip
#: largest distance of a redshift from that of the output it stands for, over 1 + z
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Manifest:
    """What a pair was grown from and with, and its ``files`` by their names in ``folder``.

    ``settings`` is the hash of everything that decides the files apart from the seed (``settings_hash``); ``seconds``
    is the wall time by theory, empty if unknown; ``device`` says where the pair grew; ``imported`` names the settings
    files of a pair of the reference program. Pairs made before mesh and start could be chosen do not record them.
    """

    folder: Path
    seed: StrictInt | None
    settings: str
    files: Files
    seconds: Mapping[Theory, Seconds]
    software_version: str | None = None
    mesh: str | None = None
    start: str | None = None
    f_nl: float | None = None
    inverted: StrictBool = False
    fixed_amplitude: StrictBool | None = None
    device: str | None = None
    imported: Annotated[Mapping[Theory, str], Field(min_length=1)] | None = None

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
        """The manifest in the folder of a pair.

        Raises ``BadInput`` if it is missing, damaged or not a manifest, or if it is of another pair than the folder:
        a copied pair is no other seed.
        """
        return cls._from_json(folder, read_json(manifest_path(folder)))

    @classmethod
    def _from_json(cls, folder: Path, value: Any) -> Manifest:
        if not isinstance(value, dict) or "settings" not in value or not isinstance(value.get("files"), dict):
            raise BadInput(
                f"{manifest_path(folder)} lacks 'settings' or 'files', expected what 'weakfield simulate' writes"
            )
        named = draw_named(folder.name)
        about = {} if named is None else {"seed": seed_of(named), "inverted": isinstance(named, Inverse)}
        given = {key: of for key, of in value.items() if of is not None}
        files = {name: with_defaults(entry) for name, entry in value["files"].items()}
        values = {"seed": None, "seconds": {}, **about, **given, "folder": folder, "files": files}
        try:
            found = _checked().validate_python(values)
        except ValidationError as error:
            raise BadInput(f"{manifest_path(folder)} {flaw(error, 'manifest of a pair')}") from error
        if named is not None and found.draw != named:
            raise BadInput(
                f"{manifest_path(folder)} is that of {pair_name(found.draw)}, expected {folder.name}: a pair that was"
                " copied or renamed is not that of another seed"
            )
        return found

    @property
    def draw(self) -> Draw:
        """What the pair was grown from: its seed, or the inverse of it."""
        assert self.seed is not None  # the folder of a pair has a seed in its name
        return Inverse(self.seed) if self.inverted else self.seed

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
    def theories(self) -> tuple[Theory, ...]:
        """The members that the pair has; only an imported pair may lack one."""
        return THEORIES if self.imported is None else tuple(theory for theory in THEORIES if theory in self.imported)

    @property
    def content(self) -> list[Any]:
        """What later stages depend on, as JSON: settings and files. It enters the fingerprint of the pairs."""
        return [self.settings, {name: entry.as_json() for name, entry in self.files.items()}]

    @property
    def bytes(self) -> int:
        """Size of the files on disk, as far as the manifest says."""
        return sum(entry.bytes or 0 for entry in self.files.values())

    def redshifts(self, field: str = "phi", outputs: Sequence[float] = ()) -> tuple[float, ...]:
        """The redshifts at which a field was written for all its members, descending; ``outputs`` as in ``path_of``."""
        first, *others = ({i: z for i, z, _ in self._asked(theory, field, outputs)} for theory in self.theories)
        return tuple(z for i, z in first.items() if all(i in other for other in others))

    def path_of(self, theory: Theory, field: str, redshift: float, outputs: Sequence[float] = ()) -> Path:
        """The file of a field at the output nearest to ``redshift``, within ``TOLERANCE`` (1 + z).

        ``outputs`` are the redshifts the study asked for, descending. An output is looked up first by the redshift that
        was asked for, then by the one it was written at: these differ where steps do not land on outputs. Raises
        ``BadInput``, which lists the available redshifts.
        """
        if theory not in self.theories:
            raise BadInput(
                f"{self.path} has no '{theory}' run: '{self.theories[0]}' alone was imported, expected both theories"
                " for this"
            )
        asked = self._asked(theory, field, outputs)
        written = [(i, z, name) for i, z, name in outputs_of(self.files, theory, field) if z is not None]
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
        written = outputs_of(self.files, theory, field)
        asked = ((i, outputs[i] if i < len(outputs) else z, name) for i, z, name in written)
        return [(i, z, name) for i, z, name in asked if z is not None]


@cache
def _checked() -> TypeAdapter[Manifest]:
    """Checks the types of what pair.json holds; keys of later versions are ignored."""
    return TypeAdapter(Manifest)


def manifest_path(pair: Path) -> Path:
    """Where the manifest of a pair lies, given the folder of the pair."""
    return pair / _NAME


def _since(simulation: SimulationSettings) -> dict[str, int]:
    """What tells pairs of some settings from those grown before these settings began to give other numbers."""
    found = {}
    if simulation.transfer_nodes == "class" and simulation.transfer != "class":
        found["class_times"] = 1  # tables of CAMB pass through CLASS's times
    changed = {"T00", "rhoN", "deltaN", "psiN"} & set(simulation.spectra_fields)
    if changed and simulation.mesh == "staggered" and (simulation.linear_radiation or simulation.linear_fluid):
        found["linear_spectra"] = 1  # these spectra have the linear part
    return found


def settings_hash(study: StudyConfig) -> str:
    """The hash of what decides the files of a pair, apart from the seed and from whether it is inverted."""
    simulation = study.simulation
    cones = {"lightcone": study.lightcone.model_dump(mode="json")} if study.lightcone.cones else {}
    return content_hash(
        {
            **cones,
            **_since(simulation),
            "recipe": _RECIPE[simulation.mesh, simulation.precision],
            "cosmology": study.cosmology.model_dump(mode="json"),
            "simulation": simulation.identity(),
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
        manifest = Manifest.load(pair)
    except BadInput as error:
        return str(error)  # missing, damaged, or that of another pair
    if manifest.settings != settings_hash(study):
        raise BadInput(
            f"{pair} was grown with other settings ({manifest.settings}) than the study's ({settings_hash(study)}),"
            " expected the same; use another run folder"
        )
    for theory in manifest.theories:
        if not folder.member(draw, theory).is_dir():
            return f"{pair} has no '{theory}' run, expected both theories"
    for name, entry in manifest.files.items():
        path = pair / name
        if not path.is_file():
            return f"{path} is missing"
        size = path.stat().st_size
        if entry.bytes not in (None, size):
            return f"{path} has {size} bytes, expected {entry.bytes} by its pair.json"
    lacking = unlisted(study, pair, manifest.files, manifest.theories, imported=manifest.imported is not None)
    return None if lacking is None else f"{manifest.path} {lacking}"
