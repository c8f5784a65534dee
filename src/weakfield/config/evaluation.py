"""Settings of the evaluation of networks, beyond what is always done."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from weakfield.config.settings import Settings


class EvaluationSettings(Settings):
    """How results are looked at further."""

    learning_curve: tuple[int, ...] = Field(
        (), description="numbers of training seeds with which the main network is trained again; a training's time each"
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        sizes = self.learning_curve
        if any(size < 1 for size in sizes) or list(sizes) != sorted(set(sizes)):
            raise ValueError(f"learning_curve is {list(sizes)}, expected rising whole numbers from 1")
        return self
