"""The stages of a study in order: each is done once, recognised when done, and done again when its inputs changed.

Each stage owns one folder in the run folder. ``stage.json``, written there last, says that the stage is finished and
for which *key*: the hash of the settings that matter to it, of what it read and of the software version. While the
stage works, ``started.json`` holds the key, so that an interrupted stage finds its own partial work again and nothing
older. Pairs are finished one by one (``pairs.manifest``) and are never removed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path

from weakfield.base.errors import BadInput, nearest
from weakfield.base.loading import loading
from weakfield.base.plugins import trust
from weakfield.base.pool import workers_kept
from weakfield.base.progress import bars
from weakfield.base.records import StageRecord, Summary
from weakfield.base.system_errors import during
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.campaign import CampaignSettings
from weakfield.pairs.runfolder import open_for_work
from weakfield.stages import DONE_FILE, INVERSES, FolderStage, Outcome, PairStage, Stage


def _stage(
    name: str,
    module: str,
    folder: str,
    reads: tuple[str, ...],
    settings: tuple[str, ...],
    keeps: bool = False,
    inverses: bool = False,
) -> FolderStage:
    """A stage whose ``module`` has a function ``run`` and perhaps ``check``; the module is imported when first used."""

    def work(study: StudyConfig, folder: RunFolder) -> Summary:
        with loading():
            stage = import_module(module)
        summary: Summary = stage.run(study, folder)
        return summary

    def check(study: StudyConfig) -> None:
        getattr(import_module(module), "check", lambda study: None)(study)

    return FolderStage(name, work, folder, reads, settings, check, keeps, inverses)


_UNIVERSE = ("cosmology", "simulation")
_ALL = tuple(name for name in StudyConfig.model_fields if name not in ("seeds", "campaign", "search"))

#: the stages in order; a study's seeds enter through the fingerprint of the pairs, and their inverses through another
STAGES: tuple[Stage, ...] = (
    PairStage(),
    _stage(
        "measure",
        "weakfield.spectra.measure",
        "spectra",
        ("simulate",),
        (*_UNIVERSE, "dataset", "measure", "classes"),
        inverses=True,
    ),
    _stage("dataset", "weakfield.dataset.build", "dataset", ("simulate",), (*_UNIVERSE, "dataset")),
    _stage(
        "train",
        "weakfield.learning.training",
        "training",
        ("dataset",),
        ("training", "evaluation", "audit.bootstrap", "classes.paired"),
    ),
    _stage(
        "audit",
        "weakfield.audit.run",
        "audit",
        ("simulate", "dataset", "train"),
        (*_UNIVERSE, "output", "dataset", "training", "audit", "classes"),
        keeps=True,  # universes grown for controls are kept when the budget changes
        inverses=True,
    ),
    _stage(
        "explain",
        "weakfield.explain.run",
        "explain",
        ("dataset", "train"),
        ("dataset", "training", "explain", "audit.bootstrap", "classes.paired"),
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


def stages_until(last: str | None) -> tuple[Stage, ...]:
    """The stages in order up to and with the ``last``; all of them for ``None``. ``BadInput`` for an unknown name."""
    if last is None:
        return STAGES
    if last not in STAGE_NAMES:
        raise BadInput(f"--until is '{last}', expected one of {', '.join(STAGE_NAMES)}{nearest(last, STAGE_NAMES)}")
    return STAGES[: STAGE_NAMES.index(last) + 1]


def run_study(
    study: StudyConfig,
    root: str | Path,
    only: str | None = None,
    stages: Sequence[Stage] = STAGES,
    tell: Callable[[Outcome], None] = lambda outcome: None,
    campaign: CampaignSettings | None = None,
) -> list[Outcome]:
    """Bring a run folder up to date with ``study``: every stage in order, or only the stage ``only``.

    ``tell`` is called after each stage that was asked for. ``campaign`` says where pairs are grown this time, instead
    of what the study says. Many processes at once may grow pairs while other stages run beside them. Raises
    ``BadInput`` when the folder holds pairs of other settings, or when ``only`` needs an earlier stage that is not
    finished, and ``WeakfieldError`` when another process is working in the folder.
    """
    folder = RunFolder(root)
    if study.plugins:
        trust(folder.root)  # whoever hands over such a study runs its code, and this folder keeps it
    wanted = {stage.name for stage in stages} if only is None else {only}
    needed = wanted | _ancestors(wanted, stages)
    outcomes: list[Outcome] = []
    fingerprints: dict[str, str] = {}
    there = study if campaign is None else study.model_copy(update={"campaign": campaign})
    _check(there, folder, [stage for stage in stages if stage.name in wanted])
    growers = {stage.name for stage in stages if isinstance(stage, PairStage)}
    grows, alone = bool(wanted & growers), not wanted <= growers
    with open_for_work(study, folder, only or "all", grows, alone), workers_kept():
        study = there
        for stage in stages:
            if stage.name not in needed:
                continue
            read = _known(fingerprints, stage)
            if stage.name not in wanted:
                read = _as_read(read, stage, study, folder, growers | {INVERSES})
            if stage.name in wanted:
                # standard output is for outcomes
                with redirect_stdout(sys.stderr), bars(), during(f"the stage {stage.name} of {folder.root}"):
                    outcome: Outcome | None = stage.complete(study, folder, read)
            else:
                outcome = _so_far(stage, study, folder, wanted) or stage.finished(study, folder, read)
            if outcome is None:
                raise _unfinished(stage, study, folder, str(only))
            fingerprints |= outcome.fingerprints
            if stage.name in wanted:
                outcomes.append(outcome)
                tell(outcome)
    return outcomes


def _check(study: StudyConfig, folder: RunFolder, asked: Sequence[Stage]) -> None:
    """Raise ``BadInput`` for settings that a stage could not work with, before any stage begins.

    Stages that are finished for these settings have worked with them, and what checks them takes seconds to import.
    """
    fingerprints: dict[str, str] = {}
    if folder.root.is_dir():
        with suppress(BadInput):  # a folder of other settings is refused when it is opened for work
            for stage in asked:
                known = set(stage.reads) <= set(fingerprints)
                outcome = stage.finished(study, folder, _known(fingerprints, stage)) if known else None
                if outcome is None:
                    break
                fingerprints |= outcome.fingerprints
    for stage in asked:
        if stage.name not in fingerprints:
            stage.check(study)


def require(study: StudyConfig, root: str | Path, name: str, before: str) -> None:
    """Raise ``BadInput`` unless the stage ``name`` and all that it reads are finished for this study; does nothing."""
    folder = RunFolder(root)
    fingerprints: dict[str, str] = {}
    for stage in STAGES:
        if stage.name in {name} | _ancestors({name}, STAGES):
            read = _known(fingerprints, stage)
            outcome = _so_far(stage, study, folder, {before}) or stage.finished(study, folder, read)
            if outcome is None:
                raise _unfinished(stage, study, folder, before)
            fingerprints |= outcome.fingerprints


def _known(fingerprints: dict[str, str], stage: Stage) -> dict[str, str]:
    """The fingerprints of what a stage reads, and that of the pairs of inverted seeds if there are any."""
    inverses = {INVERSES} & set(fingerprints)
    return {name: fingerprints[name] for name in (*stage.reads, *inverses)}


def _unfinished(stage: Stage, study: StudyConfig, folder: RunFolder, before: str) -> BadInput:
    found = stage.lacks(study, folder) or f"{folder.root}: no outcome for the settings in study.toml"
    return BadInput(
        f"{found}; the stage {stage.name} is not finished, expected it before {before};"
        f" 'weakfield {stage.name} {folder.root}' does it"
    )


def _so_far(stage: Stage, study: StudyConfig, folder: RunFolder, wanted: set[str]) -> Outcome | None:
    """For a partial data set, the outcome of the pairs that are whole now; for later stages, of those it used.

    More pairs may have arrived since, but they do not make the data set stale until it is asked for again.
    """
    if not isinstance(stage, PairStage) or not study.dataset.partial:
        return None
    built_of = None
    if not wanted & {"measure", "dataset"}:
        built = StageRecord.load_if_sound(folder.dataset / DONE_FILE)
        built_of = built.inputs.get(stage.name) if built else None
    return stage.so_far(study, folder, built_of)


def _as_read(
    read: dict[str, str], stage: Stage, study: StudyConfig, folder: RunFolder, of_pairs: set[str]
) -> dict[str, str]:
    """``read``, but for a partial data set with the pairs that a stage did read, even if other stages read other ones.

    As long as the data set is not asked for again, pairs that arrived since do not make it stale.
    """
    if not isinstance(stage, FolderStage) or not study.dataset.partial:
        return read
    done = StageRecord.load_if_sound(folder.root / stage.folder / DONE_FILE)
    if done is None:
        return read
    others = {name: fingerprint for name, fingerprint in read.items() if name not in of_pairs}
    return others | {name: done.inputs[name] for name in of_pairs & set(done.inputs)}


def _ancestors(names: set[str], stages: Sequence[Stage]) -> set[str]:
    """The stages whose outputs ``names`` read, directly or indirectly."""
    found: set[str] = set()
    for stage in reversed(stages):
        if stage.name in names | found:
            found |= set(stage.reads)
    return found
