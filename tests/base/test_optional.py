"""Imports of extras: silent where they are installed, one sentence where they are not."""

from __future__ import annotations

import pytest

from weakfield.base.errors import BadInput
from weakfield.base.optional import from_extra, require


def test_what_is_there_is_imported() -> None:
    with from_extra("learn", "the audit"):
        import numpy

    assert numpy.__name__ == "numpy"


def test_what_is_missing_names_the_extra() -> None:
    with (
        pytest.raises(BadInput, match=r"^explain.methods needs .*'no_such_package'.*pip install 'weakfield\[learn\]'$"),
        from_extra("learn", "explain.methods"),
    ):
        import no_such_package  # noqa: F401


def test_a_package_is_asked_for_without_importing_it() -> None:
    require("numpy", "learn", "the audit")
    with pytest.raises(BadInput, match=r"^the audit needs .*'no_such_package'.*pip install 'weakfield\[learn\]'$"):
        require("no_such_package", "learn", "the audit")
