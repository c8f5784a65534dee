"""The search for training settings: trials are judged on the validation part, and the best is tested at the end.

Trials are kept in ``search/`` of the run folder: the store of optuna (a journal to which several processes append), a
model folder for each trial, and ``best.json``. The same command continues a search; changed settings or data begin a
separate search in the same store.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from weakfield._version import __version__
from weakfield.base import ending
from weakfield.base.errors import WeakfieldError
from weakfield.base.files import content_hash, write_text
from weakfield.base.optional import from_extra
from weakfield.base.progress import bar
from weakfield.base.records import Record
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.search import Range
from weakfield.config.training import TrainingSettings
from weakfield.dataset import open_dataset
from weakfield.learning.fitting import fit, load_model, score
from weakfield.learning.metrics import evaluate
from weakfield.learning.plugins import plugin_sources
from weakfield.learning.results import HISTORY, History, Measures
from weakfield.learning.training import kept_plugins, main_model, models, task
from weakfield.pairs.locks import run_lock

if TYPE_CHECKING:
    import optuna

STORE, BEST = "journal.log", "best.json"
LOOK = 0.5  # seconds between looks at the store


class Found(Record):
    """The best trial of a ``search``: its settings, what it is worth, and how many trials had each outcome.

    ``test_reads``: how often a best network of this search has been tested, which is 1 unless the search was continued
    and found a better one.
    """

    search: str
    trial: int
    settings: dict[str, Any]
    validation_loss: float | None = None  #: of this and the next, only the one that judged is given
    validation_auc: float | None = None
    trials: dict[str, int]
    folder: str
    test: Measures
    test_reads: int


def search(study: StudyConfig, folder: RunFolder) -> Found:
    """Bring the search of a run folder to ``study.search.trials`` trials; the result is also in ``best.json``.

    ``best.toml`` holds the settings as a table of a study. Raises ``BadInput`` when optuna or the data set is missing,
    ``WeakfieldError`` when every trial failed.
    """
    optuna = _optuna()
    with run_lock(folder):
        where = folder.search
        where.mkdir(exist_ok=True)
        name = _name(study, folder)
        store = _store(where)
        optuna.create_study(
            storage=store,
            study_name=name,
            load_if_exists=True,
            direction="minimize" if study.search.judge == "loss" else "maximize",
        )
        found = optuna.load_study(study_name=name, storage=store)
        for trial in found.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            found.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # its process is gone
        before = len(found.get_trials(deepcopy=False))
        _run(study, folder, name, max(study.search.trials - before, 0), before)
        return _report(study, folder, found)


def _run(study: StudyConfig, folder: RunFolder, name: str, missing: int, before: int) -> None:
    """Run the missing trials, shared out evenly among the workers."""
    workers = min(study.search.workers, missing)
    shares = [missing // workers + (i < missing % workers) for i in range(workers)]
    if workers == 1:
        _work(study, folder.root, name, missing, before, None)
        return
    from weakfield.mesh.threads import available_threads

    threads = max(1, available_threads() // max(workers, 1))
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_work, args=(study, folder.root, name, share, before + i, threads), daemon=True)
        for i, share in enumerate(shares)
    ]
    for process in processes:
        process.start()
    try:
        with bar("trials", before + missing) as progress:
            seen = 0
            while any(process.is_alive() for process in processes):
                time.sleep(LOOK)
                ended = _ended(folder, name)
                progress.advance(ended - seen)
                seen = ended
    finally:
        for process in processes:
            process.terminate()
            process.join()
    if any(process.exitcode for process in processes):
        raise WeakfieldError(f"a worker of the search ended with code {max(p.exitcode or 0 for p in processes)}")


def _work(study: StudyConfig, root: Path, name: str, trials: int, number: int, threads: int | None) -> None:
    """Run ``trials`` trials in this process; ``number`` makes its choices differ from those of the other workers."""
    optuna = _optuna()
    if threads is not None:
        import torch

        ending.prepare()
        torch.set_num_threads(threads)
    folder, settings = RunFolder(root), study.search
    dataset = open_dataset(folder)
    job = task(study, dataset, models(study)[main_model(study)])

    def objective(trial: Any) -> float:
        made = _settings(study, {key: _suggested(trial, key, choices) for key, choices in settings.tried.items()})
        rows: list[dict[str, float]] = []

        def watch(row: dict[str, float]) -> None:
            rows.append(row)
            kept = min(rows, key=lambda row: row["validation_loss"])  # the epoch whose weights a training keeps
            trial.report(_judged(kept, settings.judge), int(row["epoch"]))
            if trial.should_prune():
                raise optuna.TrialPruned

        fit(replace(job, settings=made), _place(folder, name, trial.number), f"trial {trial.number}", watch)
        best = History.load(_place(folder, name, trial.number) / HISTORY).best
        return best.validation_loss if settings.judge == "loss" else best.validation_auc

    epochs = settings.epochs or study.training.epochs
    found = optuna.load_study(
        study_name=name,
        storage=_store(folder.search),
        sampler=optuna.samplers.TPESampler(seed=settings.seed + 1000 * number),
        pruner=(
            optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=epochs // 4)
            if settings.prune
            else optuna.pruners.NopPruner()
        ),
    )
    with bar("trials", trials) as progress:
        found.optimize(
            objective, n_trials=trials, catch=(WeakfieldError,), callbacks=[lambda study, trial: progress.advance()]
        )
    if threads is not None:
        ending.finish(0)


def _report(study: StudyConfig, folder: RunFolder, found: optuna.Study) -> Found:
    """Test the best trial, unless that was done already; write ``best.json`` and ``best.toml``."""
    trials = found.get_trials(deepcopy=False)
    outcomes = {
        outcome: sum(trial.state.name == state for trial in trials)
        for outcome, state in (("complete", "COMPLETE"), ("pruned", "PRUNED"), ("failed", "FAIL"))
    }
    if not outcomes["complete"]:
        raise WeakfieldError(
            f"none of the {len(trials)} trials of the search was completed; their settings or the data do not fit"
        )
    best, where = found.best_trial, folder.search
    before = Found.load(where / BEST) if (where / BEST).exists() else None
    if before is not None and before.search != found.study_name:
        before = None
    place = _place(folder, found.study_name, best.number)
    if before is not None and before.trial == best.number:
        test, reads = before.test, before.test_reads
    else:
        pairs = task(study, open_dataset(folder), models(study)[main_model(study)]).pairs["test"]
        test = evaluate(score(load_model(place), pairs), study.audit.bootstrap, study.paired)
        reads = 1 + (before.test_reads if before is not None else 0)
    values: dict[str, Any] = {
        "search": found.study_name,
        "trial": best.number,
        "settings": best.params,
        f"validation_{study.search.judge}": best.value,
        "trials": outcomes,
        "folder": str(place.relative_to(folder.root)),
        "test": test,
        "test_reads": reads,
    }
    result = Found(**values)
    result.save(where / BEST)
    made = _settings(study, best.params).model_copy(update={"epochs": study.training.epochs})
    write_text(where / "best.toml", tomli_w.dumps({"training": made.model_dump(mode="json", exclude_none=True)}))
    return result


def _settings(study: StudyConfig, values: dict[str, Any]) -> TrainingSettings:
    base = study.training.model_dump() | {"epochs": study.search.epochs or study.training.epochs}
    return TrainingSettings.from_mapping(base | values, "search.space")


def _suggested(trial: optuna.Trial, key: str, choices: Any) -> Any:
    if not isinstance(choices, Range):
        return trial.suggest_categorical(key, list(choices))
    if isinstance(choices.low, int) and isinstance(choices.high, int):
        return trial.suggest_int(key, choices.low, choices.high, log=choices.log)
    return trial.suggest_float(key, choices.low, choices.high, log=choices.log)


def _judged(row: dict[str, float], judge: str) -> float:
    return float(row[f"validation_{judge}"])


def _name(study: StudyConfig, folder: RunFolder) -> str:
    """The name of the search: a hash of everything that decides what a trial is worth."""
    free = study.search.tried.keys()
    return content_hash(
        {
            "training": study.training.model_dump(mode="json", exclude={"mean_kept_too", *free}),
            "search": study.search.model_dump(mode="json", include={"epochs", "judge"}),
            "space": {
                key: choices.model_dump() if isinstance(choices, Range) else list(choices)
                for key, choices in study.search.tried.items()
            },
            "model": main_model(study),
            "data": open_dataset(folder).fingerprint,
            **{"network": "", **plugin_sources(study.training, kept_plugins(study, folder))},
            "software_version": __version__,
        }
    )


def _place(folder: RunFolder, name: str, number: int) -> Path:
    return folder.search / name / f"trial{number:05d}"


def _store(where: Path) -> optuna.storages.BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(where / STORE)))


def _ended(folder: RunFolder, name: str) -> int:
    study = _optuna().load_study(study_name=name, storage=_store(folder.search))
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


def _optuna() -> Any:
    with from_extra("learn", "the search"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
