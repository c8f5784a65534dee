"""Pairs on every core of this machine: the same files as one after the other, also after an interruption or a death."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from helpers.campaigning import fields, run, start, write_study
from weakfield.base.errors import BadInput
from weakfield.cli.campaign import campaign_settings
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs import cores
from weakfield.pairs.journal import entries

TWO = {**os.environ, "WEAKFIELD_WORKERS": "2"}


#: without radiation, which Eisenstein and Hu leave out, so that there is nothing to warn of
DUST = "[cosmology]\nt_cmb_kelvin = 0.0\n"


@pytest.fixture(scope="module")
def one_after_the_other(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("one")
    code, _, err = run("simulate", write_study(root / "s.toml", more=DUST), "--out", root / "run", "--workers", 1)
    assert (code, err) == (0, "")
    return fields(root / "run")


@pytest.mark.slow
def test_the_same_files_on_two_cores(tmp_path: Path, one_after_the_other: dict[str, bytes]) -> None:
    code, out, err = run("simulate", write_study(tmp_path / "s.toml", more=DUST), "--out", tmp_path / "run", env=TWO)
    assert (code, err) == (0, "")
    assert "grown 4" in out
    assert fields(tmp_path / "run") == one_after_the_other
    assert len({entry["process"] for entry in entries(RunFolder(tmp_path / "run"))}) == 2
    assert "grown 0" in run("simulate", tmp_path / "run", env=TWO)[1]


@pytest.mark.slow
def test_an_interruption_ends_the_workers_and_is_continued(
    tmp_path: Path, one_after_the_other: dict[str, bytes]
) -> None:
    study = write_study(tmp_path / "s.toml", more=DUST)
    for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        process = start("simulate", study, "--out", tmp_path / "run", env=TWO, start_new_session=True)
        try:
            workers = next(found for found in at_work(tmp_path / "run") if found or process.poll() is not None)
            if sent == signal.SIGINT:
                os.killpg(process.pid, sent)
            else:
                process.send_signal(sent)
            err = process.communicate(timeout=60)[1]
            gone = psutil.wait_procs([psutil.Process(w) for w in workers if psutil.pid_exists(w)], timeout=30)[1]
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert gone == []
        assert "Traceback" not in err
        if sent == signal.SIGINT and process.returncode:
            assert err == "weakfield: interrupted; the same command continues where it stopped\n"
    assert run("simulate", study, "--out", tmp_path / "run", env=TWO)[0] == 0
    assert fields(tmp_path / "run") == one_after_the_other


@pytest.mark.slow
def test_a_worker_that_dies_costs_a_try_of_its_pair(tmp_path: Path, one_after_the_other: dict[str, bytes]) -> None:
    process = start("simulate", write_study(tmp_path / "s.toml", more=DUST), "--out", tmp_path / "run", env=TWO)
    workers = next(found for found in at_work(tmp_path / "run") if found or process.poll() is not None)
    os.kill(workers[0], signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert "grown 4" in out
    assert fields(tmp_path / "run") == one_after_the_other
    failed = [entry["error"] for entry in entries(RunFolder(tmp_path / "run")) if entry["event"] == "failed"]
    assert len(failed) == 1
    assert "ended by signal 9" in failed[0]


def test_large_meshes_get_threads_and_small_ones_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAKFIELD_WORKERS", "6")
    small = StudyConfig.from_mapping({"name": "small", "simulation": {"grid": 32, "box_size_mpch": 640.0}})
    large = StudyConfig.from_mapping({"name": "large", "simulation": {"grid": 96, "box_size_mpch": 1920.0}})
    monkeypatch.setattr(cores, "fitting", lambda workers, each: min(workers, int(2e9) // each))
    assert cores.workers_for(large, 48) == 1
    assert cores.workers_for(small, 48) == 6
    assert cores.workers_for(small, 3) == 3
    finer = small.model_copy(update={"simulation": large.simulation.model_copy(update={"grid": 80})})
    assert cores.workers_for(finer, 48) == 3, "no more than fit in memory"
    assert (
        cores.workers_for(small.model_copy(update={"campaign": small.campaign.model_copy(update={"workers": 1})}), 48)
        == 1
    )


@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5", ""])
def test_a_number_of_workers_that_is_none(given: str) -> None:
    study = StudyConfig.preset("demo")
    with pytest.raises(BadInput, match=f"^--workers is '{given}', expected a whole number above 0 or auto$"):
        campaign_settings(study, None, given, None, None)
    assert campaign_settings(study, None, "auto", None, None).workers == "auto"
    assert campaign_settings(study, None, "2", None, None).needs_dask


def at_work(root: Path) -> Iterator[list[int]]:
    """The processes that have begun a pair which is not whole, as long as anybody asks."""
    while True:
        told = [entry for entry in entries(RunFolder(root))]
        ended = {entry["seed"] for entry in told if entry["event"] != "begun"}
        yield [entry["process"] for entry in told if entry["seed"] not in ended and psutil.pid_exists(entry["process"])]
        time.sleep(0.02)
