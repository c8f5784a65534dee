"""The command line: one sentence on standard error for every failure; exit code 0 success, 1 failure, 2 bad input."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TextIO

from weakfield.base import ending
from weakfield.base.errors import WeakfieldError, one_line
from weakfield.base.interruption import listen
from weakfield.base.loading import loading
from weakfield.base.system_errors import in_words

#: modules that register commands, in the order in which --help lists the commands
MODULES = ("weakfield.cli.commands", "weakfield.cli.stages", "weakfield.cli.information", "weakfield.cli.lightcone")
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main() -> None:
    """Entry point of the command ``weakfield``."""
    # this is read when PyTorch and Numba start their threads; threads that spin while they wait are ten times slower on
    # a machine that has anything else to do
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    ending.prepare()
    listen()
    code = invoke(sys.argv[1:])
    ending.finish(code)
    sys.exit(code)


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; ``--debug`` anywhere in it shows tracebacks."""
    debug = "--debug" in arguments
    line = [argument for argument in arguments if argument != "--debug"] or ["--help"]
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a stale font cache is no news
        try:
            with loading():
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
    assert isinstance(error, Exception)
    if isinstance(error, OSError):
        return _say(in_words(error), 1)
    if isinstance(error, MemoryError) or re.search("(?i)out of memory|can't allocate memory", str(error)[:1000]):
        return _say(f"not enough memory: {error}", 1)
    hint = "" if debug else "; the same command with --debug shows where"
    return _say(one_line(in_words(error)) + hint, 1)


def _say(message: str, code: int) -> int:
    print(f"weakfield: {one_line(message)}", file=sys.stderr)
    return code


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print("weakfield: warning: " + one_line(str(message)), file=file or sys.stderr)
