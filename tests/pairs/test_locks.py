"""A seed belongs to one process at a time, and to nobody once that process is dead."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from helpers.campaigning import write_study
from weakfield.base.errors import WeakfieldError
from weakfield.config import RunFolder, StudyConfig
from weakfield.pairs import grower
from weakfield.pairs.grower import grow_pair
from weakfield.pairs.locks import holder, holders, lock_path, pair_lock

HOLDER = """
import sys, time
from weakfield.config import RunFolder
from weakfield.pairs.locks import pair_lock
with pair_lock(RunFolder(sys.argv[1]), 3) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""
#: many processes lock one pair again and again; each writes when it enters and leaves
CONTENDER = """
import os, sys
from weakfield.config import RunFolder
from weakfield.pairs.locks import pair_lock
folder, log = RunFolder(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for _ in range(30):
    with pair_lock(folder, 0) as ours:
        if ours:
            os.write(log, f"in {os.getpid()}\\n".encode())
            os.write(log, f"out {os.getpid()}\\n".encode())
"""


@pytest.fixture
def held(tmp_path: Path) -> subprocess.Popen[str]:
    """A process that has seed 3."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.wait()


def test_a_seed_is_refused_while_another_process_has_it(tmp_path: Path, held: subprocess.Popen[str]) -> None:
    folder = RunFolder(tmp_path)
    with pair_lock(folder, 3) as ours, pair_lock(folder, 4) as other:
        assert (ours, other) == (False, True)
    assert holder(folder, 3)["process"] == held.pid
    assert set(holders(folder)) == {3}


def test_the_lock_of_a_dead_process_is_nobodys_whatever_the_clock_says(
    tmp_path: Path, held: subprocess.Popen[str]
) -> None:
    """The file it leaves may be of the future or of the past."""
    folder = RunFolder(tmp_path)
    held.send_signal(signal.SIGKILL)
    held.wait()
    for moment in (2**33, 0):
        os.utime(lock_path(folder, 3), (moment, moment)) if lock_path(folder, 3).exists() else None
        assert holder(folder, 3) is None
        with pair_lock(folder, 3) as ours:
            assert ours


def test_waiting_for_a_seed(tmp_path: Path, held: subprocess.Popen[str]) -> None:
    threading.Timer(0.5, held.kill).start()
    begin = time.monotonic()
    with pair_lock(RunFolder(tmp_path), 3, wait=True) as ours:
        assert ours
    assert time.monotonic() - begin > 0.3


def test_contenders_never_meet(tmp_path: Path) -> None:
    """The file is removed and made again all the time; whoever is in has left before the next comes."""
    log = tmp_path / "log"
    crowd = [subprocess.Popen([sys.executable, "-c", CONTENDER, str(tmp_path), str(log)]) for _ in range(4)]
    assert [process.wait() for process in crowd] == [0] * 4
    lines = log.read_text().splitlines()
    assert len({line.split()[1] for line in lines}) > 1
    for enter, leave in zip(lines[::2], lines[1::2], strict=True):
        assert (enter.split()[0], leave) == ("in", enter.replace("in", "out"))


def test_asking_who_has_a_seed_does_not_take_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pair_lock(folder, 1) as first:
        assert first
        assert holder(folder, 1)["process"] == os.getpid()
    assert holder(folder, 1) is None
    assert not list((folder.campaign / "claims").iterdir())


def test_a_lock_that_cannot_be_written_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk takes the file and not what is written to it; the lock must not stay with this process."""

    def full(*anything: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = RunFolder(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(WeakfieldError, match="No space left"), pair_lock(folder, 1):
            pass
    assert not lock_path(folder, 1).exists()
    with pair_lock(folder, 1) as ours:
        assert ours


@pytest.mark.parametrize("scratch", [None, "scratch"])
def test_without_locks_two_processes_grow_a_pair_in_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scratch: str | None
) -> None:
    """Another node is halfway through the same seed, and whole before us: its files stay as they are."""

    def no_locks(*anything: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    study = StudyConfig.from_toml(write_study(tmp_path / "study.toml", count=1))
    mine, others = RunFolder(tmp_path / "mine"), RunFolder(tmp_path / "others")
    place = mine.pairs if scratch is None else tmp_path / scratch
    theirs = [folder / ".seed00000.partial" / "half" for folder in (place, mine.pairs)]
    theirs.append(mine.pairs / ".seed00000.node-1.partial" / "half")
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of another node")
    grow_pair(study, 0, others)
    check = grower.check_pair

    def overtaken(study: StudyConfig, growing: Path) -> None:
        """The other is first at the last moment."""
        assert growing == place / f".seed00000.{socket.gethostname()}-{os.getpid()}.partial"
        check(study, growing)
        shutil.copytree(others.pair(0), mine.pair(0))

    monkeypatch.setattr(grower, "check_pair", overtaken)
    with pair_lock(mine, 0) as ours:
        assert ours
        grow_pair(study, 0, mine, scratch=None if scratch is None else place)
    assert all(path.read_text() == "of another node" for path in theirs)
    assert (mine.pair(0) / "pair.json").read_bytes() == (others.pair(0) / "pair.json").read_bytes()
    assert not list(tmp_path.rglob(f"*{os.getpid()}.partial"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "campaign").write_text("a file where a folder should be")
    with pytest.raises(WeakfieldError, match=r"cannot write .*campaign"), pair_lock(RunFolder(tmp_path), 1):
        pass
