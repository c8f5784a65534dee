"""Numbers of threads are set inside a block and as before after it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from weakfield.mesh.threads import available_threads, current_threads, threads

AFTER_A_PARALLEL_LOOP = """
import numpy as np
import torch
from weakfield.mesh.threads import threads
before = torch.get_num_threads()
with threads(2):
    import numba
    numba.njit(parallel=True)(lambda x: x + 1.0)(np.zeros(100))
print(before, torch.get_num_threads())
"""


@pytest.mark.slow(minutes=0.1)
@pytest.mark.parametrize("count", ["1", "2"])
def test_a_parallel_loop_leaves_pytorch_its_threads(count: str) -> None:
    """In a process of its own: Numba starts its threads once."""
    environment = os.environ | {"OMP_NUM_THREADS": count}
    command = [sys.executable, "-c", AFTER_A_PARALLEL_LOOP]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == [count, count]


def test_blocks_nest() -> None:
    with threads(1):
        assert current_threads() == 1
        with threads(2):
            assert current_threads() == 2
        assert current_threads() == 1
    assert current_threads() == available_threads()
