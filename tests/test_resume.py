"""kill -9 in every stage, then the same command: the same pairs, data set, networks and controls as undisturbed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from weakfield.formats.spectra_text import read_spectrum_text

pytestmark = pytest.mark.slow(minutes=2)

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
Moment = Callable[[Path], bool]


def between(present: str, absent: str) -> Moment:
    """From the time a run folder holds the one until it holds the other."""
    return lambda run: any(run.glob(present)) and not any(run.glob(absent))


def interpolating(run: Path) -> bool:
    """The spectra of the cycle before the first target are in the checkpoint, and none is on disk."""
    try:
        pair = next(run.glob("pairs/.seed*/newton"))
        with np.load(pair / "lcdm_checkpoint.npz") as stored:
            kept = json.loads(str(stored["preliminary"]))
    except (StopIteration, OSError, ValueError, KeyError, zipfile.BadZipFile):
        return False
    return bool(kept) and not (pair / "pk000_delta.dat").exists()


#: when to kill
MOMENTS: dict[str, Moment] = {
    "inside the first pair": between("pairs/.seed00001*/newton/*", "pairs/seed00001"),
    "between the members of the third pair": between("pairs/.seed00003*/gr", "pairs/seed00003"),
    "after the fourth pair": between("pairs/seed00004/pair.json", "pairs/seed00005"),
    "inside the measurement": between("spectra/started.json", "spectra/stage.json"),
    "inside the data set": between("dataset/started.json", "dataset/stage.json"),
    "before the training": between("training/started.json", "training/cnn/weights.pt"),
    "inside the training": between("training/cnn/checkpoint.pt", "training/cnn/weights.pt"),
    "inside the second training": between("training/cnn_meankept/checkpoint.pt", "training/cnn_meankept/weights.pt"),
    "inside a control": between("audit/newton_newton/*", "audit/newton_newton.json"),
    "after a control": between("audit/newton_newton.json", "audit/stage.json"),
    "inside the explanation": between("explain/started.json", "explain/stage.json"),
    "inside the report": between("report/started.json", "report/stage.json"),
}
#: those that last long enough to be met on any machine
NEEDED = {"inside the first pair", "inside the training", "inside the second training", "inside a control"}
TRIES = 5

#: as the reference program steps; two spectra fall into one step: the first is interpolated, the second late
IN_ONE_STEP = """
name = "steps"
[seeds]
count = 1
[simulation]
mesh = "staggered"
start = "linear"
grid = 8
box_size_mpch = 160.0
transfer = "eisenstein-hu"
step_limit_hubble = 0.05
exact_redshifts = false
phi_integrator = "euler"
spectra_redshifts = [9.6, 9.5]
[output]
checkpoint_every = 1
"""
IN_ONE_PAIR: dict[str, Moment] = {
    "before the first output": between("pairs/.seed*/newton/*_checkpoint.npz", "pairs/.seed*/newton/snap000_phi.h5"),
    "between the cycles of an interpolation": interpolating,
    "after both spectra": between("pairs/.seed*/newton/pk001_delta.dat", "pairs/.seed*/newton/snap001_phi.h5"),
    "inside the second member": between("pairs/.seed*/gr/*_checkpoint.npz", "pairs/.seed*/gr/pk000_phi.dat"),
    "after both of its spectra": between("pairs/.seed*/gr/pk001_delta.dat", "pairs/.seed*/gr/snap001_phi.h5"),
}
TIMES = {"seconds", "finished", "started"}  # keys that say when, not what


def start(study: Path, run: Path, command: str = "run") -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "weakfield", command, str(study), "--out", str(run), "--json"]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE)


def killed_at(study: Path, run: Path, moment: Moment, command: str) -> bool:
    """Start the command, kill it at a moment; whether the folder it left is of that moment."""
    process = start(study, run, command)
    while process.poll() is None:
        if moment(run):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    process.communicate()
    return process.returncode == -signal.SIGKILL and moment(run)


def killed_often(study: Path, run: Path, moments: dict[str, Moment], command: str = "run") -> set[str]:
    """Kill the command at each moment in turn; the moments that were met. A miss is undone and tried again."""
    met = set()
    before = run.with_name("before")
    for name, moment in moments.items():
        for _ in range(TRIES):
            shutil.rmtree(before, ignore_errors=True)
            if run.exists():
                shutil.copytree(run, before)
            if killed_at(study, run, moment, command):
                met.add(name)
                break
            shutil.rmtree(run, ignore_errors=True)
            if before.exists():
                before.rename(run)
    return met


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
        if name.startswith(("dataset/cache/", "campaign/")):
            continue  # when the files of the pairs were written; when they were begun, and by which process
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
    met = killed_often(study, run, MOMENTS)
    assert met >= NEEDED
    final = start(study, run)
    final.communicate()
    assert final.returncode == 0

    whole, killed = results(tmp_path / "whole"), results(run)
    assert {"dataset/dataset.json", "training/cnn/weights.pt", "training/cnn/metrics.json"} <= set(whole)
    assert set(whole) == set(killed)
    assert (run / "report/index.html").exists()
    differing = [name for name in whole if not same(whole[name], killed[name])]
    assert differing == []

    again = start(study, run)
    assert [json.loads(line)["status"] for line in again.communicate()[0].splitlines()] == ["skipped"] * 7


def test_killed_inside_a_pair_that_steps_as_the_reference_program(tmp_path: Path) -> None:
    study = tmp_path / "steps.toml"
    study.write_text(IN_ONE_STEP)
    undisturbed = start(study, tmp_path / "whole", "simulate")
    undisturbed.communicate()
    assert undisturbed.returncode == 0
    names = [tmp_path / f"whole/pairs/seed00001/newton/pk{i:03d}_phi.dat" for i in (0, 1)]
    assert [read_spectrum_text(name).redshift < z for name, z in zip(names, (9.6, 9.5), strict=True)] == [False, True]

    run = tmp_path / "killed"
    assert killed_often(study, run, IN_ONE_PAIR, "simulate") == set(IN_ONE_PAIR)
    final = start(study, run, "simulate")
    final.communicate()
    assert final.returncode == 0
    whole, killed = results(tmp_path / "whole"), results(run)
    assert len([name for name in whole if "/pk" in name]) == 8
    assert [name for name in whole if not same(whole[name], killed.get(name))] == []
    assert set(whole) == set(killed)
