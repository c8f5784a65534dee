"""How the values of a settings.ini are read: numbers, words by their first letter, lists (EQUATIONS 11)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: a number as C reads it, and what follows it; "inf" and "nan" are numbers to C too, and refused later
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|nan))(\s.*)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Parser:
    """Turns the text of a value into what it means; raises ``ValueError`` if it is not what was ``expected``.

    ``choices`` are the allowed words, if only certain words are allowed. ``doubt`` says in words how the reference
    program reads a value that does not look like what it is read as, or is empty; ``strict`` is whether such a value is
    refused here.
    """

    parse: Callable[[str], Any]
    expected: str
    choices: tuple[str, ...] = ()
    doubt: Callable[[str], str] = lambda text: ""
    strict: bool = False


def number(text: str) -> float:
    """The number a value begins with; what follows it must be set apart by a blank."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return float(found[1])


def whole(text: str) -> int:
    """The same for a whole number."""
    digits = text.split()[0] if text.split() else ""
    value = number(text)
    if not value.is_integer():
        raise ValueError(text)
    return int(digits) if digits.lstrip("+-").isdecimal() else int(value)


def words(text: str) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _descending(text: str) -> tuple[float, ...]:
    return tuple(sorted((number(word) for word in words(text)), reverse=True))


def _more_than_numbers(text: str) -> str:
    """What is read of a value in which words follow the numbers."""
    for item in words(text):
        found = _NUMBER.fullmatch(item)
        if found is not None and found[2] is not None:
            return f"read as {found[1]}; a unit or comment after a number is passed over"
    return ""


def choice(*allowed: str, **meanings: Any) -> Parser:
    """One of several words exactly, each meaning itself or the value given for it."""
    table: dict[str, Any] = {word: word for word in allowed} | meanings

    def parse(word: str) -> Any:
        if word not in table:
            raise ValueError(word)
        return table[word]

    return Parser(parse, " or ".join(table), tuple(table))


def initial(*others: tuple[str, Any], **meanings: Any) -> Parser:
    """One of several words, known by its first letter in either case, as the reference program knows it.

    ``others`` are words that are read too but not recommended.
    """
    table = {word.replace("_", " "): meaning for word, meaning in meanings.items()}
    known = {**table, **dict(others)}
    letters = {word[0].lower(): word for word in reversed(known)}

    def parse(word: str) -> Any:
        if word[:1].lower() not in letters:
            raise ValueError(word)
        return known[letters[word[:1].lower()]]

    def doubt(word: str) -> str:
        said, letter = word.lower(), word[:1].lower()
        alike = (k.lower() for k in known if k[0].lower() == letter)
        if any(k.startswith(said) or said.startswith(k[:3]) for k in alike):
            return ""
        return f"read as '{letters[letter]}' by its first letter, as the reference program reads it"

    return Parser(parse, " or ".join(table), tuple(table), doubt)


def _positive(text: str) -> int:
    """A whole number of things of which there has to be one."""
    value = whole(text)
    if value < 1:
        raise ValueError(text)
    return value


def _limit(text: str) -> float | None:
    """A number of seconds; zero or less is no limit."""
    value = number(text)
    return None if value <= 0 else value


NUMBER = Parser(number, "a number", doubt=_more_than_numbers, strict=True)
WHOLE = Parser(whole, "a whole number", doubt=_more_than_numbers, strict=True)
WHOLES = Parser(lambda text: tuple(whole(word) for word in words(text)), "whole numbers separated by commas")
NUMBERS = Parser(lambda text: tuple(number(word) for word in words(text)), "numbers separated by commas")
FIRST_WHOLE = Parser(lambda text: whole(text.split(",")[0]), "a whole number", doubt=_more_than_numbers, strict=True)
POSITIVE = Parser(_positive, "a whole number above 0", doubt=_more_than_numbers, strict=True)
LIMIT = Parser(_limit, "a number", doubt=_more_than_numbers, strict=True)
TEXT = Parser(str, "a value")
LIST = Parser(words, "words separated by commas")
NUMBERS = Parser(
    lambda text: tuple(number(word) for word in words(text)), "numbers separated by commas", doubt=_more_than_numbers,
    strict=True,
)  # fmt: skip
WHOLES = Parser(
    lambda text: tuple(whole(word) for word in words(text)), "whole numbers separated by commas",
    doubt=_more_than_numbers, strict=True,
)  # fmt: skip
REDSHIFTS = Parser(_descending, "numbers separated by commas", doubt=_more_than_numbers, strict=True)
YES_NO = choice(yes=True, no=False)  # of keys of our own

#: other words for the quantities in lists of outputs, as the reference program knows them
_OTHER_WORDS = {
    "phi": ("Phi",), "chi": ("Chi",), "B": ("Bi",), "T00": ("rho",), "hij": ("GW",), "rhoN": ("rho_N",),
    "psiN": ("Pot", "pot", "Psi_N", "psi_N", "PsiN"), "p": ("P",), "delta": ("D_s", "Ds"), "deltaN": ("delta_N",),
    "pcls": ("particles", "Particles", "part"), "Gadget2": ("Gadget", "gadget", "gadget2"),
    "multi-Gadget2": ("multi-Gadget", "multi-gadget", "multi-gadget2"), "X-spectra": ("x-spectra", "cross"),
    "v": ("velocity",),
}  # fmt: skip
_MEANING = {other: word for word, others in _OTHER_WORDS.items() for other in others}


def quantity(word: str) -> str:
    """The name of a quantity in a list of outputs, whichever of its words was used."""
    return _MEANING.get(word, word)


#: quantities that a snapshot may hold besides particles, and those whose spectra may be written
SNAPSHOT_FIELDS = ("phi", "chi", "B", "T00", "hij", "rhoN", "psiN", "p", "Tij", "v")
SNAPSHOT_PARTICLES = ("pcls", "Gadget2", "multi-Gadget2")
SPECTRA = ("phi", "chi", "B", "T00", "hij", "rhoN", "psiN", "delta", "deltaN", "v")
#: a word among them that asks for spectra across species
ACROSS = "X-spectra"
#: words for outputs that are refused, each with the reason
NOT_WRITTEN = {
    "multi-Gadget2": "is for snapshots",
    "pcls": "is for snapshots",
    "Gadget2": "is for snapshots",
    "p": "is for snapshots",
    "Tij": "is for snapshots",
    "delta": "is for spectra",
    "deltaN": "is for spectra",
}
