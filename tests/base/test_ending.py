"""A process of ours ends with its own lines and its own exit code, whatever compiled extensions it imported."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

KEPT = """
import atexit, sys
from weakfield.base import ending
ending.prepare()
atexit.register(print, "what others do at exit")
sys.argv = ["weakfield", *sys.argv[1:]]
"""
#: something of Triton that is still referred to at the end, as PyTorch leaves it after a training
TRITON = "from triton._C import libtriton; import triton.language; sys.modules['kept'] = [libtriton.ir.context()]\n"
COMMAND = "import weakfield.cli; weakfield.cli.main()\n"


def ended(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
def test_no_extension_reports_what_is_left_at_the_end_of_a_command():
    frozen = "import sys, atexit, gc; atexit.register(gc.freeze)\n" + TRITON
    assert "nanobind: leaked" in ended(frozen).stderr  # what this is about
    found = ended("import sys\n" + TRITON + "import atexit, gc; atexit.register(gc.freeze)\n" + COMMAND, "presets")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("demo ")


@pytest.mark.parametrize(("arguments", "code"), [(["presets"], 0), (["run", "no such study"], 2)])
def test_a_command_keeps_its_exit_code_and_its_lines(arguments, code):
    found = ended("import sys\n" + COMMAND, *arguments)
    assert found.returncode == code
    assert (bool(found.stdout), bool(found.stderr)) == (not code, bool(code))


def test_what_is_done_at_exit_is_done_and_then_nothing():
    body = "import gc\nclass Noisy:\n    def __del__(self): print('garbage')\nsys.modules['kept'] = Noisy()\n"
    found = ended(KEPT + body + "ending.finish(3)\n")
    assert (found.returncode, found.stdout) == (3, "what others do at exit\n")


def test_an_exception_nobody_caught_is_reported_as_ever():
    found = ended(KEPT + "raise ValueError('lost')\n")
    assert found.returncode == 1
    assert "ValueError: lost" in found.stderr
    assert "what others do at exit" in found.stdout
