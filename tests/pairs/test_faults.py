"""A full disk, a read-only folder, a truncated file, a worker of another version, a clock that jumps."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.campaigning import fields, run, start, write_study
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs.cost import bytes_of_pair
from weakfield.pairs.journal import entries

pytestmark = pytest.mark.slow

PAIRS = 6
FIELD = "gr/snap001_phi.h5"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The fields of an undisturbed run."""
    folder = tmp_path_factory.mktemp("whole")
    code, _, err = run("simulate", write_study(folder / "study.toml", PAIRS), "--out", folder / "run")
    assert code == 0, err
    return fields(folder / "run")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study.toml", PAIRS)


class Disk:
    """A small file system of its own, whose size and mode can be changed."""

    def __init__(self, place: Path, size: int) -> None:
        self.place = place
        place.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))

    def remount(self, options: str) -> None:
        self._mount("-o", f"remount,{options}", str(self.place))

    @staticmethod
    def _mount(*arguments: str) -> None:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"mounting a small disk needs root: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path, study: Path) -> Iterator[Disk]:
    """Room for about three pairs."""
    place = tmp_path / "disk"
    made = Disk(place, 3 * bytes_of_pair(StudyConfig.from_toml(study)))
    try:
        yield made
    finally:
        subprocess.run(["umount", str(place)], check=False)


@pytest.mark.parametrize("options", [[], ["--workers", 2]], ids=["loop", "workers"])
def test_a_full_disk(disk: Disk, study: Path, whole: dict[str, bytes], options: list[object]) -> None:
    root = disk.place / "run"
    code, _, err = run("simulate", study, "--out", root, *options)
    assert code == 1
    assert "MB free, expected" in err.splitlines()[-1] or "No space left" in err.splitlines()[-1]
    grown = fields(root)
    kept = {name: data for name, data in grown.items() if not name.startswith(".")}
    assert kept
    assert all(whole[name] == data for name, data in kept.items())  # nothing lost, nothing damaged
    disk.remount("size=64m")
    code, _, err = run("simulate", study, "--out", root, *options)
    assert code == 0, err
    assert fields(root) == whole


@pytest.mark.parametrize("options", [[], ["--workers", 2]], ids=["loop", "workers"])
def test_a_folder_that_became_read_only(
    disk: Disk, study: Path, whole: dict[str, bytes], options: list[object]
) -> None:
    root = disk.place / "run"
    assert run("simulate", study, "--out", root, "--seeds", "0:1")[0] == 0
    before = fields(root)
    disk.remount("ro")
    code, _, err = run("simulate", study, "--out", root, *options)
    assert (code, err.count("\n")) == (1, 1)
    assert f"cannot write in {root}: Read-only file system" in err
    assert fields(root) == before


def test_a_full_scratch_of_one_worker(disk: Disk, study: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    """It gets no more pairs; the other grows them all."""
    disk.remount("size=16k")
    profile = tmp_path / "profile.toml"
    profile.write_text('scratch = "$WEAKFIELD_TEST_SCRATCH"\n')
    (tmp_path / "roomy").mkdir()
    places = {"full": disk.place, "roomy": tmp_path / "roomy"}
    with scheduler_and_workers(
        tmp_path, {name: {"WEAKFIELD_TEST_SCRATCH": str(place)} for name, place in places.items()}
    ) as address:
        code, _, err = run("simulate", study, "--out", tmp_path / "run", "--scheduler", address, "--profile", profile)
    assert code == 0, err
    assert "it gets no more pairs" in err
    assert str(disk.place) in err
    assert fields(tmp_path / "run") == whole
    assert not list((tmp_path / "roomy").rglob("*.h5"))


def test_a_truncated_file_of_a_pair(study: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert run("simulate", study, "--out", root)[0] == 0
    path = RunFolder(root).pair(3) / FIELD
    path.write_bytes(path.read_bytes()[:-100])
    (RunFolder(root).pair(4) / "pair.json").write_text('{"seed": 4, "fil')
    code, out, err = run("simulate", study, "--out", root, "--workers", 2)
    assert (code, "grown 2" in out) == (0, True), err
    assert fields(root) == whole
    flaws = {entry["seed"]: entry["flaw"] for entry in entries(RunFolder(root)) if "flaw" in entry}
    assert FIELD in flaws[3]
    assert "pair.json is not readable JSON" in flaws[4]


def test_a_worker_of_another_version(study: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    with scheduler_and_workers(tmp_path, {"same": {}, "old": {"WEAKFIELD_TEST_VERSION": "0.0.1"}}) as address:
        code, _, err = run("simulate", study, "--out", tmp_path / "run", "--scheduler", address)
    assert code == 0, err
    assert "has weakfield 0.0.1, expected" in err
    assert err.count("it gets no more pairs") == 1
    assert fields(tmp_path / "run") == whole


def test_only_workers_of_another_version(study: Path, tmp_path: Path) -> None:
    with scheduler_and_workers(tmp_path, {"old": {"WEAKFIELD_TEST_VERSION": "0.0.1"}}) as address:
        code, _, err = run("simulate", study, "--out", tmp_path / "run", "--scheduler", address)
    assert code == 1
    assert "no worker is left that can grow a pair" in err.splitlines()[-1]
    assert not fields(tmp_path / "run")


def test_a_scheduler_that_is_gone(study: Path, tmp_path: Path) -> None:
    """The command says so and ends; the pairs that are whole stay."""
    write_study(study, count=200)
    with scheduler_and_workers(tmp_path, {"one": {}}) as address:
        process = start("simulate", study, "--out", tmp_path / "run", "--scheduler", address)
        begin = time.monotonic()
        while not list((tmp_path / "run").glob("pairs/seed*/pair.json")) and time.monotonic() - begin < 60:
            time.sleep(0.05)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"the scheduler {address} was lost" in err.splitlines()[-1]
    assert fields(tmp_path / "run")


def test_a_clock_that_jumps_by_days(study: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    """Every process of the campaign sees the time of day leap forth and back."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(
        textwrap.dedent(
            """
            import time
            real, begin = time.time, time.monotonic()
            time.time = lambda: real() + (2e5 if int(time.monotonic() - begin) % 2 else -2e5)
            """
        )
    )
    paths = os.pathsep.join(filter(None, [str(tmp_path / "path"), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": paths}
    code, _, err = run("simulate", study, "--out", tmp_path / "run", "--workers", 2, env=environment)
    assert code == 0, err
    assert fields(tmp_path / "run") == whole
    begun = [entry["seed"] for entry in entries(RunFolder(tmp_path / "run")) if entry["event"] == "begun"]
    assert sorted(begun) == list(range(PAIRS))  # no worker was taken for dead


#: a worker as `dask worker` starts it, perhaps of another version
WORKER = """
import os, sys
import weakfield._version as version
version.__version__ = os.environ.get("WEAKFIELD_TEST_VERSION", version.__version__)
from distributed.cli.dask_worker import main
main(sys.argv[1:])
"""


class scheduler_and_workers:
    """A scheduler and a worker for each environment; the address of the scheduler, once all are there."""

    def __init__(self, folder: Path, environments: dict[str, dict[str, str]]) -> None:
        self._folder, self._environments = folder, environments
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> str:
        from distributed import Client

        contact = self._folder / "scheduler.json"
        self._start(["-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard",
                     "--scheduler-file", str(contact)], {})  # fmt: skip
        begin = time.monotonic()
        while not contact.exists() and time.monotonic() - begin < 60:
            time.sleep(0.1)
        for name, environment in self._environments.items():
            self._start(["-c", WORKER, "--scheduler-file", str(contact), "--name", name, "--nthreads", "1",
                         "--no-nanny", "--no-dashboard", "--memory-limit", "0"], environment)  # fmt: skip
        with Client(scheduler_file=str(contact), set_as_default=False) as client:
            client.wait_for_workers(len(self._environments), timeout=60)
            return str(client.scheduler.address)

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, arguments: list[str], environment: dict[str, str]) -> None:
        with open(self._folder / "dask.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], stdout=log, stderr=log, env=os.environ | environment, cwd=self._folder
            )
        self._processes.append(process)
