"""What cannot be done for this network or these data is left out with a sentence, and the rest is done.

The code that fails may be a library's or a user's own; it may also be ours, so that the sentence names the exception
and a log keeps the traceback.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from weakfield.base.errors import BadInput, WeakfieldError

T = TypeVar("T")

#: the file of a stage that holds tracebacks; it decides nothing and is no output
LOG = "left_out.log"
#: characters of a library's message that a sentence takes over
LONGEST = 240


class Unsuited(BadInput):
    """Raised by what cannot be done for this network or these data, in a sentence that says what they lack."""


class Trial:
    """Attempts, and in ``said`` a sentence for each that failed, by its name; tracebacks are added to ``log``."""

    def __init__(self, log: Path | None = None) -> None:
        self.log = log
        self.said: dict[str, str] = {}

    def attempt(self, name: str, compute: Callable[[], T]) -> T | None:
        """What ``compute`` returns, or ``None`` where it cannot be done.

        A keyboard interrupt, a fault of the disk and a ``BadInput`` (what the user gave is wrong) other than
        ``Unsuited`` are raised.
        """
        try:
            return compute()
        except Exception as error:
            if stops(error):
                raise
            self.said[name] = f"{name}: left out, since {reason(error)}"
            note(self.log, name, error)
            return None


def stops(error: Exception) -> bool:
    """Whether an error is one after which nothing else should be tried: of the disk, or in what the user gave."""
    if isinstance(error, WeakfieldError):
        return isinstance(error.__cause__, OSError) or (isinstance(error, BadInput) and not isinstance(error, Unsuited))
    return isinstance(error, OSError)


def reason(error: Exception) -> str:
    """``it ended with RuntimeError (message)``, in one line of limited length; our own errors are sentences already."""
    words = " ".join(str(error).split())
    if isinstance(error, WeakfieldError):
        return words
    short = words if len(words) <= LONGEST else f"{words[:LONGEST]}..."
    return f"it ended with {type(error).__name__}" + (f" ({short})" if short else "")


def note(log: Path | None, name: str, error: Exception) -> None:
    """Add the traceback of what failed to a log."""
    if log is None:
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as handle:
        handle.write(f"{name}\n{''.join(traceback.format_exception(error))}\n")


def tell(said: Mapping[str, str], log: Path) -> None:
    """Warn of everything that was left out, and say where the tracebacks are."""
    where = f" [traceback: {log}]" if log.exists() else ""
    for sentence in said.values():
        warnings.warn(f"{sentence}{where}", UserWarning, stacklevel=3)
