"""What a stage of a study is: done once, recognised when done, and done again when its inputs changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from weakfield._version import __version__
from weakfield.base.errors import WeakfieldError
from weakfield.base.files import content_hash, empty_folder, file_hash, sweep
from weakfield.base.plugins import is_plugin
from weakfield.base.provenance import now
from weakfield.base.records import StageRecord, StartedRecord, Summary
from weakfield.base.trials import LOG
from weakfield.config import Draw, Inverse, RunFolder, StudyConfig
from weakfield.pairs.clusters import check_options
from weakfield.pairs.grow import grow_pairs
from weakfield.pairs.manifest import Manifest, manifest_path, manifests, why_incomplete

Work = Callable[[StudyConfig, RunFolder], Summary]
Grow = Callable[[StudyConfig, RunFolder, Sequence[Draw]], int]
WhyIncomplete = Callable[[StudyConfig, Draw, RunFolder], str | None]
Check = Callable[[StudyConfig], None]

DONE_FILE, STARTED_FILE = "stage.json", "started.json"
#: the name of the fingerprint of the pairs of inverted seeds
INVERSES = "inverses"
#: where a stage keeps what makes it faster: not an output, may be removed
CACHE = "cache"


@dataclass(frozen=True)
class Outcome:
    """What became of a stage: ``done`` now or ``skipped`` as already finished, and the fingerprint of its outputs."""

    stage: str
    status: Literal["done", "skipped"]
    seconds: float
    fingerprint: str
    summary: Summary
    inverses: str | None = None  #: fingerprint of the pairs of inverted seeds, if there are any

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprints of its outputs, by the names under which stages read them."""
        found = {self.stage: self.fingerprint}
        return found if self.inverses is None else found | {INVERSES: self.inverses}

    def as_json(self) -> Summary:
        """The outcome as one line of ``--json``."""
        return {"stage": self.stage, "status": self.status, "seconds": round(self.seconds, 3), **self.summary}


class Stage(Protocol):
    """One step on the way from the settings to the page.

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
        """What keeps the stage from being finished, as far as one file can be named; otherwise empty."""

    def complete(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
        """Do what is missing, or nothing if the stage is finished; after an interruption, the next call continues."""


@dataclass(frozen=True)
class PairStage:
    """Simulation: every seed of the study, and its inverse where it is asked for, becomes a whole pair.

    ``grow`` grows the pairs that are not whole and returns how many it grew; ``why_incomplete`` says what keeps a pair
    from being whole: a pair that lost files, or whose files changed, is grown again. ``seeds`` are those to grow, if
    not all of the study.
    """

    grow: Grow = grow_pairs
    why_incomplete: WhyIncomplete = why_incomplete
    seeds: tuple[int, ...] | None = None
    name: str = "simulate"
    reads: tuple[str, ...] = ()

    def check(self, study: StudyConfig) -> None:
        """Refuse options that the queue does not take, and universes that cannot be grown; nothing grows of cubes."""
        if study.classes is not None:
            return
        from weakfield.mesh.devices import device_for
        from weakfield.simulation.bounds import require_possible

        check_options(study.campaign)
        here = study.campaign.cluster == "local" and study.campaign.scheduler is None
        device = device_for(study.simulation.device) if here else None
        require_possible(study.run_settings("gr", study.seeds.first), device)

    def finished(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome | None:
        if self.lacks(study, folder):
            return None
        return self._outcome("skipped", 0.0, dict(manifests(folder, self._draws(study))), 0)

    def so_far(self, study: StudyConfig, folder: RunFolder, fingerprint: str | None = None) -> Outcome | None:
        """The outcome of the pairs that are whole now, or of those with this ``fingerprint``; ``None`` without any."""
        draws = [draw for draw in self._draws(study) if self.why_incomplete(study, draw, folder) is None]
        whole = dict(manifests(folder, draws))
        if all(isinstance(draw, Inverse) for draw in whole):
            return None
        outcome = self._outcome("skipped", 0.0, whole, 0)
        return outcome if fingerprint is None else replace(outcome, fingerprint=fingerprint)

    def lacks(self, study: StudyConfig, folder: RunFolder) -> str:
        reasons = (self.why_incomplete(study, draw, folder) for draw in self._draws(study))
        return next((reason for reason in reasons if reason), "")

    def complete(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
        begin, draws = time.perf_counter(), self._draws(study)
        grown = self.grow(study, folder, draws)
        found = dict(manifests(folder, draws))
        if absent := [draw for draw in draws if draw not in found]:
            raise WeakfieldError(
                f"{manifest_path(folder.pair(absent[0]))} is missing though its pair was grown; expected it whole, the"
                " same command grows it"
            )
        return self._outcome("done" if grown else "skipped", time.perf_counter() - begin, found, grown)

    def _draws(self, study: StudyConfig) -> tuple[Draw, ...]:
        return study.seeds.draws if self.seeds is None else study.seeds.draws_of(self.seeds)

    def _outcome(
        self, status: Literal["done", "skipped"], seconds: float, found: dict[Draw, Manifest], grown: int
    ) -> Outcome:
        files = {str(draw): manifest.content for draw, manifest in found.items() if not isinstance(draw, Inverse)}
        inverses = {str(draw): manifest.content for draw, manifest in found.items() if isinstance(draw, Inverse)}
        summary = {"pairs": len(files), **({"inverted": len(inverses)} if inverses else {}), "grown": grown}
        return Outcome(
            self.name, status, seconds, content_hash(files), summary, content_hash(inverses) if inverses else None
        )


@dataclass(frozen=True)
class FolderStage:
    """A stage that owns a folder and depends on the keys ``settings`` of the study and on the stages it ``reads``.

    A key is a table (``training``) or one of its entries (``audit.bootstrap``).
    """

    name: str
    work: Work
    folder: str
    reads: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    checked_by: Check = lambda study: None
    keeps: bool = False  # it recognises its own work in the folder and removes the rest
    inverses: bool = False  # it also reads the pairs of inverted seeds, and is done again when they change

    def check(self, study: StudyConfig) -> None:
        self.checked_by(study)

    def lacks(self, study: StudyConfig, folder: RunFolder) -> str:
        return ""

    def key(self, study: StudyConfig, read: dict[str, str], folder: RunFolder | None = None) -> str:
        """Hash of everything that decides the outputs; the run ``folder`` may hold the source of plugins."""
        return content_hash(
            {
                "stage": self.name,
                "settings": {path: _setting(study, path) for path in self._own_settings(study)},
                "read": {name: read[name] for name in self._matters(read)},
                "software_version": __version__,
                **self._plugins(study, folder),
                **self._own_controls_and_methods(study),
            }
        )

    def _own_settings(self, study: StudyConfig) -> tuple[str, ...]:
        """The settings that matter; those of classes only where there are some, so that other runs keep their keys."""
        return tuple(p for p in self.settings if study.classes is not None or p.split(".")[0] != "classes")

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
        """The code of the user's own controls and methods of attribution, where these decide the outputs."""
        found: dict[str, dict[str, str]] = {}
        if "audit" in self.settings and any(map(is_plugin, (*study.audit.controls, *study.audit.full_controls))):
            from weakfield.audit.registry import own_sources as own_controls

            found["controls"] = own_controls(study)
        if "explain" in self.settings and any(map(is_plugin, (*study.explain.methods, *study.explain.trust_methods))):
            from weakfield.explain.explain_run import own_sources as own_methods

            found["methods"] = own_methods(study)
        return found

    def finished(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome | None:
        own = folder.root / self.folder
        record = StageRecord.load_if_sound(own / DONE_FILE)
        if record is None or record.key != self.key(study, read, folder):
            return None
        if record.fingerprint != content_hash(record.outputs):
            return None  # the record itself is damaged
        if any(_hash_or_none(own / name) != digest for name, digest in record.outputs.items()):
            return None  # an output was removed or altered since
        return Outcome(self.name, "skipped", 0.0, record.fingerprint, record.summary)

    def complete(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
        if (done := self.finished(study, folder, read)) is not None:
            return done
        own, key = folder.root / self.folder, self.key(study, read, folder)
        self._begin(own, key)
        begin = time.perf_counter()
        summary = self.work(study, folder)
        seconds = time.perf_counter() - begin
        outputs = _outputs(own)
        fingerprint = content_hash(outputs)
        record = StageRecord(
            stage=self.name,
            key=key,
            inputs=read,
            software_version=__version__,
            finished=now(),
            seconds=seconds,
            summary=summary,
            fingerprint=fingerprint,
            outputs=outputs,
        )
        record.save(own / DONE_FILE)
        (own / STARTED_FILE).unlink(missing_ok=True)
        return Outcome(self.name, "done", seconds, fingerprint, summary)

    def _begin(self, own: Path, key: str) -> None:
        """Keep in the folder only the partial work done under this key, if any."""
        begun = StartedRecord.load_if_sound(own / STARTED_FILE)
        if begun is None or begun.key != key or (own / DONE_FILE).exists():
            # The marks go first, so that what a kill leaves of the old outputs belongs to no key.
            for name in (DONE_FILE, STARTED_FILE):
                (own / name).unlink(missing_ok=True)
            if not self.keeps:
                empty_folder(own)
            StartedRecord(key=key, started=now()).save(own / STARTED_FILE)
        sweep(own.rglob(".*.partial"))


def _setting(study: StudyConfig, path: str) -> Any:
    """A table of the study or one of its entries, as JSON; input files count by content, wherever they lie."""
    value: Any = study.model_dump(mode="json") | {"simulation": study.simulation.identity()}
    for name in path.split("."):
        value = value[name]
    return value


def _hash_or_none(path: Path) -> str | None:
    return file_hash(path) if path.is_file() else None


def _outputs(own: Path) -> dict[str, str]:
    """Hashes of the files of a stage, except its own marks, its cache and tracebacks of what was left out."""
    marks = (DONE_FILE, STARTED_FILE, LOG)
    files = sorted(path for path in own.rglob("*") if path.is_file() and path.name not in marks)
    names = {path.relative_to(own).as_posix(): path for path in files}
    return {name: file_hash(path) for name, path in names.items() if not name.startswith(f"{CACHE}/")}
