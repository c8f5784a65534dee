"""Versions, commit and machine as they are."""

from __future__ import annotations

import platform
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from weakfield import __version__
from weakfield.base import provenance


def test_versions_are_those_installed() -> None:
    found = provenance.versions()
    assert found["weakfield"] == __version__
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__


def test_a_package_that_is_not_there_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))
    assert provenance.versions()["no-such-package"] is None


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_that_of_the_tree_the_package_is_part_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "weakfield" / "provenance.py"
    source.parent.mkdir()
    source.write_text("first")
    monkeypatch.setattr(provenance, "__file__", str(source))
    git = lambda *line: provenance._git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", *line)  # noqa: E731
    assert provenance.git_commit() is None
    git("init", "-q")
    assert provenance.git_commit() is None  # inside a tree, but no part of it
    git("add", ".")
    git("commit", "-q", "-m", "first")
    commit = provenance.git_commit()
    assert commit is not None
    assert re.fullmatch("[0-9a-f]{40}", commit)
    source.write_text("second")
    assert provenance.git_commit() == commit + "-dirty"


def test_machine_and_time() -> None:
    assert provenance.machine()["cores"] >= 1
    age = datetime.now(UTC) - datetime.fromisoformat(provenance.now())
    assert 0 <= age.total_seconds() < 60
