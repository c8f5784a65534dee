"""A control of the user's own: found, run, written, run again when its file changes, refused in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.synthetic import tiny_study, write_run
from weakfield.audit import run as audit
from weakfield.audit.records import AuditTable
from weakfield.audit.registry import granted
from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import build
from weakfield.learning import baselines, training
from weakfield.learning.results import Metrics
from weakfield.report import run as report
from weakfield.stages import FolderStage
from weakfield.study import STAGES

SOURCE = """
import torch
from weakfield.audit import Control, Result
from weakfield.base.errors import WeakfieldError

FACTOR = 1.0

def run(audit):
    mirrored = audit.score(audit.altered(lambda pair: FACTOR * torch.flip(pair, dims=[-1])))
    share = audit.share(mirrored)
    return Result(share, "share left in the mirror", "clean", scores=mirrored, more={"factor": FACTOR, "again": share})

MIRRORED = Control(
    name="mirrored",
    question="Does the network know left from right?",
    expectation="A mirrored universe is as good as any.",
    run=run,
)
NOTHING = Control("nothing", "?", "", lambda audit: {"value": 1.0})
ODD = Control("odd", "?", "", lambda audit: Result(audit.auc(audit.scores()), "auc", "fine"))
TAKEN = Control("mesh", "?", "", run)
TWICE = Control("mirrored", "?", "", run)
SINGULAR = Control("singular", "?", "", lambda audit: torch.linalg.inv(torch.zeros(2, 2)))
DIVERGED = Control("diverged", "?", "", lambda audit: (_ for _ in ()).throw(WeakfieldError("training diverged")))
FULL = Control("full", "?", "", lambda audit: (_ for _ in ()).throw(OSError(28, "No space left on device")))
STOPPED = Control("stopped", "?", "", lambda audit: (_ for _ in ()).throw(KeyboardInterrupt()))
number = 3
"""
NAME = "own_control_of_a_test:MIRRORED"


def with_controls(study: StudyConfig, *names: str) -> StudyConfig:
    return study.model_copy(update={"audit": study.audit.model_copy(update={"controls": names})})


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[StudyConfig, RunFolder]:
    (tmp_path / "own_control_of_a_test.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    study = tiny_study(pairs=6, training={"epochs": 1, "mean_kept_too": False})
    folder = write_run(study, tmp_path / "run")
    build.run(study, folder)
    training.run(study, folder)
    return with_controls(study, "monopole_only", NAME), folder


def test_its_result_enters_the_table_and_the_page(trained: tuple[StudyConfig, RunFolder], tmp_path: Path) -> None:
    study, folder = trained
    audit.check(study)
    assert granted(study) == {"monopole_only": 0, "mirrored": 0}
    assert audit.run(study, folder)["controls"] == 2
    table = AuditTable.load(folder.audit / "audit.json")
    row = table["mirrored"]
    assert (row.question, row.verdict) == ("Does the network know left from right?", "clean")
    assert row.more == {"factor": 1.0, "again": row.estimate.as_json()}
    assert table.to_pandas().loc["mirrored", "paired_accuracy"] == row.paired_accuracy.value
    report.run(study, folder)
    page = (folder.report / "index.html").read_text()
    assert "Does the network know left from right?" in page

    kept = folder.audit / "mirrored.json"
    before = kept.stat().st_mtime_ns
    audit.run(study, folder)
    assert kept.stat().st_mtime_ns == before  # finished
    stage = next(stage for stage in STAGES if stage.name == "audit")
    assert isinstance(stage, FolderStage)
    read = dict.fromkeys(stage.reads, "x")
    key = stage.key(study, read)
    source = tmp_path / "own_control_of_a_test.py"
    source.write_text(SOURCE.replace("FACTOR = 1.0", "FACTOR = 2.0"))
    assert stage.key(study, read) != key
    assert stage.key(with_controls(study, "monopole_only"), read) not in (key, stage.key(study, read))
    audit.run(study, folder)
    assert kept.stat().st_mtime_ns != before
    assert json.loads(kept.read_text())["row"]["name"] == "mirrored"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no_such_module_here:X", r"audit.controls is 'no_such_module_here:X' but No module named.*expected package"),
        ("own_control_of_a_test:OTHER", r"has no attribute 'OTHER'; expected package.module:NAME"),
        ("own_control_of_a_test:number", r"which is 3, expected a weakfield.audit.Control"),
        ("own_control_of_a_test:TAKEN", r"with the name 'mesh', expected a name of letters.*not taken"),
    ],
)
def test_what_is_no_control_is_refused_before_anything_runs(
    trained: tuple[StudyConfig, RunFolder], name: str, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        audit.check(with_controls(trained[0], name))


def test_two_controls_with_one_name_are_refused(trained: tuple[StudyConfig, RunFolder]) -> None:
    with pytest.raises(BadInput, match=r"'own_control_of_a_test:TWICE', both with the name 'mirrored'"):
        audit.check(with_controls(trained[0], NAME, "own_control_of_a_test:TWICE"))


def test_what_a_control_returns_has_to_be_a_result(trained: tuple[StudyConfig, RunFolder]) -> None:
    study, folder = trained
    with pytest.raises(BadInput, match=r"NOTHING' returned \{'value': 1.0\}, expected a weakfield.audit.Result"):
        audit.run(with_controls(study, "own_control_of_a_test:NOTHING"), folder)
    with pytest.raises(BadInput, match=r"result of control 'odd' is no ControlRow: verdict is 'fine', input should be"):
        audit.run(with_controls(study, "own_control_of_a_test:ODD"), folder)
    assert not (folder.audit / "audit.json").exists()


@pytest.mark.slow(minutes=0.1)
def test_a_control_that_fails_is_left_out_with_a_sentence_and_the_others_are_run(
    trained: tuple[StudyConfig, RunFolder],
) -> None:
    study, folder = trained
    names = [f"own_control_of_a_test:{name}" for name in ("SINGULAR", "DIVERGED", "MIRRORED")]
    study = with_controls(study, *names)
    with pytest.warns(UserWarning, match=r"singular: left out, since it ended with _LinAlgError.*left_out.log"):
        assert audit.run(study, folder)["controls"] == 3
    table = AuditTable.load(folder.audit / "audit.json")
    assert [row.verdict for row in table.controls] == ["inconclusive", "inconclusive", "clean"]
    assert table["singular"].remark.startswith("It was left out, since it ended with _LinAlgError (linalg.inv: ")
    assert table["diverged"].remark == "It was left out, since training diverged."
    assert "in <lambda>" in (folder.audit / "left_out.log").read_text()  # the traceback
    assert not (folder.audit / "singular.json").exists()  # another audit tries again
    report.run(study, folder)
    assert "It was left out, since training diverged." in (folder.report / "index.html").read_text()


@pytest.mark.parametrize(("name", "error"), [("FULL", OSError), ("STOPPED", KeyboardInterrupt)])
def test_a_full_disk_and_an_interrupt_stop_the_audit(
    trained: tuple[StudyConfig, RunFolder], name: str, error: type[BaseException]
) -> None:
    study, folder = trained
    with pytest.raises(error):
        audit.run(with_controls(study, f"own_control_of_a_test:{name}"), folder)


@pytest.mark.slow(minutes=0.1)
def test_a_control_of_a_baseline_that_was_left_out_says_so(
    trained: tuple[StudyConfig, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, folder = trained

    def singular(*_: object) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    whole = baselines.BASELINES["log_pk"]
    monkeypatch.setitem(baselines.BASELINES, "log_pk", replace(whole, classify=singular))
    with pytest.warns(UserWarning, match=r"log_pk: left out, since it ended with LinAlgError \(Singular matrix\)"):
        summary = training.run(study, folder)
    assert "log_pk_auc" not in summary
    assert "pk_bk_auc" in summary
    metrics = Metrics.load(folder.model("cnn") / "metrics.json")
    assert set(metrics.left_out) == {"log_pk"}
    with pytest.warns(UserWarning, match="log_pk_baseline: left out"):
        audit.run(with_controls(study, "log_pk_baseline", "monopole_only"), folder)
    remark = AuditTable.load(folder.audit / "audit.json")["log_pk_baseline"].remark
    assert remark == "It was left out, since the baseline log_pk was left out in training."
    report.run(study, folder)
    assert "Log_pk: left out, since it ended with LinAlgError" in (folder.report / "index.html").read_text()
