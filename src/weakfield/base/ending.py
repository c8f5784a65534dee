"""The end of a process: nothing is searched for garbage any more, and no compiled extension reports what is left.

Python would look through all that was imported for cycles, which takes a second (benchmarks/startup.py), and Triton,
which PyTorch imports with its optimisers, would then list on the terminal everything that something still refers to.
Neither is of use to a process whose work is done: its memory goes back as a whole.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

_code: int | None = None


def prepare() -> None:
    """Register the end; call it first, because what is registered at exit first runs last."""
    atexit.register(_end)


def finish(code: int) -> None:
    """Let the process end with this exit code once it has left its main function and all other work at exit is done."""
    global _code
    _code = code


def _end() -> None:
    """End at once; after an exception that nobody caught, Python ends the process in its own way."""
    if _code is None:
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or nobody reads it
            stream.flush()
    os._exit(_code)
