"""Messages fit on one line of a terminal, whatever they quote."""

from __future__ import annotations

import time
from typing import Any

import pytest

from weakfield.base.errors import LONGEST, BadInput, WeakfieldError, nearest, one_line, shown

#: pytest would make names of the values themselves
TEXTS = {
    "lines": "a\nb",
    "15 MB": "x" * 15_000_000,
    "control": "a\x1b[31mred\x07",
    "surrogate": "\ud800",
    "tab": "tab\there",
    "blanks": " " * 10**6 + ".",
}
VALUES: dict[str, Any] = {
    "number": 10**10_000,
    "negative": -(10**10_000),
    "text": "x" * 10**7,
    "list": [[[[1]]]] * 10**5,
    "table": {str(i): i for i in range(10**5)},
    "deep": {"a": {"b": {"c": 1}}},
    "lines": "two\nlines",
    "bytes": b"\0" * 10**6,
    "object": object(),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_message_is_one_line_of_bounded_length(text: str) -> None:
    begin = time.monotonic()
    for kind in (BadInput, WeakfieldError):
        said = str(kind(f"the key is {text}, expected less; did you mean 'y'?"))
        assert said.isprintable()
        assert len(said) <= LONGEST
        assert said.startswith("the key is ")
        assert said.endswith("did you mean 'y'?")  # what is left out is in the middle
    assert time.monotonic() - begin < 2


def test_a_short_message_stays_as_it_is() -> None:
    said = "key 'höhe' is 3, expected Φ < 1"
    assert one_line(said) == said == str(BadInput(said))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_is_shown_shortened(value: Any) -> None:
    assert shown(value).isprintable()
    assert len(shown(value)) <= 170


def test_plain_values_are_shown_as_they_are() -> None:
    for value in (3, -2.5, "grid", [1, 2], {"a": 1}, True, None, 2**64, ("z", "y")):
        assert shown(value) == repr(value)
    assert shown(10**10_000) == "1e10000"


def test_an_endless_word_is_not_compared() -> None:
    begin = time.monotonic()
    assert nearest("x" * 10**7, ["grid", "seed"]) == ""
    assert time.monotonic() - begin < 1
    assert nearest("gird", ["grid", "seed"]) == "; did you mean 'grid'?"
