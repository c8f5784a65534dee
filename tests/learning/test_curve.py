"""The learning curve: nested seeds, as many steps, its file, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput
from weakfield.base.files import read_json
from weakfield.cli import invoke
from weakfield.config import StudyConfig
from weakfield.dataset import build, open_dataset
from weakfield.learning import curve, training
from weakfield.learning.baselines import BASELINES


def test_subsets_are_nested_and_keep_no_order() -> None:
    seeds = list(range(100, 140))
    for small, large in ((3, 7), (7, 20), (20, 40)):
        assert set(curve.subset(seeds, small)) < set(curve.subset(seeds, large))
        assert len(curve.subset(seeds, small)) == small
    assert curve.subset(seeds, 40) == seeds
    assert curve.subset(seeds, 5) != seeds[:5]


def test_every_size_has_as_many_steps() -> None:
    settings = tiny_study(training={"epochs": 10, "batch_pairs": 1}).training
    for size in (4, 8, 16):
        assert size * curve.as_many_steps(settings, size, 32).epochs == 320


@pytest.mark.slow(minutes=0.1)
def test_the_curve_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = tiny_study(pairs=14, training={"epochs": 1, "mean_kept_too": False}, evaluation={"learning_curve": [2, 4]})
    folder = write_run(study, tmp_path / "run", scale=1.3)
    build.run(study, folder)
    training.run(study, folder)
    written = read_json(folder.training / "learning_curve" / "curve.json")
    whole = open_dataset(folder).part("train")
    assert [point["seeds"] for point in written["points"]] == [2, 4, len(whole)]
    assert [point["epochs"] for point in written["points"]] == [4, 2, 1]
    metrics = read_json(folder.model("cnn") / "metrics.json")
    last = written["points"][-1]
    assert last["network"] == metrics["test"]
    assert last["baselines"] == metrics["baselines"]
    for point in written["points"]:
        assert set(point["baselines"]) == set(BASELINES)
        assert set(point["train"]) == set(point["network"])
    assert written["points"][0]["baselines"] != last["baselines"]
    assert not list((folder.training / "learning_curve").glob("*/metrics.json"))  # no model of the study

    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("weakfield.learning.fitting.Loop", fail)
    training.run(study, folder)
    assert read_json(folder.training / "learning_curve" / "curve.json") == written


def test_the_option_of_the_command_sets_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr("weakfield.study.run_study", lambda study, folder, only, *_, **__: asked.append((study, only)))
    (tmp_path / "study.toml").write_text(tiny_study().to_toml())
    assert invoke(["train", str(tmp_path), "--learning-curve", "2,4"]) == 0
    assert invoke(["train", str(tmp_path)]) == 0
    assert [(study.evaluation.learning_curve, only) for study, only in asked] == [((2, 4), "train"), ((), "train")]
    assert asked[0][0].model_copy(update={"evaluation": asked[1][0].evaluation}) == asked[1][0]
    for wrong, said in (("2,x", "whole numbers separated by commas"), ("4,2", "rising whole numbers")):
        assert invoke(["train", str(tmp_path), "--learning-curve", wrong]) == 2
        assert said in capsys.readouterr().err


def test_no_curve_unless_asked() -> None:
    assert StudyConfig.preset("demo").evaluation.learning_curve == ()


def test_sizes_that_cannot_be() -> None:
    with pytest.raises(BadInput, match="below the 6 training seeds"):
        training.check(tiny_study(evaluation={"learning_curve": [2, 6]}))
    with pytest.raises(BadInput, match="expected rising whole numbers"):
        tiny_study(evaluation={"learning_curve": [4, 2]})
    with pytest.raises(BadInput, match="expected rising whole numbers"):
        tiny_study(evaluation={"learning_curve": [0, 2]})
