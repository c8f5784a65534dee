"""The train stage: its files, and that they agree with one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import file_hash, read_json
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import PARTS, build, open_dataset
from weakfield.learning import Scores, load_model, score, training
from weakfield.learning.baselines import BASELINES
from weakfield.learning.metrics import measures

Trained = tuple[StudyConfig, RunFolder, dict[str, Any]]
MEASURES = {
    *("auc", "unpaired_auc", "accuracy", "balanced_accuracy", "paired_accuracy", "average_precision"),
    *("brier", "ece", "log_loss", "calibrated_brier", "calibrated_ece", "calibrated_log_loss"),
}
FILES = ("metrics.json", "scores.json", "history.json", "weights.pt")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    study = tiny_study(pairs=15, training={"epochs": 4})
    folder = write_run(study, tmp_path_factory.mktemp("run"), scale=1.1)
    build.run(study, folder)
    return study, folder, training.run(study, folder)


@pytest.mark.parametrize(("model", "kept"), [("cnn", False), ("cnn_meankept", True)])
def test_metrics(trained: Trained, model: str, kept: bool) -> None:
    _, folder, summary = trained
    metrics = read_json(folder.model(model) / "metrics.json")
    dataset = open_dataset(folder)
    assert metrics["seeds"] == {part: dataset.part(part) for part in PARTS}
    assert metrics["mean_kept"] is kept
    assert metrics["test"]["auc"]["value"] == summary[f"{model}_auc"]
    for table in (metrics["validation"], metrics["test"], *metrics["baselines"].values()):
        assert set(table) == MEASURES
        for name, estimate in table.items():
            assert 0 <= estimate["low"] <= estimate["value"] <= estimate["high"]
            assert estimate["high"] <= 1 or name.endswith("log_loss")
    assert set(metrics["baselines"]) == set(BASELINES)
    assert metrics["baselines"]["mean"]["auc"]["value"] == 1.0  # GR alone has a mean


@pytest.mark.parametrize(("model", "kept"), [("cnn", False), ("cnn_meankept", True)])
def test_scores_are_those_of_the_saved_network(trained: Trained, model: str, kept: bool) -> None:
    study, folder, _ = trained
    written = read_json(folder.model(model) / "scores.json")
    assert set(written) == {"network", *BASELINES}
    dataset = open_dataset(folder)
    test = Scores.from_json(written["network"]["test"])
    again = score(load_model(folder.model(model)), dataset.pairs(dataset.part("test"), keep_mean=kept))
    assert (again.newton == test.newton).all()
    assert (again.gr == test.gr).all()
    metrics = read_json(folder.model(model) / "metrics.json")
    again = measures(test, metrics["temperature"], study.audit.bootstrap)
    assert metrics["test"] == {name: estimate.as_json() for name, estimate in again.items()}


def test_done_again_gives_the_same_bytes(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> None:
    study, folder, summary = trained
    other = write_run(study, tmp_path_factory.mktemp("again"), scale=1.1)
    build.run(study, other)
    assert training.run(study, other) == summary
    for model in training.models(study):
        for name in FILES:
            assert file_hash(other.model(model) / name) == file_hash(folder.model(model) / name)


def test_one_model_when_the_mean_is_always_removed() -> None:
    assert training.models(tiny_study(training={"mean_kept_too": False})) == {"cnn": False}


def test_the_main_model_is_the_one_that_sees_what_the_study_keeps() -> None:
    kept = tiny_study(dataset={"keep_mean": True}, training={"mean_kept_too": False})
    assert training.models(kept) == {"cnn_meankept": True, "cnn": False}
    assert training.main_model(kept) == "cnn_meankept"
    assert training.main_model(tiny_study()) == "cnn"


def test_a_network_that_does_not_fit_is_refused_before_anything_is_read() -> None:
    training.check(tiny_study())
    with pytest.raises(BadInput, match=r"2\^blocks = 16"):
        training.check(tiny_study(training={"blocks": 4}))


def test_parts_of_cubes_are_scored_as_cubes(tmp_path: Path) -> None:
    study = tiny_study(
        pairs=8,
        training={"network": "cnn2d", "epochs": 1, "blocks": 1, "mean_kept_too": False},
        dataset={"shape": "slice", "axes": ["z", "x"], "slice_stride": 2},
    )
    folder = write_run(study, tmp_path, scale=1.2)
    build.run(study, folder)
    training.run(study, folder)
    metrics = read_json(folder.model("cnn") / "metrics.json")
    assert metrics["slices"]["per_cube"] == [8, 8]  # four planes along each of two axes
    written = read_json(folder.model("cnn") / "scores.json")
    with np.load(folder.model("cnn") / "slice_scores.npz") as slices:
        for part in PARTS:
            cubes = Scores.from_json(written["network"][part])
            assert cubes.seeds == tuple(open_dataset(folder).part(part))
            for place, seed in enumerate(cubes.seeds):
                own = slices[f"{part}_gr"][slices[f"{part}_seeds"] == seed]
                assert len(own) == 8
                assert cubes.gr[place] == pytest.approx(own.mean(), abs=1e-6)  # kept in single precision
    assert set(written) == {"network", *BASELINES}
    assert metrics["bound"]["modes"] == 511
