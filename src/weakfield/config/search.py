"""Settings of the search for better settings of the training."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from weakfield.base.errors import nearest
from weakfield.config.settings import Settings
from weakfield.config.training import TrainingSettings


class Range(Settings):
    """Numbers from ``low`` to ``high``, whole if both are; spread evenly in the logarithm if ``log``."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"range is {self.low:g} to {self.high:g}, expected low < high, and 0 < low with log")
        return self


Choices = Range | tuple[bool | int | float | str, ...]

DEFAULT_SPACE: dict[str, Any] = {
    "learning_rate": Range(low=3e-4, high=1e-2, log=True),
    "weight_decay": Range(low=1e-5, high=1e-1, log=True),
    "dropout": (0.0, 0.1, 0.3),
    "batch_pairs": (2, 4, 8),
    "size": ("small", "base", "large"),
}


class SearchSettings(Settings):
    """What `weakfield search` tries: judged by the validation part; the test part is read once, for the best trial."""

    trials: int = Field(
        20, ge=1, description="number of trainings, those of earlier searches with the same settings included"
    )
    workers: int = Field(1, ge=1, le=1000, description="trainings at the same time, each in a process of its own")
    epochs: int | None = Field(None, ge=1, description="epochs of each training; default: those of the study")
    judge: Literal["loss", "auc"] = Field(
        "loss",
        description="what trials are judged by: validation loss or AUC, at the epoch of smallest validation loss",
    )
    prune: bool = Field(True, description="give up trainings that are worse than the median of the others")
    seed: int = Field(0, ge=0, description="seed of the choice of trials")
    space: dict[str, Choices] = Field(
        {},
        description="keys of training, each with a list of values or { low, high, log }; default: see 'weakfield docs"
        " learning'",
    )

    @property
    def tried(self) -> dict[str, Choices]:
        """The space of the study, or the package's own where the study gives none."""
        return self.space or DEFAULT_SPACE

    @model_validator(mode="after")
    def _keys_exist(self) -> Self:
        for key, choices in self.space.items():
            if key not in TrainingSettings.model_fields:
                raise ValueError(
                    f"space has '{key}', expected keys of training" + nearest(key, TrainingSettings.model_fields)
                )
            if not isinstance(choices, Range) and not choices:
                raise ValueError(f"space.{key} is empty, expected at least one value")
        if "loss" in self.space and self.judge == "loss":
            raise ValueError("space has 'loss' with judge = 'loss', expected judge = 'auc': losses do not compare")
        return self
