"""Settings of the data set: what a sample is, and how seeds are split."""

from __future__ import annotations

from itertools import combinations
from typing import Literal, Self

from pydantic import Field, model_validator

from weakfield.config.settings import Settings


class DatasetSettings(Settings):
    """What a sample is, and how seeds are split."""

    sample: Literal["difference", "raw"] = Field(
        "difference", description="growth-scaled difference of two redshifts, or phi at the lower one"
    )
    redshifts: tuple[float, float] = Field((10.0, 1.0), description="earlier and later output redshift")
    keep_mean: bool = Field(
        False, description="the main network sees cubes with their mean; it is cnn_meankept, and cnn stands beside it"
    )
    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="train, validation, test shares of the seeds"
    )
    split_seed: int = Field(0, ge=0, description="which seeds fall into which part")
    train: tuple[int, int] | None = Field(
        None, description="first and last seed of the part, instead of fractions and split_seed; all three or none"
    )
    validation: tuple[int, int] | None = Field(None, description="first and last seed of the part")
    test: tuple[int, int] | None = Field(None, description="first and last seed of the part")

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """First and last seed of each part that is given by them."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: ends for name, ends in parts.items() if ends is not None}

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        missing = {"train", "validation", "test"} - set(self.ranges)
        if self.ranges and missing:
            raise ValueError(f"{min(missing)} is not given, expected first and last seed of all three parts or of none")
        for name, (first, last) in self.ranges.items():
            if first > last:
                raise ValueError(f"{name} is [{first}, {last}], expected the first seed and then the last")
        for (name, one), (other, two) in combinations(self.ranges.items(), 2):
            if one[0] <= two[1] and two[0] <= one[1]:
                raise ValueError(f"{name} is {list(one)} and {other} is {list(two)}, expected parts that share no seed")
        return self

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError(f"fractions are {self.fractions}, expected three positive shares that sum to 1")
        if self.redshifts[0] <= self.redshifts[1]:
            raise ValueError(f"redshifts are {self.redshifts}, expected the earlier (higher) one first")
        return self
