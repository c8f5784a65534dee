"""What is done to a cube between the files and the network: small frozen steps, each told as JSON and made from it.

A step maps a float64 cube (..., N, N, N) of one seed and theory to another; a ``Chain`` is a list of them. Steps of
one sample know nothing of other samples; what standardisation needs to know of the training part it is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import pi
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config import THEORIES, Theory
from weakfield.config.dataset import (
    BandSettings,
    NoiseSettings,
    RemoveMeanSettings,
    ScaleSettings,
    StandardiseSettings,
)
from weakfield.dataset.normalise import Moments, Normalisation
from weakfield.dataset.samples import without_mean
from weakfield.fourier.filters import filtered, in_band
from weakfield.fourier.shells import shells


class Transform(ABC):
    """One step. ``kind`` names it in a study file and in dataset.json."""

    kind: ClassVar[str]

    @abstractmethod
    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        """The cube (..., N, N, N) float64 of this seed and theory after the step."""

    def as_json(self) -> dict[str, Any]:
        """The kind and its parameters."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]

    def check(self, n: int) -> None:  # noqa: B027 (most steps suit every cube)
        """``BadInput`` when the step makes no sense for a cube of ``n`` cells a side."""


@dataclass(frozen=True)
class Scale(Transform):
    """Multiply the cubes of one theory by ``factor``: a planted difference, or a control."""

    theory: Theory
    factor: float
    kind: ClassVar[str] = "scale"

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        return cube * self.factor if theory == self.theory else cube


@dataclass(frozen=True)
class Band(Transform):
    """Keep the modes with k_min_kf <= |n| < k_max_kf, sharply; edges in k_F, absent ones do not cut.

    As in ``fourier.shells`` edges are compared exactly with the integer |n|^2, and the Nyquist planes of an even N are
    in no band. The mode k = 0, the mean, stays if the band has no lower edge.
    """

    k_min_kf: float | None = None
    k_max_kf: float | None = None
    kind: ClassVar[str] = "band"

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        n = cube.shape[-1]
        return filtered(cube, in_band(n, *self._edges(n), nyquist=False))

    def check(self, n: int) -> None:
        low, high = self._edges(n)
        if not shells(n, (low, high)).modes[0]:
            nyquist = n / 2 if n % 2 == 0 else (n - 1) / 2
            raise BadInput(
                f"the band from {low:g} to {high:g} k_F holds no mode of a cube of {n} cells a side, expected it to"
                f" overlap with 1 to {nyquist:g} k_F"
            )

    def _edges(self, n: int) -> tuple[float, float]:
        """Both edges; an absent upper one lies beyond the corner of the cube and above the lower one."""
        low = self.k_min_kf or 0.0
        return low, 2.0 * (n + low) if self.k_max_kf is None else self.k_max_kf


@dataclass(frozen=True)
class Noise(Transform):
    """Add white Gaussian noise of standard deviation ``sigma``, in units of the cube at this place of the chain.

    Drawn by NumPy's PCG64 from (noise_seed, seed, theory): the same in every epoch and run, independent between twins.
    """

    sigma: float
    noise_seed: int = 0
    kind: ClassVar[str] = "noise"

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        random = np.random.default_rng([self.noise_seed, seed, THEORIES.index(theory)])
        return cube + self.sigma * torch.from_numpy(random.standard_normal(tuple(cube.shape)))


@dataclass(frozen=True)
class RemoveMean(Transform):
    """Subtract from each channel of a cube its mean over the cells."""

    kind: ClassVar[str] = "remove_mean"

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        if cube.ndim == 3:
            return without_mean(cube)
        return torch.stack([self.apply(channel, seed, theory) for channel in cube])


@dataclass(frozen=True)
class Standardise(Transform):
    """x -> (x - mean) / std with the numbers of the training part; without numbers it is not fitted yet."""

    mean: float | None = None
    std: float | None = None
    kind: ClassVar[str] = "standardise"

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        if self.mean is None or self.std is None:
            raise ValueError("standardise has no mean and standard deviation, expected them from the training part")
        return Normalisation(self.mean, self.std).scaled(cube)


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
        """The steps before mean removal and standardisation: what they make is in the units of the field."""
        first = next((i for i, step in enumerate(self.steps) if isinstance(step, _LAST)), len(self.steps))
        return Chain(self.steps[:first])

    @property
    def rest(self) -> Chain:
        """The others."""
        return Chain(self.steps[len(self.before.steps) :])

    @property
    def unfitted(self) -> Chain:
        """The steps before standardisation, whose results it is fitted to."""
        first = next((i for i, step in enumerate(self.steps) if isinstance(step, Standardise)), len(self.steps))
        return Chain(self.steps[:first])

    @property
    def keeping_mean(self) -> Chain:
        """The same without mean removal."""
        return Chain(tuple(step for step in self.steps if not isinstance(step, RemoveMean)))

    def fitted(self, moments: Moments) -> Chain:
        """The same with the mean and standard deviation that ``moments`` found; ``BadInput`` if nothing varies."""
        numbers = Normalisation.of(moments).as_json()
        return Chain(tuple(replace(s, **numbers) if isinstance(s, Standardise) else s for s in self.steps))

    def check(self, n: int) -> None:
        """``BadInput`` when a step makes no sense for cubes of ``n`` cells a side."""
        for step in self.steps:
            step.check(n)

    def as_json(self) -> list[dict[str, Any]]:
        return [step.as_json() for step in self.steps]

    @classmethod
    def from_json(cls, description: Sequence[Mapping[str, Any]]) -> Chain:
        """The chain that ``as_json`` described; ``BadInput`` for a kind that does not exist."""
        return cls(tuple(transform_from_json(step) for step in description))


def transform_from_json(description: Mapping[str, Any]) -> Transform:
    """The step that ``as_json`` described."""
    values = dict(description)
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise BadInput(f"transform '{kind}' is unknown, expected {', '.join(KINDS)}")
    return KINDS[kind](**values)


def ordered(steps: Sequence[Transform]) -> Chain:
    """The whole chain: ``steps``, with mean removal and standardisation last where they are not among them.

    Raises ``BadInput`` for an order that would undo what a step is for: mean removal comes just before
    standardisation (noise after it would bring a mean back), and after standardisation there may be noise alone (a
    theory scaled then would have the mean of the training part scaled with it).
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


Settings = ScaleSettings | BandSettings | NoiseSettings | RemoveMeanSettings | StandardiseSettings


def chain_of(settings: Sequence[Settings], box_size_mpch: float) -> Chain:
    """The chain a study asks for, its wavenumbers in k_F = 2 pi / box."""
    return ordered([_step(one, box_size_mpch) for one in settings])


def _step(settings: Settings, box_size_mpch: float) -> Transform:
    values = settings.model_dump()
    if isinstance(settings, BandSettings):
        unit = box_size_mpch / (2 * pi)  # h/Mpc -> k_F
        for name in ("k_min", "k_max"):
            hmpc = values.pop(f"{name}_hmpc")
            if hmpc is not None:
                values[f"{name}_kf"] = hmpc * unit
    return transform_from_json(values)
