"""The search: judged by validation, the test part read once, continued from its store, several workers at once."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from helpers.drawn_task import history
from helpers.synthetic import tiny_study, write_run
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import read_json, write_json
from weakfield.cli import invoke
from weakfield.config import RunFolder, StudyConfig
from weakfield.config.training import TrainingSettings
from weakfield.dataset import build
from weakfield.learning import search as module
from weakfield.pairs.manifest import settings_hash
from weakfield.study import run_study

pytest.importorskip("optuna")

SPACE = {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "channels": {"low": 2, "high": 4}, "blocks": [1, 2]}


def made(root: Path, **values: object) -> tuple[StudyConfig, RunFolder]:
    study = tiny_study(pairs=12, search={"trials": 3, "epochs": 2, "space": SPACE, **values})
    folder = write_run(study, root, scale=1.3)
    build.run(study, folder)
    return study, folder


def more(study: StudyConfig, **values: object) -> StudyConfig:
    return study.model_copy(update={"search": study.search.model_copy(update=values)})


def test_a_search_its_continuation_and_the_one_look_at_the_test_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, folder = made(tmp_path)
    tested: list[int] = []
    score = module.score
    monkeypatch.setattr(module, "score", lambda network, pairs: tested.append(len(pairs)) or score(network, pairs))
    best = module.search(study, folder).as_json()
    assert best["trials"] == {"complete": 3, "pruned": 0, "failed": 0}
    assert best == read_json(folder.search / "best.json")
    losses = {}
    for trial in (0, 1, 2):
        where = folder.search / best["search"] / f"trial{trial:05d}"
        losses[trial] = min(row["validation_loss"] for row in read_json(where / "history.json")["epochs"])
    assert best["trial"] == min(losses, key=losses.__getitem__)
    assert best["validation_loss"] == losses[best["trial"]]
    assert set(best["settings"]) == set(SPACE)
    assert 1e-4 <= best["settings"]["learning_rate"] <= 1e-2
    assert best["settings"]["channels"] in (2, 3, 4)
    table = tomllib.loads((folder.search / "best.toml").read_text())["training"]
    found = TrainingSettings.from_mapping(table)
    assert (found.channels, found.epochs) == (best["settings"]["channels"], study.training.epochs)

    assert module.search(study, folder).as_json() == best  # nothing left to do, nothing tested again
    assert len(tested) == best["test_reads"] == 1
    again = module.search(more(study, trials=4), folder).as_json()
    assert sum(again["trials"].values()) == 4
    assert again["test_reads"] == len(tested) == (1 if again["trial"] == best["trial"] else 2)


def test_failed_trials_are_counted_and_all_failed_is_said(tmp_path: Path) -> None:
    study, folder = made(tmp_path, trials=2, space={"blocks": [4]})  # 8 cells do not divide by 2^4
    with pytest.raises(WeakfieldError, match="none of the 2 trials"):
        module.search(study, folder)


def test_what_is_worse_than_the_median_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings that are given their losses: each later one is worse from the start."""
    study, folder = made(tmp_path, trials=8, epochs=4)
    count = [0]

    def pretended(task, folder, label, watch):  # type: ignore[no-untyped-def]
        count[0] += 1
        rows = [{"epoch": e, "validation_loss": count[0] - 0.1 * e, "validation_auc": 0.5} for e in range(4)]
        for row in rows:
            watch(row)
        folder.mkdir(parents=True)
        history(rows, 3).save(folder / "history.json")

    monkeypatch.setattr(module, "fit", pretended)
    monkeypatch.setattr(module, "_report", lambda study, folder, found: [t.state.name for t in found.trials])
    assert module.search(study, folder) == ["COMPLETE"] * 4 + ["PRUNED"] * 4


@pytest.mark.slow
def test_several_workers_share_the_trials(tmp_path: Path) -> None:
    study, folder = made(tmp_path, trials=5, workers=2)
    best = module.search(study, folder).as_json()
    assert sum(best["trials"].values()) == 5
    assert best["trials"]["failed"] == 0


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study, folder = made(tmp_path)
    for path in folder.pairs.glob("*/pair.json"):  # pairs that count as grown
        write_json(path, read_json(path) | {"settings": settings_hash(study)})
    run_study(study, tmp_path, "dataset")
    assert invoke(["search", str(tmp_path), "--trials", "2"]) == 0
    said = capsys.readouterr().out
    best = read_json(folder.search / "best.json")
    assert f"trials: 2 complete, 0 pruned, 0 failed; the best is {best['trial']}, validation loss" in said
    assert "read 1 time(s)" in said
    assert invoke(["search", str(tmp_path), "--trials", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == best
    # a data set of another split is not searched on
    folder.study.write_text(study.to_toml().replace("split_seed = 0", "split_seed = 1"))
    assert invoke(["search", str(tmp_path), "--trials", "2"]) == 2
    assert "the stage dataset is not finished, expected it before search" in capsys.readouterr().err
    assert read_json(folder.search / "best.json") == best


def test_bad_spaces() -> None:
    for values, said in (
        ({"space": {"learning_rat": [1]}}, "did you mean 'learning_rate'"),
        ({"space": {"dropout": []}}, "space.dropout is empty"),
        ({"space": {"dropout": {"low": 0.5, "high": 0.1}}}, "expected low < high"),
        ({"space": {"loss": ["bce", "mse"]}}, "expected judge = 'auc'"),
    ):
        with pytest.raises(BadInput, match=said):
            tiny_study(search=values)
    study = tiny_study(search={"space": SPACE})
    assert StudyConfig.from_mapping(tomllib.loads(study.to_toml())) == study


def test_a_trial_is_judged_by_the_epoch_whose_weights_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest AUC is of an epoch that nobody will ever use."""
    study, folder = made(tmp_path, trials=1, judge="auc")
    rows = [
        {"epoch": 0, "validation_loss": 0.6, "validation_auc": 0.7},
        {"epoch": 1, "validation_loss": 0.9, "validation_auc": 0.9},
    ]

    def pretended(task, folder, label, watch):  # type: ignore[no-untyped-def]
        for row in rows:
            watch(row)
        folder.mkdir(parents=True)
        history(rows, 0).save(folder / "history.json")

    monkeypatch.setattr(module, "fit", pretended)
    monkeypatch.setattr(module, "_report", lambda study, folder, found: found.best_value)
    assert module.search(study, folder) == 0.7


def test_a_changed_network_of_ones_own_begins_another_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, folder = made(tmp_path)
    names = []
    for identity in ("before", "after"):
        monkeypatch.setattr(module, "plugin_sources", lambda settings, kept, identity=identity: {"network": identity})
        names.append(module._name(study, folder))
    assert names[0] != names[1]
