"""Jobs done at once by processes of this machine, or one after the other in this one, with the same results.

A stage gives a function that makes the work out of plain arguments (``make``), and jobs in plain words: a seed, the
name of a control. Every worker makes the work once, so that what it has loaded serves all its jobs. Workers are forked
from a server that has imported the large libraries and started no threads; forking a process that has is not safe. They
end with the call or with the block that keeps them, and with the process that called, however that ends.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from weakfield.base.errors import WeakfieldError

Job = TypeVar("Job")
Result = TypeVar("Result")
Make = Callable[..., Callable[[Job], Result]]

#: what the server of workers imports before it forks
PRELOADED = ["numpy", "scipy.special", "numba", "torch", "h5py", "pydantic", "weakfield.simulation.evolution"]
#: seconds that a worker which was told to end may take
_END_S = 5.0


#: workers that wait for the next call; ``None`` where none are kept
_idle: list[_Worker] | None = None


class WorkerLost(WeakfieldError):
    """A worker process ended without an answer."""


@dataclass(frozen=True)
class Done(Generic[Job, Result]):
    """A job with its result, or with the error that it ended with."""

    job: Job
    result: Result | None = None
    error: Exception | None = None


def mapped(
    make: Make[Job, Result],
    arguments: Sequence[Any],
    jobs: Sequence[Job],
    workers: int,
    done: Callable[[Job], object] = lambda job: None,
) -> list[Result]:
    """What ``make(*arguments)`` returns for every job, in their order; ``done`` is called after each, as they come.

    Raises the first error of a job; the jobs at work are then given up.
    """
    results: dict[Job, Any] = {}
    with closing(completed(make, arguments, jobs, workers)) as answers:
        for one in answers:
            if one.error is not None:
                raise one.error
            results[one.job] = one.result
            done(one.job)
    return [results[job] for job in jobs]


def completed(
    make: Make[Job, Result], arguments: Sequence[Any], jobs: Sequence[Job], workers: int
) -> Generator[Done[Job, Result], None, None]:
    """Every job once it is done, with its result or its error; with one worker, one after the other in this process.

    Close the generator before its end to give up the jobs at work. ``make`` is a function of a module. Arguments, jobs
    and results can be pickled; jobs are distinct. Warnings of workers are given here, before the result of their job. A
    job whose worker ended has a ``WorkerLost``.
    """
    workers = min(workers, len(jobs))
    if workers > 1:
        yield from _at_once(make, arguments, jobs, workers)
        return
    work: Callable[[Job], Result] | None = None
    for job in jobs:
        try:
            work = work or make(*arguments)
            one = Done[Job, Result](job, work(job))
        except Exception as error:
            one = Done[Job, Result](job, error=error)
        yield one


def _at_once(
    make: Make[Job, Result], arguments: Sequence[Any], jobs: Sequence[Job], workers: int
) -> Iterator[Done[Job, Result]]:
    setup, todo, seen = pickle.dumps(_Setup(make, tuple(arguments))), deque(jobs), dict[Any, Any]()
    busy: dict[Any, _Worker] = {}
    try:
        for _ in range(workers):
            worker = _idle.pop() if _idle and _idle[-1].process.is_alive() else _Worker()
            busy[worker.pipe] = worker
            worker.give(setup, todo.popleft())
        while _idle:
            _idle.pop().end()  # fewer are wanted, perhaps because no more fit in memory
        while busy:
            for pipe in wait(list(busy)):
                worker = busy.pop(pipe)
                job, answer = worker.job, worker.answer()
                if answer.lost:
                    worker.end()
                if todo:
                    worker = _Worker() if answer.lost else worker
                    busy[worker.pipe] = worker
                    worker.give(setup, todo.popleft())
                elif not answer.lost:
                    _rest(worker)
                for text, category, file, line in answer.warnings:
                    warnings.warn_explicit(text, category, file, line, registry=seen)
                yield Done(job, answer.result, answer.error)
    finally:
        for left in busy.values():
            left.end()


@contextmanager
def workers_kept() -> Iterator[None]:
    """Keep the workers of one call for the next in this block: they have then loaded libraries and kernels."""
    global _idle
    if _idle is not None:
        yield
        return
    _idle = []
    try:
        yield
    finally:
        kept, _idle = _idle, None
        for worker in kept:
            worker.end()


def _rest(worker: _Worker) -> None:
    if _idle is None:
        worker.end()
    else:
        _idle.append(worker)


def start_server() -> None:
    """Let the server of workers begin to import its libraries; other work can be done meanwhile."""
    from multiprocessing import forkserver

    multiprocessing.set_forkserver_preload(PRELOADED)
    with _interrupts_blocked():
        forkserver.ensure_running()


@dataclass(frozen=True)
class _Setup:
    """What a worker is given: the work, and the place of the process that asks for it."""

    make: Callable[..., Callable[[Any], Any]]
    arguments: tuple[Any, ...]
    folder: str = field(default_factory=os.getcwd)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True)
class _Answer:
    """The result of a job, or its error and what that came of.

    Warnings are as ``warnings.warn_explicit`` takes them. ``lost``: the worker ended before it could answer.
    """

    result: Any = None
    error: Exception | None = None
    causes: tuple[BaseException, ...] = ()
    warnings: tuple[tuple[str, type[Warning], str, int], ...] = ()
    lost: bool = False


class _Worker:
    """A process that does one job at a time."""

    def __init__(self) -> None:
        start_server()
        context = multiprocessing.get_context("forkserver")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,))
        self.job: Any = None
        self.setup = b""
        with _without_main():
            self.process.start()
        theirs.close()  # so that the end of the process is the end of the pipe

    def give(self, setup: bytes, job: Any) -> None:
        """Hand over a job, and the setup if it is not that of the last one."""
        self.job = job
        with suppress(OSError):  # it has ended: its answer will say so
            self.pipe.send((None if setup == self.setup else setup, job))
            self.setup = setup

    def answer(self) -> _Answer:
        try:
            answer: _Answer = pickle.loads(self.pipe.recv_bytes())
            for error, cause in pairwise((answer.error, *answer.causes)):
                if error is not None:
                    error.__cause__ = cause
            return answer
        except (EOFError, OSError):
            self.process.join(_END_S)
            how = self.process.exitcode
            why = f"by signal {-how} (too little memory?)" if how is not None and how < 0 else f"with exit code {how}"
            return _Answer(error=WorkerLost(f"a worker process ended {why} before it had done {self.job}"), lost=True)

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()
        self.process.close()


def _serve(pipe: Connection) -> None:
    """The life of a worker: answer job after job until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked decides what a Ctrl-C means
    multiprocessing.set_start_method(None, force=True)  # what a job starts, it starts as it would elsewhere
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout = sys.stderr  # standard output is for outcomes
    setup, work = b"", cast(Callable[[Any], Any] | None, None)
    while True:
        try:
            given, job = pipe.recv()
        except EOFError:
            return
        if given is not None:
            setup, work = given, None
            gc.collect()  # what the last work held has to make room
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")  # the filters of the process that asked decide
            try:
                work = work or _made(setup)
                answer = _Answer(work(job))
            except Exception as error:
                answer = _failed(error)
        said = tuple((str(one.message), one.category, one.filename, one.lineno) for one in caught)
        pipe.send_bytes(_pickled(replace(answer, warnings=said)))


def _made(pickled: bytes) -> Callable[[Any], Any]:
    setup: _Setup = pickle.loads(pickled)
    os.chdir(setup.folder)
    os.environ.clear()
    os.environ.update(setup.environment)
    return setup.make(*setup.arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _pickled(answer: _Answer) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception as error:
        return pickle.dumps(_failed(error))


def _failed(error: Exception) -> _Answer:
    """The error with its traceback as a note, for ``--debug``, and its causes, which do not travel by themselves."""
    error.add_note("".join(traceback.format_exception(error)))
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    first, *causes = map(_portable, chain)
    assert isinstance(first, Exception)
    return _Answer(error=first, causes=tuple(causes))


def _portable(error: BaseException) -> BaseException:
    """The error, or its words where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return WeakfieldError(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return error


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start processes in this block: they never see a Ctrl-C, which this process answers for all of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """Start a process in this block: it does not run the script of the user again, which may have no guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
