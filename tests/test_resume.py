"""kill -9 in every stage, then the same command: the same pairs, data set, networks and controls as undisturbed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.slow

STUDY = """
name = "small"
[seeds]
count = 6
[simulation]
grid = 8
box_size_mpch = 160.0
transfer = "eisenstein-hu"
step_limit_hubble = 0.1
[training]
epochs = 3
channels = 2
blocks = 2
[audit]
controls = ["labels_shuffled", "newton_newton", "monopole_removed"]
bootstrap = 100
"""
#: what the run folder holds when it is time to kill
MOMENTS: dict[str, Callable[[Path], bool]] = {
    "inside the first pair": lambda run: any(run.glob("pairs/.seed*/newton/*")),
    "between the members of the third pair": lambda run: any(run.glob("pairs/.seed00003*/gr")),
    "after the fourth pair": lambda run: (run / "pairs/seed00004/pair.json").exists(),
    "inside the measurement": lambda run: (run / "spectra/started.json").exists(),
    "inside the data set": lambda run: (run / "dataset/started.json").exists(),
    "before the training": lambda run: (run / "training/started.json").exists(),
    "inside the training": lambda run: any(run.glob("training/*/checkpoint.pt")),
    "inside the second training": lambda run: any(run.glob("training/cnn_meankept/*")),
    "inside a control": lambda run: any(run.glob("audit/newton_newton/*")),
    "after a control": lambda run: (run / "audit/newton_newton.json").exists(),
    "inside the explanation": lambda run: (run / "explain/started.json").exists(),
    "inside the report": lambda run: (run / "report/started.json").exists(),
}
TIMES = {"seconds", "finished", "started"}  # keys that say when, not what


def start(study: Path, run: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "weakfield", "run", str(study), "--out", str(run), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def killed_at(study: Path, run: Path, moment: Callable[[Path], bool]) -> bool:
    """Start the command and kill it at a moment; false when it ended before."""
    process = start(study, run)
    while process.poll() is None:
        if moment(run):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def results(run: Path) -> dict[str, Any]:
    """Every file of a run folder, in the form in which two runs must agree."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file()):
        name = path.relative_to(run).as_posix()
        if name in (".lock", "provenance.json", "report/index.html") or path.name == "stage.json":
            continue  # they tell when and how long
        if path.suffix == ".json":
            found[name] = without_times(json.loads(path.read_text()))
        elif path.suffix == ".pt":
            found[name] = torch.load(path, weights_only=True)
        else:
            found[name] = path.read_bytes()
    return found


def same(one: Any, other: Any) -> bool:
    """Equality that looks into tensors, bit for bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other)


def test_killed_in_every_stage(tmp_path: Path) -> None:
    study = tmp_path / "small.toml"
    study.write_text(STUDY)
    undisturbed = start(study, tmp_path / "whole")
    lines = [json.loads(line) for line in undisturbed.communicate()[0].splitlines()]
    assert undisturbed.returncode == 0
    assert [line["status"] for line in lines] == ["done"] * 7

    run = tmp_path / "killed"
    hit = {name for name, moment in MOMENTS.items() if killed_at(study, run, moment)}
    final = start(study, run)
    final.communicate()
    assert final.returncode == 0
    assert len(hit) >= 8, f"only {hit} were caught in time"

    whole, killed = results(tmp_path / "whole"), results(run)
    assert {"dataset/dataset.json", "training/cnn/weights.pt", "training/cnn/metrics.json"} <= set(whole)
    assert set(whole) == set(killed)
    assert (run / "report/index.html").exists()
    differing = [name for name in whole if not same(whole[name], killed[name])]
    assert differing == []

    again = start(study, run)
    assert [json.loads(line)["status"] for line in again.communicate()[0].splitlines()] == ["skipped"] * 7
