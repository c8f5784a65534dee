"""Hundreds of damaged files of every kind that a run reads: a sentence or a universe, never a signal or a hang."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import damaging


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "count", "ends"),
    [
        ("gadget", 600, {"a sentence", "a universe"}),
        ("hdf5", 500, {"a sentence", "a universe"}),
        ("checkpoints", 400, {"from the start", "a universe"}),
        ("tables", 600, {"a sentence", "a universe", "a table"}),
    ],
)
def test_damaged_files(kind: str, count: int, ends: set[str], tmp_path: Path) -> None:
    """In a process of their own, which ends well only if none of them has felled it."""
    command = [sys.executable, damaging.__file__, kind, str(count), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"example {done.stdout.splitlines()[-1:]}: {done.stderr[-3000:]}"
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == ends
    assert min(found.values()) >= 5
    assert sum(found.values()) == count
