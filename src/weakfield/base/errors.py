"""The two ways in which a command can fail, and the exit code of each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WeakfieldError(Exception):
    """A run that could not be completed; the message is one sentence for a person."""

    exit_code = 1


class BadInput(WeakfieldError):
    """Something given by the user is wrong; the message says what it is, what was found and what was expected."""

    exit_code = 2


def nearest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known word closest to ``word``, or nothing."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{match[0]}'?" if match else ""
