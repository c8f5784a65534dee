"""The command line: one sentence on standard error for every failure; exit code 0 success, 1 failure, 2 bad input."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TextIO

from weakfield.base.errors import WeakfieldError
from weakfield.base.interruption import listen

#: modules that register commands, in the order in which --help lists the commands
MODULES = ("weakfield.cli.commands", "weakfield.cli.stages", "weakfield.cli.information")
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main() -> None:
    """Entry point of the command ``weakfield``."""
    # this is read when PyTorch and Numba start their threads; threads that spin while they wait are ten times slower on
    # a machine that has anything else to do
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    atexit.register(_keep_garbage)
    listen()
    sys.exit(invoke(sys.argv[1:]))


def _keep_garbage() -> None:
    """At the very end, do not search all that was imported for cycles: it takes a second (benchmarks/startup.py).

    The exception is Triton, whose compiled part reports what is left.
    """
    if "triton" not in sys.modules:
        gc.freeze()


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; ``--debug`` anywhere in it shows tracebacks."""
    debug = "--debug" in arguments
    line = [argument for argument in arguments if argument != "--debug"] or ["--help"]
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a stale font cache is no news
        try:
            for module in MODULES:
                import_module(module)
            from weakfield.cli.app import app

            code = app(args=line, prog_name="weakfield", standalone_mode=False)
            sys.stdout.flush()
            if code == INTERRUPTED:
                raise KeyboardInterrupt
            return int(code or 0)
        except (Exception, KeyboardInterrupt) as error:
            if debug:
                traceback.print_exc()
            return _explain(error, debug)


def _explain(error: BaseException, debug: bool) -> int:
    """Say on standard error, in one sentence, what went wrong; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        # The reader (head, less) is gone; give Python's own flush at exit somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        return _say("interrupted; the same command continues where it stopped", INTERRUPTED)
    if isinstance(error, WeakfieldError):
        return _say(str(error), error.exit_code)
    if hasattr(error, "format_message"):  # the command line itself was wrong
        return _say(f"{error.format_message()} ('weakfield --help' lists the commands)", 2)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return _say(f"{place}{error.strerror or error}", 1)
    if isinstance(error, MemoryError):
        return _say(f"not enough memory: {error}", 1)
    hint = "" if debug else "; the same command with --debug shows where"
    return _say(f"unexpected {type(error).__name__}: {error}{hint}", 1)


def _say(message: str, code: int) -> int:
    print("weakfield: " + " ".join(message.split()), file=sys.stderr)
    return code


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print("weakfield: warning: " + " ".join(str(message).split()), file=file or sys.stderr)
