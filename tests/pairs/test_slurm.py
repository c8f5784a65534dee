"""Campaigns on a SLURM that runs: `make test-slurm` starts one of one node (slurm/start.sh) and runs this."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from weakfield.config import RunFolder
from weakfield.pairs.journal import entries


def hindrance() -> str:
    """Why there is no SLURM to run on; empty if there is one. Somebody's cluster is not asked."""
    if shutil.which("sinfo") is None:
        return "sinfo is not installed; 'make test-slurm' says how"
    if "WEAKFIELD_TEST_SLURM" not in os.environ:
        return "no SLURM for tests was started; 'make test-slurm' does"
    found = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True)
    return "" if found.returncode == 0 and "idle" in found.stdout else "no idle node of SLURM; see 'make test-slurm'"


pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "there is one")]

PAIRS = 8
STUDY = f"""
name = "queue"
[seeds]
first = 0
count = {PAIRS}
[simulation]
grid = 16
box_size_mpch = 320.0
transfer = "eisenstein-hu"
step_limit_hubble = 0.01
[campaign]
options = {{ cores = 1, memory = "900MB", walltime = "00:10:00" }}
cluster = "slurm"
workers = 2
"""
LIMIT_S = 120  # a job starts within seconds here, a pair takes some


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "queue.toml"
    path.write_text(STUDY)
    return path


def jobs() -> list[str]:
    """Jobs of SLURM that run now."""
    listed = subprocess.run(["squeue", "-h", "-t", "RUNNING", "-o", "%i"], capture_output=True, text=True, check=True)
    return listed.stdout.split()


def test_a_cancelled_job_costs_its_pair_a_second_try_and_nothing_else(study: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "weakfield", "simulate", str(study), "--out", str(run), "--json"]
    campaign = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder, begin = RunFolder(run), time.monotonic()
    cancelled = ""
    while campaign.poll() is None and time.monotonic() - begin < LIMIT_S:
        whole = len(list(folder.pairs.glob("seed*/pair.json")))
        if not cancelled and whole >= 2 and all_in_the_midst(folder) and (running := jobs()):
            cancelled = running[0]
            subprocess.run(["scancel", cancelled], check=True)
        time.sleep(0.1)
    out, err = campaign.communicate(timeout=10)
    assert campaign.returncode == 0, err
    assert cancelled
    assert json.loads(out)["grown"] == PAIRS
    begun = [entry["seed"] for entry in entries(folder) if entry["event"] == "begun"]
    assert sorted(set(begun)) == list(range(PAIRS))
    assert len(begun) <= PAIRS + 1  # the pair of the cancelled job was begun twice
    assert not jobs() or wait_for_none()


def all_in_the_midst(folder: RunFolder) -> bool:
    """Whether every process has a pair that it began a while ago. A process that has just grown one may not have
    answered yet; the next that tries this pair would find it whole, and the campaign had not grown all by itself."""
    known = list(entries(folder))
    time.sleep(0.4)
    last = {entry["process"]: entry["event"] for entry in known}
    return set(last.values()) == {"begun"} and len(list(entries(folder))) == len(known)


def wait_for_none() -> bool:
    """Whether the jobs of a finished campaign leave the queue."""
    begin = time.monotonic()
    while jobs() and time.monotonic() - begin < 20:
        time.sleep(0.5)
    return not jobs()


def test_jobs_of_an_array_share_a_run_folder(study: Path, tmp_path: Path) -> None:
    """Each takes its own seeds, both at once; afterwards the set is whole."""
    run = tmp_path / "run"
    plain = tmp_path / "plain.toml"
    plain.write_text(STUDY.partition("[campaign]")[0])
    script = tmp_path / "array.sh"
    script.write_text(
        "#!/bin/sh\n"
        "#SBATCH --array=0-1\n#SBATCH -n 1\n"
        f"#SBATCH -o {tmp_path}/array-%a.out\n"
        "first=$((SLURM_ARRAY_TASK_ID * 4))\n"
        f"{sys.executable} -m weakfield simulate {plain} --out {run} --seeds $first:$((first + 4))\n"
    )
    subprocess.run(["sbatch", "--wait", str(script)], check=True, capture_output=True, timeout=LIMIT_S)
    said = [(tmp_path / f"array-{number}.out").read_text() for number in (0, 1)]
    assert all("pairs 4, grown 4" in text for text in said), said
    begun = [(entry["seed"], entry["process"]) for entry in entries(RunFolder(run)) if entry["event"] == "begun"]
    assert sorted(seed for seed, _ in begun) == list(range(PAIRS))
    assert len({process for _, process in begun}) == 2
