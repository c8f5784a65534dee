"""Small studies for campaigns, and commands as people give them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from weakfield.config import RunFolder

STUDY = """
name = "tiny"
[seeds]
first = 0
count = {count}
[simulation]
grid = {grid}
box_size_mpch = {box}
transfer = "eisenstein-hu"
step_limit_hubble = {step}
"""


def write_study(path: Path, count: int = 4, grid: int = 8, step: float = 0.2, more: str = "") -> Path:
    """A study of pairs of a tenth of a second each, unless the steps are smaller."""
    path.write_text(STUDY.format(count=count, grid=grid, box=20.0 * grid, step=step) + more)
    return path


def start(*arguments: object, override_stderr: int = subprocess.PIPE, **options: Any) -> subprocess.Popen[str]:
    """``weakfield ARGUMENTS`` in a process of its own."""
    command = [sys.executable, "-m", "weakfield", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=override_stderr, text=True, **options)


def run(*arguments: object, **options: Any) -> tuple[int, str, str]:
    """Exit code, standard output and error of a command."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=170)
    return process.returncode, out, err


def fields(root: Path) -> dict[str, bytes]:
    """The bytes of everything in the pairs but their manifests, which say when and how long."""
    pairs = RunFolder(root).pairs
    files = [path for path in pairs.rglob("*") if path.is_file() and path.name != "pair.json"]
    return {path.relative_to(pairs).as_posix(): path.read_bytes() for path in files}
