"""Bars are quiet away from a terminal and count on one."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from weakfield.base.progress import bar, bars

SCRIPT = """
from weakfield.base.progress import bar, bars
with bars(), bar("pairs", 4) as pairs:
    for _ in range(4):
        pairs.advance()
print("standard output")
"""


def test_nothing_is_printed_without_a_display(capsys: pytest.CaptureFixture[str]) -> None:
    with bars(), bar("pairs", 3) as pairs:
        pairs.advance(note="other words")
    assert capsys.readouterr() == ("", "")


def test_quiet_when_not_on_a_terminal() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("standard output\n", "")


def test_bars_go_to_standard_error_of_a_terminal() -> None:
    reader, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=terminal, env=environment)
    os.close(terminal)
    shown = os.read(reader, 65536).decode()
    os.close(reader)
    assert done.stdout == b"standard output\n"
    assert all(word in shown for word in ("pairs", "/4", "left"))
