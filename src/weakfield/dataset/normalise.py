"""One global mean and standard deviation, from the training part only, accumulated cube by cube in float64."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from weakfield.base.errors import BadInput


class Moments:
    """Running count, mean and sum of squared deviations (Chan, Golub & LeVeque 1983: stable when std << mean)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0

    def add(self, values: Tensor) -> None:
        """Include every value of a float64 tensor."""
        array = values.numpy()
        count, mean = array.size, float(array.mean())
        squares = float(((array - mean) ** 2).sum())
        shift, total = mean - self.mean, self.count + count
        self.squares += squares + shift**2 * self.count * count / total
        self.mean += shift * count / total
        self.count = total

    @property
    def std(self) -> float:
        """Root mean square deviation (divided by the count)."""
        return sqrt(self.squares / self.count) if self.count else 0.0


@dataclass(frozen=True)
class Normalisation:
    """x -> (x - mean) / std, in float64, then rounded to float32."""

    mean: float
    std: float

    @classmethod
    def of(cls, moments: Moments) -> Normalisation:
        if not moments.std > 0:
            raise BadInput("the training cubes are constant (standard deviation 0), expected fields that vary")
        return cls(moments.mean, moments.std)

    def scaled(self, cube: Tensor) -> Tensor:
        """The normalised cube, in its own precision."""
        return (cube - self.mean) / self.std

    def apply(self, cube: Tensor) -> Tensor:
        return self.scaled(cube).to(torch.float32)

    def as_json(self) -> dict[str, float]:
        return {"mean": self.mean, "std": self.std}
