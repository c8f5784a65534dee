"""Pairs grown by workers, and by the plain loop: the same bytes; what fails is set aside and the rest goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from helpers.campaigning import fields, run, write_study
from weakfield.base.errors import BadInput
from weakfield.cli import invoke
from weakfield.cli.campaign import campaign_settings, chosen_seeds
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs import clusters
from weakfield.pairs.clusters import connected, worker_environments
from weakfield.pairs.journal import entries, log_path
from weakfield.pairs.manifest import settings_hash

TRIES = 3


def block(root: Path, seed: int) -> Path:
    """Put a file where the pair of a seed has to grow: every try of it fails, and no other's."""
    obstacle = RunFolder(root).pairs / f".seed{seed:05d}.partial"
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.write_text("in the way")
    return obstacle


@pytest.mark.parametrize(
    "options", [pytest.param([], id="loop"), pytest.param(["--workers", 2], id="workers", marks=pytest.mark.slow)]
)
def test_a_pair_that_fails_three_times_is_set_aside_and_the_others_grow(tmp_path: Path, options: list[object]) -> None:
    study, root = write_study(tmp_path / "study.toml"), tmp_path / "run"
    folder, obstacle = RunFolder(root), block(root, 2)
    code, out, err = run("simulate", study, "--out", root, "--json", *options)
    assert (code, out) == (1, "")
    last = err.splitlines()[-1]
    assert "1 of 4 pairs failed and were set aside; seed 2: " in last
    assert str(log_path(folder, 2).parent) in last
    assert log_path(folder, 2).read_text().count("Traceback") >= TRIES
    assert [path.parent.name for path in sorted(folder.pairs.glob("seed*/pair.json"))] == [
        "seed00000", "seed00001", "seed00003",
    ]  # fmt: skip
    failures = [entry for entry in entries(folder) if entry["event"] == "failed"]
    assert [entry["seed"] for entry in failures] == [2] * TRIES

    obstacle.unlink()
    assert invoke(["simulate", str(study), "--out", str(root)]) == 0
    assert not log_path(folder, 2).exists()
    if options:  # the same bytes as a plain loop grows
        assert invoke(["simulate", str(study), "--out", str(tmp_path / "plain")]) == 0
        assert fields(root) == fields(tmp_path / "plain")


def test_each_worker_sees_one_gpu_and_its_share_of_threads() -> None:
    """Two GPUs by the names given: one worker each, told by its environment."""
    study = StudyConfig.from_mapping({"campaign": {"gpus": ["5", "GPU-a1"], "threads": 3}})
    names = ("CUDA_VISIBLE_DEVICES", "WEAKFIELD_THREADS", "NUMBA_NUM_THREADS")
    with connected(study, Path("unused")) as client:
        client.wait_for_workers(2, timeout=60)
        found = client.run(lambda: [os.environ.get(name) for name in names])
    assert sorted(found.values()) == [["5", "3", "3"], ["GPU-a1", "3", "3"]]


def test_workers_without_gpus_share_the_cores() -> None:
    study = StudyConfig.from_mapping({"campaign": {"workers": 1000}})
    environments = worker_environments(study)
    assert len(environments) == 1000
    assert environments[0]["WEAKFIELD_THREADS"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in environments[0]


def test_more_than_one_worker_without_names_of_gpus_is_one_on_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page says: one worker is a plain loop, however many GPUs are visible."""
    monkeypatch.setattr(clusters, "_gpus", lambda study: ("0", "1", "2", "3"))
    one, two = (StudyConfig.from_mapping({"campaign": {"workers": workers}}) for workers in (1, 2))
    assert not one.campaign.needs_dask
    assert two.campaign.needs_dask
    assert [each["CUDA_VISIBLE_DEVICES"] for each in worker_environments(two)] == ["0", "1", "2", "3"]


def test_the_job_array_of_the_page_grows_every_seed_once() -> None:
    """Its shell lines, with a ``weakfield`` that says what it was given."""
    page = (Path(__file__).parents[2] / "docs" / "campaigns.md").read_text()
    (script,) = [block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "SLURM_ARRAY_TASK_ID" in block]
    last = int(re.search(r"--array=0-(\d+)", script)[1])
    study, grown = StudyConfig.from_mapping({"seeds": {"count": 2000}}), []
    for number in range(last + 1):
        shell = ["sh", "-c", 'weakfield() { echo "$@"; }\n' + script]
        said = subprocess.run(
            shell, env=os.environ | {"SLURM_ARRAY_TASK_ID": str(number)}, capture_output=True, text=True, check=True
        ).stdout.split()
        grown += chosen_seeds(study, said[said.index("--seeds") + 1])
    assert grown == list(study.seeds.all)


def test_where_pairs_are_grown_is_no_part_of_what_they_are() -> None:
    plain = StudyConfig()
    elsewhere = StudyConfig.from_mapping({"campaign": {"workers": 7, "scratch": "$TMPDIR", "tries": 1}})
    assert settings_hash(plain) == settings_hash(elsewhere)
    assert StudyConfig.from_mapping(elsewhere.model_dump()) == elsewhere


@pytest.mark.parametrize(
    ("campaign", "said"),
    [
        ({"scheduler": "tcp://a:1", "cluster": "slurm"}, "expected one of the two"),
        ({"scheduler": "a:1"}, "expected an address such as tcp://"),
        ({"options": {"queue": "long"}}, "expected cluster = slurm"),
        ({"cluster": "slurm", "gpus": ["0"]}, "gpus are those of this machine"),
        ({"cluster": "torque"}, "'slurm'"),
        ({"tries": 0}, "campaign.tries"),
    ],
)
def test_settings_that_contradict_each_other(campaign: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        StudyConfig.from_mapping({"campaign": campaign})


def test_the_command_line_lies_over_the_profile_and_that_over_the_study(tmp_path: Path) -> None:
    profile = tmp_path / "site.toml"
    profile.write_text('[campaign]\ncluster = "slurm"\nworkers = 20\noptions = { queue = "long" }\n')
    study = StudyConfig.from_mapping({"campaign": {"workers": 2, "tries": 5}})
    settings = campaign_settings(study, profile, "30", None, None)
    assert (settings.cluster, settings.workers, settings.tries, settings.options) == ("slurm", 30, 5, {"queue": "long"})
    here = campaign_settings(study, profile, None, "tcp://host:8786", None)
    assert (here.cluster, here.scheduler, here.options) == ("local", "tcp://host:8786", {})
    with pytest.raises(BadInput, match="cluster"):
        campaign_settings(study, None, None, None, "torque")


def test_a_part_of_the_seeds(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study.toml")
    assert chosen_seeds(StudyConfig.from_toml(study), "1:3") == (1, 2)
    for wrong in ("3:1", "0:5", "1-2", "-1:2"):
        with pytest.raises(BadInput, match="expected FIRST:END within the seeds of the study, 0:4"):
            chosen_seeds(StudyConfig.from_toml(study), wrong)
    root = tmp_path / "run"
    assert invoke(["simulate", str(study), "--out", str(root), "--seeds", "1:3"]) == 0
    assert sorted(path.name for path in (root / "pairs").glob("seed*")) == ["seed00001", "seed00002"]
    assert StudyConfig.from_toml(root / "study.toml").seeds.count == 4  # the study is the whole one


@pytest.mark.slow
def test_two_loops_share_a_run_folder(tmp_path: Path) -> None:
    """The same command twice at once: every pair is grown by one of them, and each says what it grew."""
    from helpers.campaigning import start

    study, root = write_study(tmp_path / "study.toml", count=12, grid=16, step=0.1), tmp_path / "run"
    both = [start("simulate", study, "--out", root, "--json") for _ in range(2)]
    said = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(outcome["grown"] for outcome in said) == 12
    assert sorted(entry["seed"] for entry in entries(RunFolder(root)) if entry["event"] == "begun") == list(range(12))


def test_a_study_of_another_universe_is_refused_while_pairs_are_growing(tmp_path: Path) -> None:
    """Also before the first pair is whole."""
    from weakfield.pairs.runfolder import open_for_work

    one = StudyConfig.from_toml(write_study(tmp_path / "one.toml"))
    other = StudyConfig.from_toml(write_study(tmp_path / "other.toml", step=0.1))
    folder = RunFolder(tmp_path / "run")
    with open_for_work(one, folder, "simulate", alone=False):
        with open_for_work(one, folder, "simulate", alone=False):
            pass  # the same one may
        with (
            pytest.raises(BadInput, match=r"simulation.step_limit_hubble = 0.2 but the study says 0.1"),
            open_for_work(other, folder, "simulate", alone=False),
        ):
            pass
        with open_for_work(one, folder, "dataset", grows=False):
            pass  # stages work beside
    with open_for_work(other, folder, "simulate", alone=False):
        pass  # nobody grows, nothing is grown: it takes any
