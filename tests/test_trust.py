"""Code that a study names runs as who reads the study: only from the working directory, or where it is trusted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.base.plugins import TRUSTED, Expected, keep_source, load_plugin, load_recorded, source_hash, trust
from weakfield.cli import invoke
from weakfield.config import StudyConfig
from weakfield.learning.trained import TrainedNetwork
from weakfield.pairs.runfolder import load_study

FUNCTION = Expected("training.loss", "a function", callable)
MODULE = """from pathlib import Path
Path(__file__).with_suffix(".ran").write_text("")
def loss(newton, gr):
    return gr
"""
STUDY = """
name = "theirs"
[seeds]
count = 5
[simulation]
grid = 4
box_size_mpch = 80.0
transfer = "eisenstein-hu"
step_limit_hubble = 0.5
[training]
loss = "planted_here:loss"
"""
COMMANDS = [
    ["run", "{study}"],
    ["simulate", "{study}"],
    *([stage, "{run}"] for stage in ("measure", "dataset", "train", "search", "audit", "explain", "report", "run")),
]


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of somebody else, with a study and a run folder that name code; the working directory is another one."""
    monkeypatch.delenv(TRUSTED, raising=False)
    folder, mine = tmp_path / "theirs", tmp_path / "mine"
    (folder / "run").mkdir(parents=True)
    mine.mkdir()
    for place in (folder / "study.toml", folder / "run" / "study.toml"):
        place.write_text(STUDY)
    (mine / "planted_here.py").write_text(MODULE)
    monkeypatch.chdir(mine)
    monkeypatch.setenv(TRUSTED, "")  # undone after the test, whatever it trusts
    yield folder
    sys.modules.pop("planted_here", None)


def ran() -> bool:
    return Path("planted_here.ran").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_refuse_code_from_elsewhere(
    command: list[str], theirs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.format(study=theirs / "study.toml", run=theirs / "run") for word in command]
    assert invoke(words) == 2
    said = capsys.readouterr().err
    assert "names code to run with your rights (training.loss = 'planted_here:loss')" in said
    assert "expected --trust" in said
    assert said.count("\n") == 1
    assert not ran()
    assert not Path("runs").exists()


def test_a_link_into_the_working_directory_is_where_it_leads(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("study.toml").symlink_to(theirs / "study.toml")
    Path("run").symlink_to(theirs / "run")
    for target in ("study.toml", "run"):
        assert invoke(["run", target]) == 2
        assert str(theirs) in capsys.readouterr().err
    assert not ran()


def test_python_refuses_it_too(theirs: Path) -> None:
    for call in (lambda: wf.open(theirs / "run"), lambda: wf.simulate(theirs / "study.toml")):
        with pytest.raises(BadInput, match=r"in Python trust=True"):
            call()
    assert wf.open(theirs / "run", trust=True).study.training.loss == "planted_here:loss"
    assert not ran()  # opening runs nothing


def test_in_the_working_directory_and_where_trusted_it_runs(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first command says that it will; the next ones do not."""
    code = invoke(["run", str(theirs / "study.toml"), "--trust", "--out", "run"])
    said = capsys.readouterr().err
    notice = "this study runs code of its author with your rights: training.loss = 'planted_here:loss'"
    assert notice in said
    assert ran()  # whatever became of the run then: it is too small for networks
    assert code in (0, 1, 2)
    invoke(["run", "run"])
    assert notice not in capsys.readouterr().err


def test_looking_at_a_campaign_runs_nothing(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["status", str(theirs / "run")]) == 0
    assert not ran()


def test_what_a_run_kept_is_not_run_from_elsewhere(theirs: Path) -> None:
    """Weights and a data set name code as a study does, whatever the study beside them says."""
    kept = theirs / "run" / "training" / "cnn" / "plugins"
    keep_source("planted_here:loss", FUNCTION, kept)
    digest = source_hash("planted_here:loss", FUNCTION)
    (kept / "kept_there.py").write_text(MODULE)
    for load in (
        lambda: load_recorded("planted_here:loss", FUNCTION, digest, kept),
        lambda: load_plugin("kept_there:loss", FUNCTION, kept),
    ):
        with pytest.raises(BadInput, match="outside the working directory"):
            load()
    assert not (kept / "kept_there.ran").exists()
    trust(theirs / "run")
    assert load_recorded("planted_here:loss", FUNCTION, digest, kept)(0, 3) == 3
    assert load_plugin("kept_there:loss", FUNCTION, kept)(0, 4) == 4


def test_weights_that_name_code_need_trust(theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from weakfield.learning import fitting

    values = StudyConfig.from_toml(theirs / "study.toml").training.model_dump()
    saved = {"hash": "", "settings": values, "shape": [1, 4, 4, 4], "weights": {}}
    monkeypatch.setattr(fitting, "load_archive", lambda path: saved)
    with pytest.raises(BadInput, match=r"planted_here:loss.* outside the working directory"):
        TrainedNetwork.load(theirs / "run" / "training" / "cnn")


def test_every_key_that_may_name_code_counts() -> None:
    study = StudyConfig.from_mapping({
        "training": {key: f"a:{key}" for key in ("network", "loss", "optimiser", "schedule")},
        "dataset": {"transforms": [{"kind": "a:transform"}]},
        "audit": {"controls": ["labels_shuffled", "a:control"], "full_controls": ["a:full"]},
        "explain": {"methods": ["a:method"], "trust_methods": ["a:trusted"]},
        "search": {"space": {"network": ["cnn3d", "a:other"], "dropout": [0.0]}},
    })  # fmt: skip
    assert list(study.plugins.values()) == [
        "a:network", "a:loss", "a:optimiser", "a:schedule", "a:transform", "a:control", "a:full", "a:method",
        "a:trusted", "a:other",
    ]  # fmt: skip
    assert StudyConfig().plugins == {}


def test_children_inherit_what_is_trusted(theirs: Path) -> None:
    load_study(theirs / "run", trusted=True)
    trust(theirs)
    assert os.environ[TRUSTED].split(os.pathsep) == [str(theirs / "run"), str(theirs)]
