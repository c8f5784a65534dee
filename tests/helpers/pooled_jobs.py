"""Work for the tests of pools; workers import it by name."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from weakfield.base.errors import BadInput, WeakfieldError


def squares(folder: str) -> Callable[[int], int]:
    """Squares, and a file for every process that makes the work; a job warns, and others fail."""
    (Path(folder) / f"made{os.getpid()}").touch()

    def work(job: int) -> int:
        if job == 13:
            raise BadInput("the job is 13, expected another")
        if job == 28:
            raise WeakfieldError("cannot write job 28") from OSError(28, "No space left on device")
        if job == 99:
            os.abort()
        if job == 4:
            warnings.warn("about 4", UserWarning, stacklevel=1)
        return job * job

    return work


def sleeper(folder: str) -> Callable[[int], int]:
    """Jobs that take long; each leaves a file with the number of its process."""

    def work(job: int) -> int:
        (Path(folder) / f"at{job}.partial").write_text(str(os.getpid()))
        (Path(folder) / f"at{job}.partial").rename(Path(folder) / f"at{job}")
        time.sleep(60)
        return job

    return work


def threads_in_a_job(count: int) -> Callable[[int], int]:
    """The number of PyTorch's threads in the middle of a job, after kernels have started Numba's ``count``."""
    import torch

    from weakfield.learning.concurrency import one_thread
    from weakfield.mesh.threads import threads

    def work(job: int) -> int:
        with one_thread():
            with threads(count):
                pass
            return torch.get_num_threads()

    return work
