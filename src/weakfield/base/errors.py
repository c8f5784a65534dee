"""The two ways in which a command can fail, the exit code of each, and messages that fit on a screen."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any

#: characters of a message that a person gets to see, and of a value in it
LONGEST, LONGEST_VALUE = 1000, 80
#: words longer than this are no misspelt names, and comparing them takes long
_WORD = 60


class WeakfieldError(Exception):
    """A run that could not be completed; the message is one sentence for a person, on one line of bounded length."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class BadInput(WeakfieldError):
    """Something given by the user is wrong; the message says what it is, what was found and what was expected."""

    exit_code = 2


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text on one line; what exceeds ``longest`` characters is left out in its middle.

    Messages hold names and values from files that people get from others: these may be of any length, and control
    characters in them would reach the terminal.
    """
    head, tail = 2 * longest // 3, longest - 2 * longest // 3 - 5
    if len(text) > 4 * longest:  # without a look at all of it
        text = f"{text[: 2 * longest]} ... {text[-2 * longest :]}"
    text = " ".join(text.split())
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= longest else f"{text[:head]} ... {text[-tail:]}"


class _Short(reprlib.Repr):
    """``repr`` of the beginning and the end of a value, however large or deep it is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = LONGEST_VALUE
        self.maxlevel = 2

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write whole numbers of thousands of digits."""
        if x.bit_length() > 1000:
            return f"{'-' if x < 0 else ''}1e{int(x.bit_length() * 0.30103)}"
        return super().repr_int(x, level)


_SHORT = _Short()


def shown(value: Any) -> str:
    """A value as a message shows it: its ``repr`` on one line, shortened."""
    return one_line(_SHORT.repr(value), 2 * LONGEST_VALUE)


def nearest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known word closest to ``word``, or nothing."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5) if len(word) <= _WORD else []
    return f"; did you mean '{match[0]}'?" if match else ""
