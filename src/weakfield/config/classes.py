"""Settings of two classes of cubes that other people's simulators made, and the words in which a run speaks of them."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Self

from pydantic import Field, model_validator

from weakfield.config.settings import Settings

#: letters, digits and signs that mean nothing in HTML, in TOML or in the formulae of a figure
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 ._+-]{0,38}[A-Za-z0-9+])?$")]
_MATH = re.compile(r"(\$[^$]*\$)")


class ClassSettings(Settings):
    """Two classes of cubes imported from arrays; in files, newton is the first class and gr the second."""

    names: tuple[Name, Name] = Field(description="names of the first and the second class, as people read them")
    paired: bool = Field(
        True,
        description="cubes of the same index share a seed; if false, whatever compares the members of a pair is left"
        " out, and the cubes of each class are split by themselves",
    )
    quantity: Name = Field("field", description="what the cubes hold, such as density")
    units: str = Field(
        "dimensionless", pattern=r"^[^<>&\"$\\\x00-\x1f]{1,40}$", description="units of the quantity in the cubes"
    )

    @property
    def vocabulary(self) -> dict[str, str]:
        """What is said for the words of the two theories."""
        first, second = self.names
        words = {
            "Einstein or Newton": f"{first} or {second}",
            "Newtonian": first,
            "Newton": first,
            "newton": first,
            "GR": second,
            "gr": second,
            "theories": "classes",
            "theory": "class",
            "Theory": "Class",
            "phi": self.quantity,
            "\N{GREEK CAPITAL LETTER PHI}": self.quantity,
        }
        if not self.paired:
            words |= {
                "test seeds": "test cubes of each class",
                "training seeds": "training cubes of each class",
                "validation seeds": "validation cubes of each class",
                "between universes": "between the classes",
                "universes": "cubes",
                "pairs": "cubes",
                "pair": "cube",
                "seeds": "cubes",
                "seed": "cube",
                "Seeds": "Cubes",
            }
        return words

    def said(self, text: str) -> str:
        """A text about Newton and GR in the words of these classes; a text that is in them already stays as it is.

        Between dollar signs it is a formula, in which names are upright.
        """
        parts = _MATH.split(text)
        parts[::2] = [self._said(part) for part in parts[::2]]
        parts[1::2] = [self._said_in_math(part) for part in parts[1::2]]
        return "".join(parts)

    def _said(self, text: str) -> str:
        table = self._table
        return _any_of(tuple(table)).sub(lambda found: table[found[0]], text)

    def _said_in_math(self, text: str) -> str:
        table = self._table
        said = _any_of(tuple(table)).sub(lambda found: _upright(table[found[0]]), text)
        return re.sub(r"\\Phi(?![A-Za-z])", lambda _: rf"\mathrm{{{_upright(self.quantity)}}}", said)

    @property
    def _table(self) -> dict[str, str]:
        """The vocabulary, and the names themselves, so that nothing is replaced inside them."""
        return self.vocabulary | {name: name for name in (*self.names, self.quantity)}

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        first, second = self.names
        if first == second:
            raise ValueError(f"both names are '{first}', expected two that differ")
        for name in (first, second, self.quantity):
            if self.vocabulary.get(name, name) != name:
                raise ValueError(f"a name is '{name}', a word that stands for something else here, expected another")
        return self


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words, where it stands as a whole; longer ones first."""
    alternatives = map(re.escape, sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w\\])(?:{'|'.join(alternatives)})(?!\w)")


def _upright(name: str) -> str:
    """A name in a formula, where spaces and underscores have to be said."""
    return name.replace(" ", r"\ ").replace("_", r"\_")
