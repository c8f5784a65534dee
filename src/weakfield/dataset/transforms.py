"""What is done to a cube between the files and the network: small frozen steps, each written to and read from JSON.

A step maps a float64 cube (..., N, N, N) of one seed and theory to another; ``chain.Chain`` is a list of them. A step
on one sample knows nothing of other samples; what standardisation needs to know of the training part is given to it.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.plugins import Expected, keep_source, load_plugin, load_recorded, source_hash
from weakfield.config import THEORIES, RunFolder, Theory
from weakfield.config.dataset import DatasetSettings
from weakfield.dataset.channels import without_mean
from weakfield.dataset.normalise import Normalisation
from weakfield.fourier.filters import filtered, in_band
from weakfield.fourier.shells import shells

#: what steps may depend on beside the cube
KNOWN = frozenset({"seed", "theory"})


class Transform(ABC):
    """One step. ``kind`` names it in a study file and in dataset.json."""

    kind: ClassVar[str]

    @property
    def needs(self) -> frozenset[str]:
        """Which of ``seed`` and ``theory`` the step depends on."""
        return frozenset()

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

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"theory"})


@dataclass(frozen=True)
class Band(Transform):
    """Keep the modes with k_min_kf <= |n| < k_max_kf, sharply; edges are in k_F, and a missing edge does not cut.

    As in ``fourier.shells``, edges are compared exactly with the integer |n|^2, and the Nyquist planes of an even N are
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
        """Both edges; a missing upper one lies beyond the corner of the cube and above the lower one."""
        low = self.k_min_kf or 0.0
        return low, 2.0 * (n + low) if self.k_max_kf is None else self.k_max_kf


@dataclass(frozen=True)
class Noise(Transform):
    """Add white Gaussian noise of standard deviation ``sigma``, in units of the cube at this point of the chain.

    It is drawn by NumPy's PCG64 from (noise_seed, seed, theory): the same in every epoch and run, but different for
    each member of a pair.
    """

    sigma: float
    noise_seed: int = 0
    kind: ClassVar[str] = "noise"

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        random = np.random.default_rng([self.noise_seed, seed, THEORIES.index(theory)])
        return cube + self.sigma * torch.from_numpy(random.standard_normal(tuple(cube.shape)))

    @property
    def needs(self) -> frozenset[str]:
        return KNOWN


@dataclass(frozen=True)
class RemoveMean(Transform):
    """Subtract its mean over the cells from each channel of a cube."""

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

    @property
    def numbers(self) -> Normalisation:
        """The mean and standard deviation of the training part."""
        if self.mean is None or self.std is None:
            raise ValueError("standardise has no mean and standard deviation, expected them from the training part")
        return Normalisation(self.mean, self.std)

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        return self.numbers.scaled(cube)


#: where a data set keeps the sources of the user's own transforms
PLUGINS = "plugins"
OWN_TRANSFORM = Expected("dataset.transforms", "a function of a cube and its options", callable)


@dataclass(frozen=True)
class Own(Transform):
    """The user's own function, named ``package.module:NAME``: (cube, **options) to a cube of the same shape.

    ``cube`` is (channels, N, N, N) float64; a function with parameters ``seed`` or ``theory`` is given them. ``source``
    is the hash of its file, which is looked for in the folder ``kept`` first.
    """

    kind: str  # type: ignore[misc]
    options: Mapping[str, Any]
    source: str
    kept: Path | None = None

    def apply(self, cube: Tensor, seed: int, theory: Theory) -> Tensor:
        function = _own_function(self.kind, self.source, self.kept)
        known = inspect.signature(function).parameters
        named = {name: value for name, value in (("seed", seed), ("theory", theory)) if name in known}
        found = function(cube, **self.options, **named)
        if not isinstance(found, Tensor) or found.shape != cube.shape or not bool(torch.isfinite(found).all()):
            answer = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else repr(found)
            raise BadInput(
                f"transform '{self.kind}' makes {answer} of a cube of shape {tuple(cube.shape)},"
                " expected finite numbers of the same shape"
            )
        return found.to(torch.float64)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(inspect.signature(_own_function(self.kind, self.source, self.kept)).parameters) & KNOWN

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.options, "source": self.source}


@lru_cache(maxsize=64)
def _own_function(reference: str, source: str, kept: Path | None) -> Callable[..., Any]:
    if kept is None:
        found: Callable[..., Any] = load_plugin(reference, OWN_TRANSFORM)
        return found
    recorded: Callable[..., Any] = load_recorded(reference, OWN_TRANSFORM, source, kept)
    return recorded


def transform_sources(settings: DatasetSettings, folder: RunFolder | None = None) -> dict[str, str]:
    """The hash of the source of each of the user's own transforms, by name; a run ``folder`` may have kept it."""
    kept = folder.dataset / PLUGINS if folder else None
    return {name: source_hash(name, OWN_TRANSFORM, kept) for name in settings.plugins}


def keep_transforms(settings: DatasetSettings, folder: RunFolder) -> None:
    """Copy these sources into the folder of the data set."""
    for name in settings.plugins:
        keep_source(name, OWN_TRANSFORM, folder.dataset / PLUGINS)
