"""The study of the original thesis in little, every stage, as a user starts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from weakfield.cli import invoke


@pytest.mark.slow(minutes=4)
def test_the_thesis_in_little_passes_every_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "thesis"
    assert invoke(["run", "thesis", "--grid", "16", "--pairs", "6", "--out", str(out), "--json"]) == 0
    stages = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["status"] for row in stages] == ["done"] * len(stages)
    # with the mean kept one number decides: exactly 0 in Newton, not in GR
    metrics = json.loads((out / "training" / "cnn_meankept" / "metrics.json").read_text())
    assert metrics["baselines"]["mean"]["auc"]["value"] == 1.0
    controls = {row["name"]: row for row in json.loads((out / "audit" / "audit.json").read_text())["controls"]}
    assert controls["monopole_only"]["value"] == 1.0
    assert "Einstein or Newton?" in (out / "report" / "index.html").read_text()
    # everything is recognised as done
    assert invoke(["run", str(out), "--json"]) == 0
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["status"] for row in again] == ["skipped"] * len(again)
