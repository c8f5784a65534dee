"""Files written alongside the computation, in order by one thread, so that a GPU does not wait for a disk."""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import Protocol

import torch
from torch import Tensor

Job = Callable[[], None]

#: how many jobs may wait: each holds a field in host memory
_AHEAD = 8


class Writer(Protocol):
    """Writes files, now or later."""

    def hold(self, field: Tensor) -> Callable[[], Tensor]:
        """Keep a field as it is now for a later job, which calls the returned function to get it in host memory."""

    def submit(self, job: Job) -> None:
        """Have a job done after all earlier ones. Raises what an earlier job raised."""

    def settle(self) -> None:
        """Wait until all jobs are done. Raises what one of them raised."""


class DirectWriter:
    """Does every job immediately, in the calling thread."""

    def hold(self, field: Tensor) -> Callable[[], Tensor]:
        return field.cpu

    def submit(self, job: Job) -> None:
        job()

    def settle(self) -> None:
        """Do nothing: no job ever waits."""


class ThreadedWriter:
    """Does jobs in order, in a thread of its own; after one that fails it does no more.

    It is a context manager, and leaving the context waits for the jobs. If an exception leaves it, jobs that have not
    begun are dropped, because what they belong to will not be finished.
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
        """Copy the field now. From a GPU the copy goes to pinned memory, and only the job waits for it."""
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
