"""Make sure that no Ctrl-C is lost.

Python turns a SIGINT into one KeyboardInterrupt, wherever the program is. Inside a destructor, a callback of the
garbage collector or a callback from compiled code, it cannot propagate: it is dropped, and the program goes on. Python
reports this to ``sys.unraisablehook``; a program that listens there then sends itself the signal again, a moment later.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

#: after this time the program has left the place that dropped the interrupt, or else the signal is sent once more [s]
_AGAIN_S = 0.1


def listen() -> None:
    """Let no Ctrl-C be lost from now on; a process told to ignore SIGINT goes on ignoring it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        sys.unraisablehook = _dropped


def _dropped(what: UnraisableHookArgs) -> None:
    """Repeat a dropped interrupt silently; report everything else as usual."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)
        return
    again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGINT))
    again.daemon = True
    again.start()
