"""What the tests of several floors share."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, before anything starts threads
os.environ.setdefault("WEAKFIELD_DEVICE", "cpu")  # what is promised bit by bit; tests of a GPU ask for it by name

import pytest
import torch

from helpers.synthetic import tiny_study, write_run
from weakfield.config import RunFolder, StudyConfig

if not torch.cuda.is_available():  # Triton interprets its kernels then; it reads this when it is first imported
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture
def synthetic_run(tmp_path: Path) -> tuple[StudyConfig, RunFolder]:
    """A tiny study and a run folder with its pairs, drawn instead of simulated."""
    study = tiny_study()
    return study, write_run(study, tmp_path / "run")
