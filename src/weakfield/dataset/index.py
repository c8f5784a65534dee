"""Which seed, theory, redshift, axis and slice an image is, and back: bijections onto 0 ... count - 1."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import prod
from typing import Any

from weakfield.base.errors import BadInput, nearest


class Index:
    """The product of named lists of labels, numbered with the last name running fastest.

    ``Index(seed=(3, 8), theory=("newton", "gr"))`` numbers (3, newton), (3, gr), (8, newton), (8, gr) as 0 to 3.
    """

    def __init__(self, **labels: Sequence[Hashable]) -> None:
        for name, values in labels.items():
            if not values or len(set(values)) != len(values):
                raise BadInput(
                    f"index over '{name}' has {len(values)} labels {tuple(values)!r}, expected distinct ones"
                )
        self.labels = {name: tuple(values) for name, values in labels.items()}
        self._places = {name: {value: i for i, value in enumerate(values)} for name, values in self.labels.items()}

    def __len__(self) -> int:
        return prod(len(values) for values in self.labels.values())

    def show(self, number: int) -> dict[str, Any]:
        """The labels of sample ``number``; ``BadInput`` outside 0 ... count - 1."""
        if not 0 <= number < len(self):
            raise BadInput(f"sample {number} does not exist, expected a number from 0 to {len(self) - 1}")
        found: dict[str, Any] = {}
        for name in reversed(self.labels):
            number, place = divmod(number, len(self.labels[name]))
            found[name] = self.labels[name][place]
        return {name: found[name] for name in self.labels}

    def find(self, **labels: Hashable) -> int:
        """The number of the sample with these labels; every name must be given."""
        if unknown := set(labels) - set(self.labels):
            name = min(unknown)
            raise BadInput(f"unknown label '{name}', expected {', '.join(self.labels)}{nearest(name, self.labels)}")
        number = 0
        for name, values in self.labels.items():
            if name not in labels:
                raise BadInput(f"label '{name}' is missing, expected all of {', '.join(self.labels)}")
            place = self._places[name].get(labels[name])
            if place is None:
                raise BadInput(f"{name} {labels[name]!r} is not in the data set, expected {_few(values)}")
            number = number * len(values) + place
        return number

    def describe(self) -> dict[str, Any]:
        """The order of the names and the labels, as JSON."""
        return {"order": list(self.labels), "labels": {k: list(v) for k, v in self.labels.items()}, "count": len(self)}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Index:
        """The index that ``describe`` described."""
        return cls(**{name: description["labels"][name] for name in description["order"]})


def _few(values: Sequence[Hashable]) -> str:
    """A short list in full, a long one by its ends."""
    if len(values) <= 6:
        return "one of " + ", ".join(str(value) for value in values)
    return f"one of {len(values)} labels from {values[0]} to {values[-1]}"
