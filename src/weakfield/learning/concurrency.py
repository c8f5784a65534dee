"""Jobs of networks and classifiers done at once: how many, and each with how many threads.

The last bits of a training depend on its number of threads. That number follows from the size of the samples alone,
never from how many jobs are done at once, so that a stage gives the same numbers one after another and on all cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import numba
import torch

from weakfield.base.memory import fitting
from weakfield.config import StudyConfig
from weakfield.mesh.devices import device_for

#: samples of at most this many cells are worked on by one thread a job: of small ones a second thread gains little
#: (benchmarks/stages.py), and another job gains all of its core
SMALL_SAMPLE = 64**3
#: bytes that a process takes before it has loaded anything, and copies of all samples that a job may hold
PROCESS_BYTES, COPIES = 5 * 10**8, 8


def jobs_at_once(study: StudyConfig, shape: tuple[int, ...], pairs: int) -> int:
    """How many jobs on samples of this shape (channels, N, N[, N]) may be done at once, if each loads all ``pairs``."""
    if not _one_thread_each(study, shape):
        return 1
    each = PROCESS_BYTES + COPIES * 8 * pairs * prod(shape)
    return fitting(study.campaign.here, each)


@contextmanager
def threads_of_a_job(study: StudyConfig, shape: tuple[int, ...]) -> Iterator[None]:
    """One thread for PyTorch and for linear algebra in the block if the samples are small, else what there is."""
    if not _one_thread_each(study, shape):
        yield
        return
    with one_thread():
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for PyTorch and for linear algebra in the block."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before = torch.get_num_threads()
    numba.get_num_threads()  # starts Numba's threads, which would change PyTorch's number in the middle of the job
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(before)


def _one_thread_each(study: StudyConfig, shape: tuple[int, ...]) -> bool:
    """Whether samples are small and neither a GPU nor other processes of torchrun share the work."""
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    return alone and prod(shape[1:]) <= SMALL_SAMPLE and device_for(study.training.device).type == "cpu"
