"""The train stage: every network of the study, its baselines, and what both are worth on the test seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from weakfield.base.arrays import save_arrays
from weakfield.base.files import file_hash, write_json
from weakfield.base.optional import from_extra
from weakfield.base.pool import mapped
from weakfield.base.records import Summary
from weakfield.base.trials import LOG, Trial, tell
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import PARTS, Dataset, Pairs, Part, open_dataset
from weakfield.dataset.build import sample_shape
from weakfield.learning.baselines import BASELINES, baselines_of, score_baselines
from weakfield.learning.bound import measured_bound
from weakfield.learning.concurrency import one_thread
from weakfield.learning.curve import check_sizes, trace_curve
from weakfield.learning.diagnosis import diagnose
from weakfield.learning.fitting import Task, fit, load_model, score
from weakfield.learning.losses import judgement
from weakfield.learning.metrics import auc, evaluate, evaluation
from weakfield.learning.networks import check_network
from weakfield.learning.plugins import FOLDER as PLUGINS
from weakfield.learning.plugins import plugin_sources
from weakfield.learning.results import HISTORY, METRICS, Evaluation, History, Metrics, Parts
from weakfield.learning.scores import Scores, cube_scores
from weakfield.learning.summaries import Summaries, measure_summaries
from weakfield.learning.two_sample import FEATURES, two_sample

__all__ = ["check", "kept_plugins", "load_model", "main_model", "models", "run", "task"]

#: baselines named in the line that the stage prints; metrics.json has all of them
SUMMARISED = ("mean", "log_pk", "pk_bk")

ByPart = Mapping[Part, Scores]


def models(study: StudyConfig) -> dict[str, bool]:
    """Name of each model of the study, the main one first, and whether it sees the cube mean."""
    if study.dataset.keep_mean:
        return {"cnn_meankept": True, "cnn": False}
    return {"cnn": False, "cnn_meankept": True} if study.training.mean_kept_too else {"cnn": False}


def main_model(study: StudyConfig) -> str:
    """Name of the model that the audit examines and that is explained."""
    return next(iter(models(study)))


def check(study: StudyConfig) -> None:
    """``BadInput`` when the network does not exist or cannot take its samples, a plugin cannot be imported, the
    learning curve is too long, or scikit-learn is not installed; nothing is read.
    """
    with from_extra("learn", "training beside its baselines"):
        import sklearn  # noqa: F401
    check_sizes(study)
    plugin_sources(study.training)
    check_network(sample_shape(study), study.training)


def run(study: StudyConfig, folder: RunFolder) -> Summary:
    """Train every model of the study; writes ``training/<model>/`` and returns the test AUCs.

    Each model folder holds ``weights.pt``, ``history.json``, ``scores.json`` (logits of every seed, for the network
    and each baseline) and, written last, ``metrics.json``; where samples are parts of cubes, there is also
    ``slice_scores.npz``. ``training/summaries.npz`` has the summary statistics that the baselines see; where the study
    asks for it, ``training/learning_curve/`` has the main network trained again with fewer seeds. A baseline that
    cannot be fitted to these data is left out: ``metrics.json`` and a warning say why, ``training/left_out.log`` has
    the traceback.
    """
    dataset = open_dataset(folder)
    summaries = measure_summaries(dataset, folder.training / "summaries.npz")
    trial = Trial(folder.training / LOG)
    parts: dict[Part, list[int]] = {part: dataset.part(part) for part in PARTS}
    names = baselines_of(study)
    of_pairs = [name for name in BASELINES if name not in names]
    trial.said |= {name: f"{name}: left out, since the classes are not paired" for name in of_pairs}
    baselines = score_baselines(summaries, parts, names, trial, study.campaign.here)
    summary: dict[str, float] = {}
    for name, keep_mean in models(study).items():
        metrics, scores = _train_model(study, folder, dataset, name, keep_mean, baselines, summaries, trial)
        summary[f"{name}_auc"] = metrics.test["auc"].value
        if metrics.bound is not None:
            summary[f"{name}_bound"] = metrics.bound.auc.value
        if name == main_model(study):
            trace_curve(study, folder, dataset, summaries, keep_mean, {"network": scores, **baselines})
    for name in (name for name in SUMMARISED if name in baselines):
        summary[f"{name}_auc"] = auc(baselines[name]["test"])
    tell(trial.said, folder.training / LOG)
    return summary


def task(study: StudyConfig, dataset: Dataset, keep_mean: bool) -> Task:
    """The training of one model on the data set."""
    pairs: dict[Part, Pairs] = {part: dataset.samples(part, keep_mean) for part in PARTS}
    data = f"{dataset.fingerprint} {'mean kept' if keep_mean else 'mean removed'}"
    return Task(study.training, pairs, data, kept_plugins(study, dataset.folder))


def kept_plugins(study: StudyConfig, folder: RunFolder) -> Path:
    """Where a run keeps the sources of the plugins that its main network was trained with."""
    return folder.model(main_model(study)) / PLUGINS


def _train_model(
    study: StudyConfig,
    folder: RunFolder,
    dataset: Dataset,
    name: str,
    keep_mean: bool,
    baselines: Mapping[str, dict[Part, Scores]],
    summaries: Summaries,
    trial: Trial,
) -> tuple[Metrics, dict[Part, Scores]]:
    """Train one network and write its files; return its metrics and its scores of cubes."""
    job, where, resamples = task(study, dataset, keep_mean), folder.model(name), study.audit.bootstrap
    network = fit(job, where, f"training {name}")
    samples: dict[Part, Scores] = {part: score(network, job.pairs[part]) for part in PARTS}
    cubes: dict[Part, Scores] = {part: cube_scores(found) for part, found in samples.items()}
    everyone: dict[str, dict[Part, Scores]] = {"network": cubes, **baselines}
    write_json(
        where / "scores.json",
        {who: {part: value.as_json() for part, value in parts.items()} for who, parts in everyone.items()},
    )
    evaluated = mapped(evaluation_work, (everyone, resamples, study.paired), list(everyone), study.campaign.here)
    results = dict(zip(everyone, evaluated, strict=True))
    judged = judgement(study.training, job.kept)
    values: dict[str, Any] = {
        **dict(results["network"]),
        "seeds": dataset.split,
        "baselines": {who: results[who].test for who in baselines},
        "baseline_temperatures": {who: results[who].temperature for who in baselines},
        "bound": trial.attempt("bound", partial(measured_bound, summaries, dataset.part("train"), keep_mean)),
        "fit": diagnose(
            History.load(where / HISTORY), samples["train"], samples["validation"], resamples, judged, study.paired
        ),
        "two_sample": two_sample(summaries.rows(FEATURES, dataset.part("test"))) if study.paired else None,
        "mean_kept": keep_mean,
        "network": study.training.network,
        "parameters": sum(p.numel() for p in network.parameters()),
        "dataset": dataset.fingerprint,
        "weights": file_hash(where / "weights.pt"),
    }
    if any(len(found.distinct) < len(found.seeds) for found in samples.values()):
        values["slices"] = _parts(samples, where, resamples, study.paired)
    if trial.said:
        values["left_out"] = dict(trial.said)
    metrics = Metrics(**values)
    metrics.save(where / METRICS)
    return metrics, cubes


def evaluation_work(everyone: Mapping[str, ByPart], resamples: int, paired: bool) -> Callable[[str], Evaluation]:
    """The work of measuring what the scores of somebody are worth, by the name."""

    def work(who: str) -> Evaluation:
        with one_thread():
            return evaluation(everyone[who], resamples, paired)

    return work


def _parts(samples: ByPart, where: Path, resamples: int, paired: bool) -> Parts:
    """What a single part of a cube is worth, with errors over seeds, and how many parts a cube has.

    The logits of all parts go into ``slice_scores.npz``, (samples,) float32 each.
    """
    arrays = {
        f"{part}_{name}": np.asarray(values, dtype=kind)
        for part, found in samples.items()
        for name, values, kind in (
            ("seeds", found.seeds, np.int64),
            ("newton", found.newton, np.float32),
            ("gr", found.gr, np.float32),
        )
    }
    save_arrays(where / "slice_scores.npz", **arrays)
    sizes = samples["test"].sizes
    return Parts(per_cube=(int(sizes.min()), int(sizes.max())), test=evaluate(samples["test"], resamples, paired))
