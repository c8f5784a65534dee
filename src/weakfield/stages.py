"""What a stage of a study is: done once, recognised when done, done again when what it rests on changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash, empty_folder, file_hash, read_json, write_json
from weakfield.base.plugins import is_plugin
from weakfield.base.progress import bar
from weakfield.base.provenance import now
from weakfield.config import Draw, Inverse, RunFolder, StudyConfig
from weakfield.simulation.runfolder import sweep

Summary = dict[str, Any]
Work = Callable[[StudyConfig, RunFolder], Summary]
Grow = Callable[[StudyConfig, Draw, RunFolder], None]
Flaw = Callable[[StudyConfig, Draw, RunFolder], str | None]
Campaign = Callable[[StudyConfig, RunFolder, Sequence[Draw]], int]
Check = Callable[[StudyConfig], None]

DONE_FILE, STARTED_FILE = "stage.json", "started.json"
#: the name of the fingerprint of the pairs of inverted seeds
INVERSES = "inverses"
#: where a stage keeps what makes it faster: no output, may be removed
CACHE = "cache"


@dataclass(frozen=True)
class Outcome:
    """What became of a stage: ``done`` now or ``skipped`` as finished before, and the fingerprint of its outputs."""

    stage: str
    status: Literal["done", "skipped"]
    seconds: float
    fingerprint: str
    summary: Summary
    inverses: str | None = None  #: fingerprint of the pairs of inverted seeds, if there are any

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of its outputs, by the names under which stages read them."""
        found = {self.stage: self.fingerprint}
        return found if self.inverses is None else found | {INVERSES: self.inverses}

    def as_dict(self) -> dict[str, Any]:
        """One line of ``--json``."""
        return {"stage": self.stage, "status": self.status, "seconds": round(self.seconds, 3), **self.summary}


class Stage(Protocol):
    """One step from settings to page.

    ``read`` maps the stages in ``reads`` to the fingerprints of their outputs, and ``INVERSES`` to that of the pairs of
    inverted seeds, where there are any.
    """

    @property
    def name(self) -> str: ...

    @property
    def reads(self) -> tuple[str, ...]: ...

    def check(self, study: StudyConfig) -> None:
        """Raise ``BadInput`` for settings the stage could not work with; nothing is read or written."""

    def finished(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome | None:
        """The recorded outcome if the stage is finished for these settings and inputs, else ``None``."""

    def lacks(self, study: StudyConfig, folder: RunFolder) -> str:
        """What keeps the stage from being finished, as far as one file can be named; else empty."""

    def complete(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
        """Do what is missing, nothing if the stage is finished; interrupted at any moment, the next call continues."""


def _no_manifest(study: StudyConfig, draw: Draw, folder: RunFolder) -> str | None:
    path = folder.pair(draw) / "pair.json"
    return None if path.exists() else f"{path} is missing"


@dataclass(frozen=True)
class PairStage:
    """Simulation: every seed of the study, and its inverse where it has them, becomes a whole pair.

    ``grow`` does nothing for one that is whole. ``flaw`` says what keeps a pair from being whole: one that lost or
    changed files is grown again. ``campaign`` grows many and returns how many it grew; without it ``grow`` is called
    for each. ``seeds``: those to grow, if not all of the study.
    """

    grow: Grow
    flaw: Flaw = _no_manifest
    campaign: Campaign | None = None
    seeds: tuple[int, ...] | None = None
    name: str = "simulate"
    reads: tuple[str, ...] = ()

    def check(self, study: StudyConfig) -> None:
        """The settings were checked when the study was read."""

    def finished(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome | None:
        manifests = self._manifests(study, folder)
        if self.lacks(study, folder):
            return None
        return self._outcome("skipped", 0.0, manifests, 0)

    def so_far(self, study: StudyConfig, folder: RunFolder, fingerprint: str | None = None) -> Outcome | None:
        """The outcome of the pairs that are whole by now, or of those that a ``fingerprint`` stood for; if any."""
        manifests = self._manifests(study, folder).items()
        whole = {draw: manifest for draw, manifest in manifests if self.flaw(study, draw, folder) is None}
        if all(isinstance(draw, Inverse) for draw in whole):
            return None
        outcome = self._outcome("skipped", 0.0, whole, 0)
        return outcome if fingerprint is None else replace(outcome, fingerprint=fingerprint)

    def lacks(self, study: StudyConfig, folder: RunFolder) -> str:
        flaws = (self.flaw(study, draw, folder) for draw in self._draws(study))
        return next((found for found in flaws if found), "")

    def complete(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
        begin = time.perf_counter()
        if self.campaign is not None:
            grown = self.campaign(study, folder, self._draws(study))
        else:
            before = self._written(study, folder)
            with bar("pairs", len(self._draws(study))) as progress:
                for draw in self._draws(study):
                    self.grow(study, draw, folder)
                    progress.advance()
            grown = len(self._written(study, folder) - before)
        if lacking := self.lacks(study, folder):
            raise WeakfieldError(f"{lacking} though its pair was grown; expected it whole, the same command grows it")
        manifests = self._manifests(study, folder)
        return self._outcome("done" if grown else "skipped", time.perf_counter() - begin, manifests, grown)

    def _draws(self, study: StudyConfig) -> tuple[Draw, ...]:
        return study.seeds.draws if self.seeds is None else study.seeds.draws_of(self.seeds)

    def _outcome(
        self, status: Literal["done", "skipped"], seconds: float, manifests: dict[Draw, Any], grown: int
    ) -> Outcome:
        files: dict[str, Any] = {}
        inverses: dict[str, Any] = {}
        for draw, manifest in manifests.items():
            of = inverses if isinstance(draw, Inverse) else files
            of[str(draw)] = [manifest["settings"], manifest["files"]]
        summary = {"pairs": len(files), **({"inverted": len(inverses)} if inverses else {}), "grown": grown}
        return Outcome(
            self.name, status, seconds, content_hash(files), summary, content_hash(inverses) if inverses else None
        )

    def _written(self, study: StudyConfig, folder: RunFolder) -> set[tuple[Draw, int]]:
        """Whole pairs, with the time at which each became whole."""
        paths = {draw: folder.pair(draw) / "pair.json" for draw in self._draws(study)}
        return {(draw, path.stat().st_mtime_ns) for draw, path in paths.items() if path.exists()}

    def _manifests(self, study: StudyConfig, folder: RunFolder) -> dict[Draw, Any]:
        paths = {draw: folder.pair(draw) / "pair.json" for draw in self._draws(study)}
        manifests = {draw: read_json(path) for draw, path in paths.items() if path.exists()}
        for draw, manifest in manifests.items():
            if not isinstance(manifest, dict) or not {"settings", "files"} <= set(manifest):
                raise BadInput(f"{paths[draw]} lacks 'settings' or 'files', expected what 'weakfield simulate' writes")
        return manifests


@dataclass(frozen=True)
class FolderStage:
    """A stage that owns a folder and rests on the keys ``settings`` of the study and on the stages it ``reads``.

    A key is a table (``training``) or one of its entries (``audit.bootstrap``).
    """

    name: str
    work: Work
    folder: str
    reads: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    checked_by: Check = lambda study: None
    keeps: bool = False  # its work recognises what is its own in the folder and removes the rest
    inverses: bool = False  # it reads the pairs of inverted seeds too, and is done again when they change

    def check(self, study: StudyConfig) -> None:
        self.checked_by(study)

    def lacks(self, study: StudyConfig, folder: RunFolder) -> str:
        return ""

    def key(self, study: StudyConfig, read: dict[str, str], folder: RunFolder | None = None) -> str:
        """Hash of everything that decides the outputs; a run ``folder`` may have the source of plugins."""
        return content_hash(
            {
                "stage": self.name,
                "settings": {path: _setting(study, path) for path in self.settings},
                "read": {name: read[name] for name in self._matters(read)},
                "software_version": __version__,
                **self._plugins(study, folder),
                **self._own_controls_and_methods(study),
            }
        )

    def _matters(self, read: dict[str, str]) -> tuple[str, ...]:
        """Which of the fingerprints decide the outputs."""
        return (*self.reads, INVERSES) if self.inverses and INVERSES in read else self.reads

    def _plugins(self, study: StudyConfig, folder: RunFolder | None) -> dict[str, str]:
        """The sources of plugins, where the settings that name them decide the outputs."""
        found: dict[str, str] = {}
        if "dataset" in self.settings and study.dataset.plugins:
            from weakfield.dataset.transforms import transform_sources

            found |= transform_sources(study.dataset, folder)
        if "training" in self.settings and study.training.plugins:
            from weakfield.learning.plugins import plugin_sources
            from weakfield.learning.training import kept_plugins

            found |= plugin_sources(study.training, kept_plugins(study, folder) if folder else None)
        return found

    def _own_controls_and_methods(self, study: StudyConfig) -> dict[str, dict[str, str]]:
        """The code of controls and methods of attribution of the user's own, where these decide the outputs."""
        found: dict[str, dict[str, str]] = {}
        if "audit" in self.settings and any(map(is_plugin, (*study.audit.controls, *study.audit.full_controls))):
            from weakfield.audit.registry import own_sources as own_controls

            found["controls"] = own_controls(study)
        if "explain" in self.settings and any(map(is_plugin, (*study.explain.methods, *study.explain.trust_methods))):
            from weakfield.explain.run import own_sources as own_methods

            found["methods"] = own_methods(study)
        return found

    def finished(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome | None:
        place = folder.root / self.folder
        record = recorded(place / DONE_FILE)
        if record.get("key") != self.key(study, read, folder):
            return None
        if any(_hash_or_none(place / name) != digest for name, digest in record["outputs"].items()):
            return None  # an output was removed or altered since
        return Outcome(self.name, "skipped", 0.0, record["fingerprint"], record["summary"])

    def complete(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
        if (done := self.finished(study, folder, read)) is not None:
            return done
        place, key = folder.root / self.folder, self.key(study, read, folder)
        self._begin(place, key)
        begin = time.perf_counter()
        summary = self.work(study, folder)
        seconds = time.perf_counter() - begin
        outputs = _outputs(place)
        fingerprint = content_hash(outputs)
        record = {
            "stage": self.name,
            "key": key,
            "read": read,
            "software_version": __version__,
            "finished": now(),
            "seconds": seconds,
            "summary": summary,
            "fingerprint": fingerprint,
            "outputs": outputs,
        }
        write_json(place / DONE_FILE, record)
        (place / STARTED_FILE).unlink(missing_ok=True)
        return Outcome(self.name, "done", seconds, fingerprint, summary)

    def _begin(self, place: Path, key: str) -> None:
        """Leave in the folder the partial work under this key alone, or nothing."""
        continued = recorded(place / STARTED_FILE).get("key") == key and not (place / DONE_FILE).exists()
        if not continued:
            # The marks go first: what a kill leaves of the old outputs then belongs to no key.
            for name in (DONE_FILE, STARTED_FILE):
                (place / name).unlink(missing_ok=True)
            if not self.keeps:
                empty_folder(place)
            write_json(place / STARTED_FILE, {"key": key, "started": now()})
        sweep(place.rglob(".*.partial"))


def _setting(study: StudyConfig, path: str) -> Any:
    """A table of the study or one of its entries, as JSON; input files count by content, wherever they lie."""
    value: Any = study.model_dump(mode="json") | {"simulation": study.simulation.identity()}
    for name in path.split("."):
        value = value[name]
    return value


def recorded(path: Path) -> dict[str, Any]:
    """A stage's own mark, or nothing when there is none."""
    return dict(read_json(path)) if path.exists() else {}


def _hash_or_none(path: Path) -> str | None:
    return file_hash(path) if path.is_file() else None


def _outputs(place: Path) -> dict[str, str]:
    """Hashes of the files of a stage, but for its own marks and its cache."""
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name not in (DONE_FILE, STARTED_FILE))
    names = {path.relative_to(place).as_posix(): path for path in files}
    return {name: file_hash(path) for name, path in names.items() if not name.startswith(f"{CACHE}/")}
