"""Ctrl-C that is not lost.

Python makes one KeyboardInterrupt of a SIGINT, wherever the program is. Inside a destructor, a callback of the garbage
collector or one from compiled code it cannot be raised any further: it is dropped, and the program goes on. A program
that listens remembers it, and whatever takes long asks for it between its steps.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_asked = False


def listen() -> None:
    """Remember from now on that somebody pressed Ctrl-C; a process told to ignore SIGINT goes on ignoring it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _remember)
        sys.unraisablehook = _reported


def heed() -> None:
    """Raise the KeyboardInterrupt that was asked for, once more if it got lost; the main thread's matter alone."""
    if _asked and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt


def _reported(dropped: UnraisableHookArgs) -> None:
    """No word about a KeyboardInterrupt that was dropped, since it comes again."""
    if dropped.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(dropped)
