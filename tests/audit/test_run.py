"""The audit of drawn pairs with planted differences: each control must find what was planted, and nothing else."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.synthetic import tiny_study, write_run
from weakfield.audit import run as audit
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.controls import power
from weakfield.audit.registry import known_controls
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import build
from weakfield.learning import Scores, training

CONTROLS = ("labels_shuffled", "monopole_only", "monopole_removed", "log_pk_baseline")


def trained(root: Path, scale: float, mean: float) -> AuditRun:
    """A run folder with data set and trained network; 40 pairs leave 14 for the test, enough for four questions."""
    study = tiny_study(
        pairs=40,
        dataset={"fractions": (0.5, 0.15, 0.35)},
        training={"epochs": 12, "learning_rate": 5e-3, "mean_kept_too": False},
        audit={"controls": CONTROLS, "bootstrap": 500},
    )
    folder = write_run(study, root, scale=scale, mean=mean)
    build.run(study, folder)
    training.run(study, folder)
    return audit.open_audit(study, folder)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> AuditRun:
    """GR evolves half as much again as Newton and has a mean: everything tells them apart."""
    return trained(tmp_path_factory.mktemp("separable"), scale=1.5, mean=1e-7)


@pytest.fixture(scope="module")
def audited(context: AuditRun) -> dict[str, Any]:
    audit.run(context.study, context.folder)
    return json.loads((context.folder.audit / "audit.json").read_text())


def row(audited: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in audited["controls"] if entry["name"] == name)


def test_table_is_complete(audited: dict[str, Any]) -> None:
    assert [entry["name"] for entry in audited["controls"]] == list(CONTROLS)
    for entry in audited["controls"]:
        assert {"question", "expectation", "value", "low", "high", "verdict"} <= set(entry)
        assert all(math.isfinite(entry[key]) for key in ("value", "low", "high"))
        assert entry["low"] <= entry["value"] <= entry["high"]
        assert entry["verdict"] in ("clean", "shortcut", "inconclusive")
    assert "monopole_only" in audited["summary"]
    assert audited["summary"].endswith(".")


def test_labels_that_mean_nothing_are_not_learned(audited: dict[str, Any]) -> None:
    found = row(audited, "labels_shuffled")
    assert found["low"] <= 0.5 <= found["high"]
    assert found["verdict"] != "shortcut"
    assert found["p"] > 0.05


def test_the_monopole_is_found(audited: dict[str, Any]) -> None:
    found = row(audited, "monopole_only")
    assert (found["value"], found["verdict"]) == (1.0, "shortcut")
    assert found["p"] < found["p_family"] < 0.05


def test_removing_the_mean_removes_the_monopole_and_leaves_the_rest(audited: dict[str, Any]) -> None:
    found = row(audited, "monopole_removed")
    assert found["verdict"] != "shortcut"
    assert found["low"] > 0.5


def test_the_power_spectrum_explains_the_network(audited: dict[str, Any]) -> None:
    assert row(audited, "log_pk_baseline")["verdict"] == "shortcut"


@pytest.mark.slow(minutes=0.1)
def test_without_a_mean_the_monopole_is_clean(tmp_path: Path) -> None:
    context = trained(tmp_path, scale=1.0, mean=0.0)
    only = audit.complete(context, "monopole_only")
    assert only.verdict == "clean"
    assert only.value == pytest.approx(0.5, abs=0.25)  # rounding of the stored floats decides; 5 seeds
    assert audit.complete(context, "log_pk_baseline").verdict == "inconclusive"


def test_a_study_that_keeps_the_mean_is_judged_by_the_network_that_sees_it(tmp_path: Path) -> None:
    study = tiny_study(pairs=6, dataset={"keep_mean": True}, audit={"controls": ("monopole_removed",)})
    folder = write_run(study, tmp_path)
    build.run(study, folder)
    training.run(study, folder)
    context = AuditRun(study, folder)
    kept, removed = (context.scores(model=name) for name in ("cnn_meankept", "cnn"))
    assert (context.scores().gr == kept.gr).all()
    assert not (kept.gr == removed.gr).all()
    newton, gr = context.cubes["test"].values.mean(dim=(0, 2, 3, 4, 5)).tolist()
    assert abs(gr - newton) > 1e-3
    audit.run(study, folder)
    written = json.loads((folder.audit / "audit.json").read_text())
    assert written["summary"].startswith("With the cube mean kept the network")
    assert row(written, "monopole_removed")["value"] == context.auc(removed).value


def test_finished_controls_are_not_run_again(
    context: AuditRun, audited: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(context: AuditRun) -> None:
        raise AssertionError("run again")

    known = known_controls()
    monkeypatch.setitem(known, "labels_shuffled", replace(known["labels_shuffled"], run=fail))
    before = (context.folder.audit / "audit.json").read_bytes()
    audit.run(context.study, context.folder)
    assert (context.folder.audit / "audit.json").read_bytes() == before


def test_a_result_for_other_settings_is_not_reused(context: AuditRun, audited: dict[str, Any]) -> None:
    other = context.study.model_copy(update={"audit": context.study.audit.model_copy(update={"bootstrap": 300})})
    assert audit.finished(context, "monopole_only") is not None
    assert audit.finished(audit.open_audit(other, context.folder), "monopole_only") is None


class Scored(AuditRun):
    """A context whose scores are given."""

    given: dict[str, Scores]
    baselines = ("log_pk",)

    def scores(self, who: str = "network", part: str = "test", model: str | None = None) -> Scores:
        return self.given[who]


def test_a_network_that_beats_the_power_spectrum_is_clean(synthetic_run: tuple[StudyConfig, RunFolder]) -> None:
    study, folder = synthetic_run
    study = study.model_copy(update={"seeds": study.seeds.model_copy(update={"count": 10})})
    study = study.model_copy(update={"dataset": study.dataset.model_copy(update={"fractions": (0.3, 0.1, 0.6)})})
    build.run(study, folder)
    context = Scored(study, folder)
    seeds = tuple(context.dataset.part("test"))
    noise = np.random.default_rng(1).standard_normal((2, len(seeds)))
    perfect, guess = Scores(seeds, -np.ones(6), np.ones(6)), Scores(seeds, noise[0], noise[1])
    object.__setattr__(context, "given", {"network": perfect, "log_pk": guess})
    assert power.log_pk_baseline(context).verdict == "clean"
    object.__setattr__(context, "given", {"network": perfect, "log_pk": perfect})
    assert power.log_pk_baseline(context).verdict == "shortcut"
    object.__setattr__(context, "given", {"network": guess, "log_pk": guess})
    assert power.log_pk_baseline(context).verdict == "inconclusive"
