"""kill -9 of workers, scheduler, client at random moments: the same bytes, no more work than the kills explain."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from helpers.campaigning import fields, run, write_study
from weakfield.config import RunFolder
from weakfield.pairs.journal import entries

pytestmark = pytest.mark.slow(minutes=3)

PAIRS, KILLS, SEED = 48, 21, 20261124
#: a pair takes most of a second, a worker or a client some to start
STEP = 0.025
#: a kill falls so long after a pair was begun, which is waited for so long: most hit pairs at work, some hit starts
PAUSE_S, PROGRESS_S = (0.0, 1.2), 7.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*arguments: object, log: Path) -> subprocess.Popen[bytes]:
    with open(log, "ab") as out:
        return subprocess.Popen([sys.executable, "-m", *map(str, arguments)], stdout=out, stderr=out)


class LocalCluster:
    """A scheduler, two workers under nannies and the client of a campaign, each a process that may be killed."""

    def __init__(self, study: Path, root: Path, log: Path) -> None:
        self.study, self.root, self.log = study, root, log
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.processes: dict[str, subprocess.Popen[bytes] | None] = dict.fromkeys(("scheduler", "one", "two", "client"))

    def keep_up(self) -> None:
        """Start what is not there; the client last."""
        for name, process in self.processes.items():
            if process is not None and process.poll() is None:
                continue
            if name == "scheduler":
                port = self.address.rpartition(":")[2]
                new = command("distributed.cli.dask_scheduler", "--port", port, "--no-dashboard", log=self.log)
            elif name == "client":
                if process is not None and process.returncode == 0:
                    continue
                arguments = ("weakfield", "simulate", self.study, "--out", self.root, "--scheduler", self.address)
                new = command(*arguments, log=self.log)
            else:
                options = ("--nthreads", "1", "--memory-limit", "0", "--no-dashboard", "--death-timeout", "20")
                new = command("distributed.cli.dask_worker", self.address, *options, log=self.log)
            self.processes[name] = new

    @property
    def finished(self) -> bool:
        client = self.processes["client"]
        return client is not None and client.poll() == 0

    def victims(self) -> dict[str, int]:
        """What may be killed: scheduler, client, nannies, and the workers under them."""
        found = {name: process.pid for name, process in self.processes.items() if process and process.poll() is None}
        for name in ("one", "two"):
            for number, pid in enumerate(children(found.get(name))):
                found[f"worker {name} {number}"] = pid
        return found

    def stop(self) -> None:
        for pid in self.victims().values():
            kill(pid)


def children(pid: int | None) -> list[int]:
    try:
        return [] if pid is None else [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_for_progress(cluster: LocalCluster) -> None:
    """Until another pair is begun, the campaign is over, or it has taken too long."""
    begin, before = time.monotonic(), len(list(entries(RunFolder(cluster.root))))
    while len(list(entries(RunFolder(cluster.root)))) == before and not cluster.finished:
        if time.monotonic() - begin > PROGRESS_S:
            return
        time.sleep(0.02)


def test_killed_at_random_moments(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study.toml", count=PAIRS, grid=16, step=STEP)
    code, _, err = run("simulate", study, "--out", tmp_path / "whole", "--workers", 2)
    assert code == 0, err

    chance, kills = random.Random(SEED), Counter[str]()
    root = tmp_path / "killed"
    cluster = LocalCluster(study, root, tmp_path / "log")
    try:
        while sum(kills.values()) < KILLS:
            cluster.keep_up()
            wait_for_progress(cluster)
            time.sleep(chance.uniform(*PAUSE_S))
            victims = cluster.victims()
            if not victims:
                continue  # on a busy machine all may have given up before; they are started again
            name = chance.choice(sorted(victims))
            kill(victims[name])
            kills[name.split()[0]] += 1
            if cluster.finished:
                break
    finally:
        cluster.stop()
    assert sum(kills.values()) >= 20, kills
    assert {"scheduler", "client", "worker"} <= set(kills)

    code, _, err = run("simulate", study, "--out", root, "--workers", 2)
    assert code == 0, err
    whole, killed = fields(tmp_path / "whole"), fields(root)
    assert whole.keys() == killed.keys()
    assert [name for name in whole if whole[name] != killed[name]] == []
    assert not list((root / "pairs").glob(".*"))  # nothing half-made is left

    noted = Counter((entry["seed"], entry["event"]) for entry in entries(RunFolder(root)))
    assert sum(noted[seed, "begun"] for seed in range(PAIRS)) <= PAIRS + worth(kills)
    assert all(noted[seed, "grown"] <= 1 for seed in range(PAIRS))  # a pair that took its name is not grown again


def worth(kills: Counter[str]) -> int:
    """How many pairs may have been begun in vain: one a worker or nanny; with the scheduler both workers go."""
    return kills["worker"] + kills["one"] + kills["two"] + 2 * (kills["scheduler"] + kills["client"])
