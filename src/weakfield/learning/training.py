"""The train stage: every network of the study, its baselines, and what both are worth on the test seeds."""

from __future__ import annotations

from typing import Any

from weakfield.base.files import file_hash, write_json
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import PARTS, Dataset, Pairs, Part, open_dataset
from weakfield.learning.baselines import BASELINES, score_baseline
from weakfield.learning.fitting import Task, fit, load_model, score
from weakfield.learning.metrics import Scores, evaluate
from weakfield.learning.networks import build_network

__all__ = ["check", "load_model", "main_model", "models", "run", "task"]


def models(study: StudyConfig) -> dict[str, bool]:
    """Name of each model of the study, the main one first, and whether it sees the cube mean."""
    if study.dataset.keep_mean:
        return {"cnn_meankept": True, "cnn": False}
    return {"cnn": False, "cnn_meankept": True} if study.training.mean_kept_too else {"cnn": False}


def main_model(study: StudyConfig) -> str:
    """Name of the model that the audit examines and the explanation is of."""
    return next(iter(models(study)))


def check(study: StudyConfig) -> None:
    """``BadInput`` when the network of the study does not exist or cannot take its grid; nothing is read."""
    build_network((1, *(study.simulation.grid,) * 3), study.training)


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Train every model of the study; writes ``training/<model>/`` and returns the test AUCs.

    Each model folder holds ``weights.pt``, ``history.json``, ``scores.json`` (logits of every seed, for the network
    and each baseline) and, written last, ``metrics.json``.
    """
    dataset = open_dataset(folder)
    baselines = {name: score_baseline(dataset, rows, f"baseline {name}") for name, rows in BASELINES.items()}
    summary: dict[str, Any] = {}
    for name, keep_mean in models(study).items():
        metrics = _train_model(study, folder, dataset, name, keep_mean, baselines)
        summary[f"{name}_auc"] = metrics["test"]["auc"]["value"]
    for name, scores in baselines.items():
        summary[f"{name}_auc"] = evaluate(scores["test"], study.audit.bootstrap)["auc"].value
    return summary


def task(study: StudyConfig, dataset: Dataset, keep_mean: bool) -> Task:
    """The training of one model on the data set."""
    pairs: dict[Part, Pairs] = {part: dataset.pairs(dataset.part(part), keep_mean) for part in PARTS}
    return Task(study.training, pairs, f"{dataset.fingerprint} {'mean kept' if keep_mean else 'mean removed'}")


def _train_model(
    study: StudyConfig,
    folder: RunFolder,
    dataset: Dataset,
    name: str,
    keep_mean: bool,
    baselines: dict[str, dict[Part, Scores]],
) -> dict[str, Any]:
    """Train one network and write its files; its metrics."""
    job = task(study, dataset, keep_mean)
    where = folder.model(name)
    network = fit(job, where, f"training {name}")
    scores = {"network": {part: score(network, job.pairs[part]) for part in PARTS}, **baselines}
    write_json(
        where / "scores.json",
        {who: {part: value.as_json() for part, value in parts.items()} for who, parts in scores.items()},
    )
    metrics = {
        **{part: _evaluated(scores["network"][part], study) for part in ("validation", "test")},
        "seeds": {part: dataset.part(part) for part in PARTS},
        "baselines": {who: _evaluated(parts["test"], study) for who, parts in baselines.items()},
        "mean_kept": keep_mean,
        "network": study.training.network,
        "parameters": sum(p.numel() for p in network.parameters()),
        "dataset": dataset.fingerprint,
        "weights": file_hash(where / "weights.pt"),
    }
    write_json(where / "metrics.json", metrics)
    return metrics


def _evaluated(scores: Scores, study: StudyConfig) -> dict[str, dict[str, float]]:
    return {name: estimate.as_json() for name, estimate in evaluate(scores, study.audit.bootstrap).items()}
