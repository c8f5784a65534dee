"""Data leave a campaign early: measurement, data set and training on the pairs that are whole while others grow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.campaigning import write_study
from weakfield.base.files import read_json
from weakfield.cli import invoke
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs.grower import grow_pair
from weakfield.pairs.runfolder import open_for_work

pytestmark = pytest.mark.slow

MORE = """
[dataset]
partial = true
[measure]
bispectrum = false
[training]
epochs = 1
[audit]
bootstrap = 100
"""


def summary(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    code = invoke([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return dict(json.loads(out))


def test_later_stages_run_beside_a_campaign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path / "study.toml", count=30, more=MORE)
    root = str(tmp_path / "run")
    assert invoke(["simulate", str(path), "--out", root, "--seeds", "0:16"]) == 0
    study, folder = StudyConfig.from_toml(path), RunFolder(root)
    with open_for_work(study, folder, "simulate", alone=False):  # as the campaign that grows the others
        assert summary(capsys, "measure", root)["status"] == "done"
        assert summary(capsys, "dataset", root)["status"] == "done"
        before = read_json(folder.dataset / "stage.json")["fingerprint"]
        for seed in range(16, 20):
            grow_pair(study, seed, folder)
        trained = summary(capsys, "train", root)  # on the data set of 16, though there are 20 by now
        assert trained["status"] == "done"
        assert read_json(folder.dataset / "stage.json")["fingerprint"] == before
    assert invoke(["simulate", str(path), "--out", root]) == 0
    assert summary(capsys, "train", root)["status"] == "skipped"
    assert summary(capsys, "dataset", root)["status"] == "done"  # asked for again: of all 30
    assert summary(capsys, "train", root)["status"] == "done"
