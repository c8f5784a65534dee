"""Files written beside the computation: one thread, in order, so that a GPU does not wait for a disk."""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import Protocol

import torch
from torch import Tensor

Job = Callable[[], None]

#: jobs that may wait: each holds a field in host memory
_AHEAD = 8


class Writer(Protocol):
    """Who writes."""

    def hold(self, field: Tensor) -> Callable[[], Tensor]:
        """A field as it is now, in host memory, for a job to come: it calls the function that is returned."""

    def submit(self, job: Job) -> None:
        """Have a job done after all before it. Raises what an earlier one raised."""

    def settle(self) -> None:
        """Return when all jobs are done. Raises what one of them raised."""


class DirectWriter:
    """Every job at once, in the thread that asks."""

    def hold(self, field: Tensor) -> Callable[[], Tensor]:
        return field.cpu

    def submit(self, job: Job) -> None:
        job()

    def settle(self) -> None:
        """Nothing waits."""


class ThreadedWriter:
    """Jobs in a thread of their own, in order; after one that fails, none. A context: leaving it waits for the jobs.

    Left by an exception it drops the jobs that have not begun: what they would have finished is not finished.
    """

    def __init__(self) -> None:
        self._jobs: Queue[Job | None] = Queue(_AHEAD)
        self._error: BaseException | None = None
        self._dropping = False
        self._thread = Thread(target=self._work, name="weakfield-writer", daemon=True)

    def __enter__(self) -> ThreadedWriter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._dropping = kind is not None
        self._jobs.put(None)
        self._thread.join()
        if kind is None:
            self._raise()

    def hold(self, field: Tensor) -> Callable[[], Tensor]:
        """From a GPU the copy starts now, into pinned memory, and the job waits for it while the device goes on."""
        if not field.is_cuda:
            copy = field.clone()
            return lambda: copy
        host = torch.empty(field.shape, dtype=field.dtype, pin_memory=True)
        host.copy_(field, non_blocking=True)
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        copied.record(torch.cuda.current_stream(field.device))

        def wait() -> Tensor:
            copied.synchronize()
            return host

        return wait

    def submit(self, job: Job) -> None:
        self._raise()
        self._jobs.put(job)

    def settle(self) -> None:
        self._jobs.join()
        self._raise()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._error is None and not self._dropping:
                try:
                    job()
                except BaseException as error:
                    self._error = error
            self._jobs.task_done()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
