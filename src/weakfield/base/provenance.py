"""What a result was made with: versions, commit, machine. Reads installed metadata, imports none of the packages."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from weakfield._version import __version__

#: the packages whose version can change a number
PACKAGES = ("torch", "numpy", "scipy", "numba", "ducc0", "camb", "h5py", "scikit-learn", "captum")


def versions() -> dict[str, str | None]:
    """Versions of weakfield, of Python and of every package in ``PACKAGES`` (``None`` when not installed)."""
    found: dict[str, str | None] = {"weakfield": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def git_commit() -> str | None:
    """The commit of the source tree this package runs from, with ``-dirty`` appended when tracked files differ from it.

    ``None`` when the package is not a tracked part of a git working tree (an installed wheel), or when git is absent.
    """
    here = Path(__file__).resolve()
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:
        return None
    commit = _git(here.parent, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _git(here.parent, "status", "--porcelain", "--untracked-files=no")
    return commit + ("-dirty" if changed else "")


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """Kind of machine and operating system, and the number of cores."""
    return {"type": platform.machine(), "system": f"{platform.system()} {platform.release()}", "cores": cores()}


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git(folder: Path, *arguments: str) -> str | None:
    """Output of a git command, or ``None`` when it fails or git is not installed."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
