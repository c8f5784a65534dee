"""Pairs are whole or absent: grown once, continued after a kill, grown again when damaged."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs import grow_pair, simulate
from weakfield.pairs.manifest import settings_hash, why_incomplete
from weakfield.study import run_study


def tiny_study(**changes) -> StudyConfig:
    values = {
        "name": "tiny",
        "seeds": {"first": 3, "count": 2},
        "simulation": {"grid": 8, "box_size_mpch": 160.0, "step_limit_hubble": 0.1, "transfer": "eisenstein-hu"},
    }
    return StudyConfig.from_mapping(values | changes)


def test_pair_is_whole_or_absent_and_never_mixed(tmp_path):
    folder, study = RunFolder(tmp_path), tiny_study()
    leftover = tmp_path / "pairs" / ".seed00003.partial" / "gr"
    leftover.mkdir(parents=True)
    (leftover / "snap000_phi.h5").write_bytes(b"half a file")
    grow_pair(study, 3, folder)
    assert not leftover.parent.exists()
    before = (folder.pair(3) / "pair.json").stat().st_mtime_ns
    grow_pair(study, 3, folder)
    assert (folder.pair(3) / "pair.json").stat().st_mtime_ns == before  # nothing done again
    other = tiny_study(cosmology={"h": 0.7})
    with pytest.raises(BadInput, match="other settings"):
        grow_pair(other, 3, folder)


KILLED_AT = """
import os, signal, sys
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs.grower import grow_pair
study, folder, name = sys.argv[1:]
replace = os.replace
def dies(source, target):
    if os.path.basename(target) == name:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = dies
grow_pair(StudyConfig.from_toml(study), 3, RunFolder(folder))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["settings", "snap000_phi.h5", "newton.seconds", "gr.seconds", "pair.json", "seed00003"]
)
def test_a_pair_killed_at_a_rename_leaves_nothing_in_the_one_that_follows(tmp_path, name):
    study = tiny_study()
    (tmp_path / "study.toml").write_text(study.to_toml())
    command = [sys.executable, "-c", KILLED_AT, str(tmp_path / "study.toml"), str(tmp_path / "killed"), name]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert list((tmp_path / "killed" / "pairs").rglob(".*.partial"))
    grow_pair(study, 3, RunFolder(tmp_path / "killed"))
    grow_pair(study, 3, RunFolder(tmp_path / "whole"))
    whole, killed = (contents(tmp_path / root / "pairs") for root in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    assert [path for path in whole if whole[path] != killed[path] and not path.endswith("pair.json")] == []


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_pair_differs_in_the_theory_alone(tmp_path):
    """Same seed, same noise: the two potentials agree to about a per cent and are not equal."""
    folder = RunFolder(tmp_path)
    grow_pair(tiny_study(), 3, folder)
    newton, gr = (wf.load_field(folder.member(3, t) / "snap001_phi.h5")[0].double() for t in ("newton", "gr"))
    apart = float((newton - gr).std() / newton.std())
    assert 1e-5 < apart < 0.03
    assert float(np.corrcoef(newton.flatten(), gr.flatten())[0, 1]) > 0.999


def test_simulate_grows_every_pair_of_a_study(tmp_path):
    (tmp_path / "tiny.toml").write_text(tiny_study().to_toml())
    paths = simulate(tmp_path / "tiny.toml", tmp_path / "run")
    assert {p.parts[-2] for p in paths if p.name == "pair.json"} == {"seed00003", "seed00004"}
    assert all(p.exists() for p in paths)
    study = StudyConfig.from_toml(tmp_path / "run" / "study.toml")
    (outcome,) = run_study(study, tmp_path / "run", only="simulate")
    assert (outcome.status, outcome.summary["pairs"]) == ("skipped", 2)
    starts = json.loads((tmp_path / "run" / "provenance.json").read_text())["starts"]
    assert [start["stages"] for start in starts] == ["simulate", "simulate"]
    with pytest.raises(BadInput, match=r"holds pairs grown with cosmology\.n_s"):
        simulate(
            study.model_copy(update={"cosmology": study.cosmology.model_copy(update={"n_s": 0.9})}), tmp_path / "run"
        )


def test_damaged_pair_is_grown_again_and_inputs_count_by_content(tmp_path):
    folder, study = RunFolder(tmp_path / "run"), tiny_study()
    grow_pair(study, 3, folder)
    field = folder.member(3, "gr") / "snap000_phi.h5"
    whole = field.read_bytes()
    field.write_bytes(whole[:-100])
    said = f"{field} has {len(whole) - 100} bytes, expected {len(whole)} by its pair.json"
    assert why_incomplete(study, 3, folder) == said
    grow_pair(study, 3, folder)
    assert field.read_bytes() == whole
    table = tmp_path / "tk.dat"
    table.write_text((Path(__file__).parents[1] / "data" / "tk_z100.dat").read_text())
    moved = tmp_path / "elsewhere.dat"
    moved.write_text(table.read_text())

    def hash_with(path: Path) -> str:
        settings = {
            "grid": 8, "start": "linear", "transfer": "file", "transfer_file": path, "newton_velocities": "poisson",
        }  # fmt: skip
        return settings_hash(tiny_study(simulation=settings))

    assert hash_with(table) == hash_with(moved)
    moved.write_text(moved.read_text() + "# changed\n")
    assert hash_with(table) != hash_with(moved)
