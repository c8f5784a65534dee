"""How many jobs at once, and that their number of threads does not depend on it."""

from __future__ import annotations

import pytest
import torch

from helpers.pooled_jobs import threads_in_a_job
from helpers.synthetic import tiny_study
from weakfield.base.pool import mapped
from weakfield.learning.concurrency import jobs_at_once, threads_of_a_job


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_has_one_thread_however_many_there_are(workers: int) -> None:
    before = torch.get_num_threads()
    assert mapped(threads_in_a_job, (2,), [0, 1, 2], workers) == [1, 1, 1]
    assert torch.get_num_threads() == before


def test_large_samples_get_all_threads_one_job_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAKFIELD_WORKERS", "3")
    study, before = tiny_study(), torch.get_num_threads()
    assert jobs_at_once(study, (1, 32, 32, 32), 48) == 3
    assert jobs_at_once(study, (1, 128, 128, 128), 48) == 1
    try:
        torch.set_num_threads(2)
        with threads_of_a_job(study, (1, 128, 128, 128)):
            assert torch.get_num_threads() == 2
        with threads_of_a_job(study, (1, 32, 32, 32)):
            assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_under_torchrun_the_processes_share_each_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAKFIELD_WORKERS", "3")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert jobs_at_once(tiny_study(), (1, 32, 32, 32), 48) == 1
