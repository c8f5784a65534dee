"""The list of steps from fields to samples: ordered, fitted to the training part, written as JSON and read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import pi
from pathlib import Path
from typing import Any

from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.plugins import is_plugin, source_hash
from weakfield.config import Theory
from weakfield.config.dataset import BandSettings, OwnTransformSettings, TransformSettings
from weakfield.dataset.normalise import Moments, Normalisation
from weakfield.dataset.transforms import (
    OWN_TRANSFORM,
    Band,
    Noise,
    Own,
    RemoveMean,
    Scale,
    Standardise,
    Transform,
)

KINDS: dict[str, type[Transform]] = {step.kind: step for step in (Scale, Band, Noise, RemoveMean, Standardise)}
_LAST = (RemoveMean, Standardise)


@dataclass(frozen=True)
class Chain:
    """Steps in the order in which they are done (``ordered`` makes one that ends standardised)."""

    steps: tuple[Transform, ...]

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        """The cube (..., N, N, N) float64 after all steps."""
        for step in self.steps:
            cube = step.apply(cube, seed, theory)
        return cube

    @property
    def before(self) -> Chain:
        """The steps before mean removal and standardisation; their results are in the units of the field."""
        first = next((i for i, step in enumerate(self.steps) if isinstance(step, _LAST)), len(self.steps))
        return Chain(self.steps[:first])

    @property
    def rest(self) -> Chain:
        """The steps that are not in ``before``."""
        return Chain(self.steps[len(self.before.steps) :])

    @property
    def unfitted(self) -> Chain:
        """The steps before standardisation, to whose results it is fitted."""
        first = next((i for i, step in enumerate(self.steps) if isinstance(step, Standardise)), len(self.steps))
        return Chain(self.steps[:first])

    @property
    def keeping_mean(self) -> Chain:
        """The same chain without mean removal."""
        return Chain(tuple(step for step in self.steps if not isinstance(step, RemoveMean)))

    def fitted(self, moments: Moments) -> Chain:
        """The same chain with the mean and standard deviation from ``moments``; ``BadInput`` if nothing varies."""
        numbers = Normalisation.of(moments).as_json()
        return Chain(tuple(replace(s, **numbers) if isinstance(s, Standardise) else s for s in self.steps))

    @property
    def normalisation(self) -> Normalisation:
        """The mean and standard deviation by which a fitted chain standardises."""
        step = next(step for step in self.steps if isinstance(step, Standardise))
        return step.numbers

    def check(self, n: int) -> None:
        """``BadInput`` when a step makes no sense for cubes of ``n`` cells a side."""
        for step in self.steps:
            step.check(n)

    @property
    def needs(self) -> frozenset[str]:
        """Which of ``seed`` and ``theory`` the steps depend on."""
        return frozenset().union(*(step.needs for step in self.steps))

    def as_json(self) -> list[dict[str, Any]]:
        return [step.as_json() for step in self.steps]

    @classmethod
    def from_json(cls, description: Sequence[Mapping[str, Any]], kept: Path | None = None) -> Chain:
        """The chain that ``as_json`` described; ``BadInput`` for a kind that does not exist.

        The folder ``kept`` has the sources of the user's own steps.
        """
        return cls(tuple(transform_from_json(step, kept) for step in description))


def transform_from_json(description: Mapping[str, Any], kept: Path | None = None) -> Transform:
    """The step that ``as_json`` described."""
    values = dict(description)
    kind = values.pop("kind", None)
    if is_plugin(str(kind)):
        source = values.pop("source")
        return Own(kind, values, source, kept)
    if kind not in KINDS:
        raise BadInput(f"transform '{kind}' is unknown, expected {', '.join(KINDS)}")
    return KINDS[kind](**values)


def ordered(steps: Sequence[Transform]) -> Chain:
    """The whole chain: ``steps``, with mean removal and standardisation last where they are not among them.

    Raises ``BadInput`` for an order that would defeat the purpose of a step: mean removal comes just before
    standardisation (noise in between would bring a mean back), and only noise may come after standardisation (scaling a
    theory there would also scale the mean of the training part that was subtracted).
    """
    found = list(steps)
    for kind in _LAST:
        if sum(isinstance(step, kind) for step in found) > 1:
            raise BadInput(f"transforms hold {kind.kind} twice, expected it once")
    if not any(isinstance(step, Standardise) for step in found):
        found.append(Standardise())
    place = next(i for i, step in enumerate(found) if isinstance(step, Standardise))
    if not any(isinstance(step, RemoveMean) for step in found):
        found.insert(place, RemoveMean())
        place += 1
    if place == 0 or not isinstance(found[place - 1], RemoveMean):
        later = [step.kind for step in found]
        raise BadInput(
            f"transforms are {', '.join(later)}, expected remove_mean just before standardise: what changes a cube"
            " comes before its mean is removed"
        )
    for step in found[place + 1 :]:
        if not isinstance(step, Noise):
            raise BadInput(
                f"transforms hold {step.kind} after standardise, expected noise alone there: what changes a cube comes"
                " before it is brought to the mean and standard deviation of the training part"
            )
    return Chain(tuple(found))


def chain_of(settings: Sequence[TransformSettings], box_size_mpch: float) -> Chain:
    """The chain a study asks for, with wavenumbers in k_F = 2 pi / box."""
    return ordered([_step(one, box_size_mpch) for one in settings])


def _step(settings: TransformSettings, box_size_mpch: float) -> Transform:
    if isinstance(settings, OwnTransformSettings):
        return Own(settings.kind, settings.options, source_hash(settings.kind, OWN_TRANSFORM))
    values = settings.model_dump()
    if isinstance(settings, BandSettings):
        unit = box_size_mpch / (2 * pi)  # h/Mpc -> k_F
        for name in ("k_min", "k_max"):
            hmpc = values.pop(f"{name}_hmpc")
            if hmpc is not None:
                values[f"{name}_kf"] = hmpc * unit
    return transform_from_json(values)
