"""What the tests of several floors share."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, before anything starts threads
os.environ.setdefault("WEAKFIELD_WORKERS", "1")  # tests of several workers say so; the others have one core each
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: more threads would wait for one another
    os.environ.setdefault("WEAKFIELD_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("WEAKFIELD_DEVICE", "cpu")  # what is promised bit by bit; tests of a GPU ask for it by name

import pytest
import threadpoolctl
import torch

from helpers.synthetic import tiny_study, write_run
from weakfield.config import RunFolder, StudyConfig

if "PYTEST_XDIST_WORKER" in os.environ:  # those that a plugin of pytest loaded before the lines above
    threadpoolctl.threadpool_limits(1, "blas")
if not torch.cuda.is_available():  # Triton interprets its kernels then; it reads this when it is first imported
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture
def synthetic_run(tmp_path: Path) -> tuple[StudyConfig, RunFolder]:
    """A tiny study and a run folder with its pairs, drawn instead of simulated."""
    study = tiny_study()
    return study, write_run(study, tmp_path / "run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no core waits for one at the end: ``@pytest.mark.slow(minutes=3)``."""

    def minutes(item: pytest.Item) -> float:
        return max((float(mark.kwargs.get("minutes", 0)) for mark in item.iter_markers("slow")), default=0.0)

    items.sort(key=minutes, reverse=True)
