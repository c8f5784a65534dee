"""Freed memory goes back to the system where the C library can do that, and nothing happens where it cannot."""

from __future__ import annotations

import ctypes

import pytest

from weakfield.base.memory import return_freed_memory


@pytest.mark.parametrize("error", [None, OSError, AttributeError])
def test_it_is_no_matter_whether_the_library_can(error, monkeypatch):
    calls = []

    class Library:
        def malloc_trim(self, keep):
            calls.append(keep)

    def opened(name):
        if error is OSError:
            raise OSError("no library")
        return Library() if error is None else object()

    monkeypatch.setattr(ctypes, "CDLL", opened)
    return_freed_memory()
    assert calls == ([0] if error is None else [])
