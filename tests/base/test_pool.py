"""Jobs at once: the same results as one after the other, and no worker outlives the process that asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from helpers.pooled_jobs import squares
from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.memory import fitting
from weakfield.base.pool import WorkerLost, completed, mapped, workers_kept

TESTS = Path(__file__).parents[1]
#: a script of a user, without a guard around its only line
SCRIPT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what it puts in the background deaf to it
with open("runs", "a") as runs:
    runs.write("run\\n")
from helpers.pooled_jobs import sleeper
from weakfield.base.pool import mapped
mapped(sleeper, (".",), [0, 1, 2, 3], 2)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(tmp_path: Path, workers: int) -> None:
    seen: list[int] = []
    with pytest.warns(UserWarning, match="^about 4$") as said:
        found = mapped(squares, (str(tmp_path),), [5, 4, 3, 2], workers, seen.append)
    assert found == [25, 16, 9, 4]
    assert sorted(seen) == [2, 3, 4, 5]
    assert len(said) == 1
    assert len(list(tmp_path.glob("made*"))) == workers


def test_workers_are_kept_for_the_next_call(tmp_path: Path) -> None:
    with workers_kept():
        for _ in range(2):
            mapped(squares, (str(tmp_path),), [1, 2, 3], 2)
    assert len(list(tmp_path.glob("made*"))) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_arrives_as_it_was_raised(tmp_path: Path, workers: int) -> None:
    found = {one.job: one for one in completed(squares, (str(tmp_path),), [1, 13, 28, 2], workers)}
    assert [found[job].result for job in (1, 2)] == [1, 4]
    assert isinstance(found[13].error, BadInput)
    assert str(found[13].error) == "the job is 13, expected another"
    assert isinstance(found[28].error, WeakfieldError)
    cause = found[28].error.__cause__
    assert isinstance(cause, OSError)
    assert cause.errno == 28
    with pytest.raises(BadInput, match=r"^the job is 13, expected another"):
        mapped(squares, (str(tmp_path),), [1, 13, 2, 3], workers)


def test_a_worker_that_dies_costs_its_job_alone(tmp_path: Path) -> None:
    found = {one.job: one for one in completed(squares, (str(tmp_path),), [99, 1, 2, 3], 2)}
    assert [found[job].result for job in (1, 2, 3)] == [1, 4, 9]
    assert isinstance(found[99].error, WorkerLost)
    assert str(found[99].error) == "a worker process ended by signal 6 (too little memory?) before it had done 99"


@pytest.mark.parametrize(
    "sent", [signal.SIGKILL, *(pytest.param(one, marks=pytest.mark.slow) for one in (signal.SIGINT, signal.SIGTERM))]
)
def test_no_worker_outlives_the_process_that_asked(tmp_path: Path, sent: signal.Signals) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    asking = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _wait_for(lambda: len(list(tmp_path.glob("at[01]"))) == 2 or asking.poll() is not None)
        workers = [int((tmp_path / f"at{job}").read_text()) for job in (0, 1)]
        if sent == signal.SIGINT:  # as a terminal does: to every process of the group
            os.killpg(asking.pid, sent)
        else:
            asking.send_signal(sent)
        said = asking.communicate(timeout=60)[1]
        _wait_for(lambda: not any(map(_runs, workers)))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(asking.pid, signal.SIGKILL)
    assert (tmp_path / "runs").read_text() == "run\n", "workers must not run the script of the user again"
    assert said.count("Traceback") == (sent == signal.SIGINT), said  # that of the script itself
    assert not list(tmp_path.glob("at[23]"))


def test_no_more_workers_than_fit_in_memory() -> None:
    assert fitting(4, 1) == 4
    assert fitting(4, 10**15) == 1


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_for(met, seconds: float = 60.0) -> None:
    begin = time.monotonic()
    while not met():
        assert time.monotonic() - begin < seconds
        time.sleep(0.05)
