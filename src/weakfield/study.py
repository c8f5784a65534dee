"""The stages of a study in order: each is done once, recognised when done, done again when what it rests on changed.

A stage owns one folder of the run folder. ``stage.json``, written there last, says that the stage is finished and for
which *key*: the hash of the settings that matter to it, of what it read and of the software version. While it works,
``started.json`` carries the key, so that an interrupted stage finds its own partial work again and nothing older.
Pairs are finished one by one (``pair.json`` of each) and are never removed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from weakfield._version import __version__
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import content_hash, empty_folder, file_hash, read_json, write_json
from weakfield.base.progress import bar, bars
from weakfield.base.provenance import now
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.campaign import CampaignSettings
from weakfield.simulation.runfolder import open_for_work, sweep

Summary = dict[str, Any]
Work = Callable[[StudyConfig, RunFolder], Summary]
Grow = Callable[[StudyConfig, int, RunFolder], None]
Flaw = Callable[[StudyConfig, int, RunFolder], str | None]
Campaign = Callable[[StudyConfig, RunFolder, Sequence[int]], int]
Check = Callable[[StudyConfig], None]

DONE_FILE, STARTED_FILE = "stage.json", "started.json"
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

    def as_dict(self) -> dict[str, Any]:
        """One line of ``--json``."""
        return {"stage": self.stage, "status": self.status, "seconds": round(self.seconds, 3), **self.summary}


class Stage(Protocol):
    """One step from settings to page. ``read`` maps the stages in ``reads`` to the fingerprints of their outputs."""

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


def _no_manifest(study: StudyConfig, seed: int, folder: RunFolder) -> str | None:
    path = folder.pair(seed) / "pair.json"
    return None if path.exists() else f"{path} is missing"


@dataclass(frozen=True)
class PairStage:
    """Simulation: every seed of the study becomes a whole pair; ``grow`` does nothing for one that is whole.

    ``flaw`` says what keeps a seed from being whole: a pair that lost or changed files is grown again. ``campaign``
    grows many and returns how many it grew; without it ``grow`` is called for each. ``seeds``: those to grow, if not
    all of the study.
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
        whole = {seed: manifest for seed, manifest in manifests if self.flaw(study, seed, folder) is None}
        if not whole:
            return None
        outcome = self._outcome("skipped", 0.0, whole, 0)
        return outcome if fingerprint is None else replace(outcome, fingerprint=fingerprint)

    def lacks(self, study: StudyConfig, folder: RunFolder) -> str:
        flaws = (self.flaw(study, seed, folder) for seed in self._seeds(study))
        return next((found for found in flaws if found), "")

    def complete(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
        begin = time.perf_counter()
        if self.campaign is not None:
            grown = self.campaign(study, folder, self._seeds(study))
        else:
            before = self._written(study, folder)
            with bar("pairs", study.seeds.count) as progress:
                for seed in self._seeds(study):
                    self.grow(study, seed, folder)
                    progress.advance()
            grown = len(self._written(study, folder) - before)
        if lacking := self.lacks(study, folder):
            raise WeakfieldError(f"{lacking} though its pair was grown; expected it whole, the same command grows it")
        manifests = self._manifests(study, folder)
        return self._outcome("done" if grown else "skipped", time.perf_counter() - begin, manifests, grown)

    def _seeds(self, study: StudyConfig) -> tuple[int, ...]:
        return study.seeds.all if self.seeds is None else self.seeds

    def _outcome(
        self, status: Literal["done", "skipped"], seconds: float, manifests: dict[int, Any], grown: int
    ) -> Outcome:
        files = {str(seed): [manifest["settings"], manifest["files"]] for seed, manifest in manifests.items()}
        return Outcome(self.name, status, seconds, content_hash(files), {"pairs": len(manifests), "grown": grown})

    def _written(self, study: StudyConfig, folder: RunFolder) -> set[tuple[int, int]]:
        """Seeds of whole pairs, with the time at which each became whole."""
        paths = {seed: folder.pair(seed) / "pair.json" for seed in self._seeds(study)}
        return {(seed, path.stat().st_mtime_ns) for seed, path in paths.items() if path.exists()}

    def _manifests(self, study: StudyConfig, folder: RunFolder) -> dict[int, Any]:
        paths = {seed: folder.pair(seed) / "pair.json" for seed in self._seeds(study)}
        manifests = {seed: read_json(path) for seed, path in paths.items() if path.exists()}
        for seed, manifest in manifests.items():
            if not isinstance(manifest, dict) or not {"settings", "files"} <= set(manifest):
                raise BadInput(f"{paths[seed]} lacks 'settings' or 'files', expected what 'weakfield simulate' writes")
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

    def check(self, study: StudyConfig) -> None:
        self.checked_by(study)

    def lacks(self, study: StudyConfig, folder: RunFolder) -> str:
        return ""

    def key(self, study: StudyConfig, read: dict[str, str]) -> str:
        """Hash of everything that decides the outputs."""
        return content_hash(
            {
                "stage": self.name,
                "settings": {path: _setting(study, path) for path in self.settings},
                "read": {name: read[name] for name in self.reads},
                "software_version": __version__,
                **self._own_network(study),
            }
        )

    def _own_network(self, study: StudyConfig) -> dict[str, str]:
        """The code of a network of the user's own, where the training decides the outputs."""
        if "training" not in self.settings or ":" not in study.training.network:
            return {}
        from weakfield.learning.networks import network_identity

        return {"network": network_identity(study.training)}

    def finished(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome | None:
        place = folder.root / self.folder
        record = _record(place / DONE_FILE)
        if record.get("key") != self.key(study, read):
            return None
        if any(_hash_or_none(place / name) != digest for name, digest in record["outputs"].items()):
            return None  # an output was removed or altered since
        return Outcome(self.name, "skipped", 0.0, record["fingerprint"], record["summary"])

    def complete(self, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
        if (done := self.finished(study, folder, read)) is not None:
            return done
        place, key = folder.root / self.folder, self.key(study, read)
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
        continued = _record(place / STARTED_FILE).get("key") == key and not (place / DONE_FILE).exists()
        if not continued:
            # The marks go first: what a kill leaves of the old outputs then belongs to no key.
            for name in (DONE_FILE, STARTED_FILE):
                (place / name).unlink(missing_ok=True)
            if not self.keeps:
                empty_folder(place)
            write_json(place / STARTED_FILE, {"key": key, "started": now()})
        sweep(place.rglob(".*.partial"))


def _stage(
    name: str, module: str, folder: str, reads: tuple[str, ...], settings: tuple[str, ...], keeps: bool = False
) -> FolderStage:
    """A stage whose ``module`` has ``run`` and perhaps ``check``; it is imported when first used."""

    def work(study: StudyConfig, folder: RunFolder) -> Summary:
        summary: Summary = import_module(module).run(study, folder)
        return summary

    def check(study: StudyConfig) -> None:
        getattr(import_module(module), "check", lambda study: None)(study)

    return FolderStage(name, work, folder, reads, settings, check, keeps)


def _grow(study: StudyConfig, seed: int, folder: RunFolder) -> None:
    from weakfield.simulation import grow_pair

    grow_pair(study, seed, folder)


def _campaign(study: StudyConfig, folder: RunFolder, seeds: Sequence[int]) -> int:
    from weakfield.campaign import grow_pairs

    return grow_pairs(study, folder, seeds)


def _flaw(study: StudyConfig, seed: int, folder: RunFolder) -> str | None:
    from weakfield.simulation.pair import flaw

    return flaw(study, seed, folder)


_UNIVERSE = ("cosmology", "simulation")
_ALL = tuple(name for name in StudyConfig.model_fields if name not in ("seeds", "campaign", "search"))

#: the stages in order; a study's seeds enter through the fingerprint of the pairs
STAGES: tuple[Stage, ...] = (
    PairStage(_grow, _flaw, _campaign),
    _stage("measure", "weakfield.spectra.measure", "spectra", ("simulate",), (*_UNIVERSE, "dataset", "measure")),
    _stage("dataset", "weakfield.dataset.build", "dataset", ("simulate",), (*_UNIVERSE, "dataset")),
    _stage(
        "train", "weakfield.learning.training", "training", ("dataset",), ("training", "evaluation", "audit.bootstrap")
    ),
    _stage(
        "audit",
        "weakfield.audit.run",
        "audit",
        ("simulate", "dataset", "train"),
        (*_UNIVERSE, "output", "dataset", "training", "audit"),
        keeps=True,  # universes grown for controls outlive a change of the budget
    ),
    _stage(
        "explain",
        "weakfield.explain.run",
        "explain",
        ("dataset", "train"),
        ("dataset", "training", "explain", "audit.bootstrap"),
    ),
    _stage(
        "report",
        "weakfield.report.run",
        "report",
        ("simulate", "measure", "dataset", "train", "audit", "explain"),
        _ALL,
    ),
)

STAGE_NAMES = tuple(stage.name for stage in STAGES)


def run_study(
    study: StudyConfig,
    root: str | Path,
    only: str | None = None,
    stages: Sequence[Stage] = STAGES,
    tell: Callable[[Outcome], None] = lambda outcome: None,
    campaign: CampaignSettings | None = None,
) -> list[Outcome]:
    """Bring a run folder up to date with ``study``: every stage in order, or the stage ``only`` by itself.

    ``tell`` is called after each stage that was asked for. ``campaign``: where pairs are grown this time, instead of as
    the study says. Pairs alone may be grown by many processes at once, and other stages beside them. Raises
    ``BadInput`` when the folder holds pairs of other settings, or when ``only`` needs an earlier stage that is not
    finished; ``WeakfieldError`` when another process is at work in the folder.
    """
    folder = RunFolder(root)
    wanted = {stage.name for stage in stages} if only is None else {only}
    needed = wanted | _ancestors(wanted, stages)
    outcomes: list[Outcome] = []
    fingerprints: dict[str, str] = {}
    for stage in stages:
        if stage.name in wanted:
            stage.check(study)
    growers = {stage.name for stage in stages if isinstance(stage, PairStage)}
    grows, alone = bool(wanted & growers), not wanted <= growers
    with open_for_work(study, folder, only or "all", grows, alone):
        if campaign is not None:
            study = study.model_copy(update={"campaign": campaign})
        for stage in stages:
            if stage.name not in needed:
                continue
            read = {name: fingerprints[name] for name in stage.reads}
            if stage.name not in wanted:
                read |= _pairs_read(stage, study, folder, growers)
            if stage.name in wanted:
                outcome: Outcome | None = _completed(stage, study, folder, read)
            else:
                outcome = _so_far(stage, study, folder, wanted) or stage.finished(study, folder, read)
            if outcome is None:
                found = stage.lacks(study, folder) or f"{folder.root}: no outcome for the settings in study.toml"
                raise BadInput(
                    f"{found}; the stage {stage.name} is not finished, expected it before {only};"
                    f" 'weakfield {stage.name} {folder.root}' does it"
                )
            fingerprints[stage.name] = outcome.fingerprint
            if stage.name in wanted:
                outcomes.append(outcome)
                tell(outcome)
    return outcomes


def _so_far(stage: Stage, study: StudyConfig, folder: RunFolder, wanted: set[str]) -> Outcome | None:
    """For a partial data set the pairs that are whole; for what comes after it those it was built of.

    More may have come since: they do not make the data set stale until it is asked for again.
    """
    if not isinstance(stage, PairStage) or not study.dataset.partial:
        return None
    built_of = None
    if not wanted & {"measure", "dataset"}:
        built_of = _record(folder.dataset / DONE_FILE).get("read", {}).get(stage.name)
    return stage.so_far(study, folder, built_of)


def _pairs_read(stage: Stage, study: StudyConfig, folder: RunFolder, growers: set[str]) -> dict[str, str]:
    """Of a partial data set: the fingerprint of the pairs that a stage read, though others read earlier or later.

    As long as it is not asked for again the pairs that arrived since do not make it stale.
    """
    if not isinstance(stage, FolderStage) or not study.dataset.partial:
        return {}
    read = _record(folder.root / stage.folder / DONE_FILE).get("read", {})
    return {name: read[name] for name in growers & set(stage.reads) & set(read)}


def _completed(stage: Stage, study: StudyConfig, folder: RunFolder, read: dict[str, str]) -> Outcome:
    """Complete a stage with its bars shown and whatever it prints sent to standard error: standard output is ours."""
    with redirect_stdout(sys.stderr), bars():
        return stage.complete(study, folder, read)


def open_run(root: str | Path) -> StudyConfig:
    """The study of a run folder; a ``BadInput`` when the folder has none."""
    folder = RunFolder(root)
    if not folder.root.is_dir():
        raise BadInput(f"{folder.root} is not a folder; expected a run folder made by 'weakfield run'")
    if not folder.study.exists():
        raise BadInput(f"{folder.root} holds no study.toml; expected a run folder made by 'weakfield run'")
    return StudyConfig.from_toml(folder.study)


def _ancestors(names: set[str], stages: Sequence[Stage]) -> set[str]:
    """The stages whose outputs ``names`` read, directly or not."""
    found: set[str] = set()
    for stage in reversed(stages):
        if stage.name in names | found:
            found |= set(stage.reads)
    return found


def _setting(study: StudyConfig, path: str) -> Any:
    """A table of the study or one of its entries, as JSON; input files count by content, wherever they lie."""
    value: Any = study.model_dump(mode="json") | {"simulation": study.simulation.identity()}
    for name in path.split("."):
        value = value[name]
    return value


def _record(path: Path) -> dict[str, Any]:
    """A stage's own mark, or nothing when there is none."""
    return dict(read_json(path)) if path.exists() else {}


def _hash_or_none(path: Path) -> str | None:
    return file_hash(path) if path.is_file() else None


def _outputs(place: Path) -> dict[str, str]:
    """Hashes of the files of a stage, but for its own marks and its cache."""
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name not in (DONE_FILE, STARTED_FILE))
    names = {path.relative_to(place).as_posix(): path for path in files}
    return {name: file_hash(path) for name, path in names.items() if not name.startswith(f"{CACHE}/")}
