"""What a network sees of a cube: all of it, slices along the axes, or sub-cubes; each part has its labels.

The box is periodic and so are the parts: a thick slice or a sub-cube that begins near the end of an axis continues at
its beginning. Strides divide the number of cells per side, so that the parts are evenly spaced all the way round; where
a stride also divides the size of the parts, every cell lies in equally many of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.config.dataset import DatasetSettings
from weakfield.dataset.index import Index

#: the axes of a field in memory
AXES = ("z", "y", "x")


@dataclass(frozen=True)
class SampleShape(ABC):
    """How cubes of ``n`` cells per side are cut; ``labels`` name the parts of one cube, in order of their numbers."""

    n: int
    kind: ClassVar[str]

    @property
    @abstractmethod
    def labels(self) -> dict[str, tuple[Hashable, ...]]:
        """The labels of a part and the values they take, the last running fastest."""

    @property
    @abstractmethod
    def sides(self) -> tuple[int, ...]:
        """The shape of a part, without its channels."""

    @abstractmethod
    def take(self, cubes: Tensor, **labels: Any) -> Tensor:
        """The part of ``cubes`` (..., N, N, N) [z, y, x] with these labels; its remaining axes keep their order."""

    @cached_property
    def index(self) -> Index:
        """The map between numbers and labels of the parts of one cube."""
        return Index(**self.labels)

    @property
    def count(self) -> int:
        """The number of parts of one cube."""
        return len(self.index)

    def parts(self, cubes: Tensor) -> Iterator[Tensor]:
        """All parts of ``cubes``, by number."""
        return (self.take(cubes, **self.index.show(number)) for number in range(self.count))

    def as_json(self) -> dict[str, Any]:
        """The kind of shape and its dimensions."""
        return {"shape": self.kind, **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}}


@dataclass(frozen=True)
class WholeCube(SampleShape):
    """The cube itself."""

    kind: ClassVar[str] = "cube"

    @property
    def labels(self) -> dict[str, tuple[Hashable, ...]]:
        return {}

    @property
    def sides(self) -> tuple[int, ...]:
        return (self.n,) * 3

    def take(self, cubes: Tensor, **labels: Any) -> Tensor:
        return cubes


@dataclass(frozen=True)
class Slices(SampleShape):
    """Planes perpendicular to ``axes``, one every ``stride`` cells, each the mean of ``thickness`` layers.

    Slice i is the mean of the layers i, i + 1, ... i + thickness - 1 modulo N, summed in float64 in this order.
    """

    axes: tuple[str, ...] = AXES
    stride: int = 1
    thickness: int = 1
    kind: ClassVar[str] = "slice"

    def __post_init__(self) -> None:
        _divides("slice_stride", self.stride, self.n)
        if not 1 <= self.thickness <= self.n:
            raise BadInput(f"slice_thickness is {self.thickness}, expected 1 to {self.n}, the cells a side")
        if unknown := [axis for axis in self.axes if axis not in AXES]:
            raise BadInput(f"axis '{unknown[0]}' is unknown, expected {', '.join(AXES)}")

    @property
    def labels(self) -> dict[str, tuple[Hashable, ...]]:
        return {"axis": self.axes, "slice": tuple(range(0, self.n, self.stride))}

    @property
    def sides(self) -> tuple[int, ...]:
        return (self.n,) * 2

    def take(self, cubes: Tensor, **labels: Any) -> Tensor:
        axis = cubes.ndim - 3 + AXES.index(labels["axis"])
        first = cubes.select(axis, labels["slice"])
        if self.thickness == 1:
            return first
        total = first.double()
        for layer in range(1, self.thickness):
            total = total + cubes.select(axis, (labels["slice"] + layer) % self.n)
        return (total / self.thickness).to(cubes.dtype)


@dataclass(frozen=True)
class SubCubes(SampleShape):
    """Cubes of ``size`` cells per side, with a corner at every ``stride`` cells along each axis, periodic.

    The labels z, y, x are the corner; the sub-cube has the cells z ... z + size - 1 modulo N, and so for y and x.
    """

    size: int = 2
    stride: int = 1
    kind: ClassVar[str] = "subcube"

    def __post_init__(self) -> None:
        if not 2 <= self.size <= self.n:
            raise BadInput(f"subcube_size is {self.size}, expected 2 to {self.n}, the cells a side")
        _divides("subcube_stride", self.stride, self.n)

    @property
    def labels(self) -> dict[str, tuple[Hashable, ...]]:
        corners = tuple(range(0, self.n, self.stride))
        return {axis: corners for axis in AXES}

    @property
    def sides(self) -> tuple[int, ...]:
        return (self.size,) * 3

    def take(self, cubes: Tensor, **labels: Any) -> Tensor:
        for axis, name in enumerate(AXES, start=cubes.ndim - 3):
            corner = labels[name]
            if corner + self.size <= self.n:
                cubes = cubes.narrow(axis, corner, self.size)
            else:
                cubes = cubes.index_select(axis, (corner + torch.arange(self.size)) % self.n)
        return cubes


SAMPLE_SHAPES: dict[str, type[SampleShape]] = {shape.kind: shape for shape in (WholeCube, Slices, SubCubes)}


def sample_shape_of(settings: DatasetSettings, n: int) -> SampleShape:
    """The shape a study asks for, for cubes of ``n`` cells per side; ``BadInput`` where the dimensions do not fit."""
    if settings.shape == "slice":
        return Slices(n, settings.axes, settings.slice_stride, settings.slice_thickness)
    if settings.shape == "subcube":
        size = settings.subcube_size or max(n // 2, 2)
        return SubCubes(n, size, settings.subcube_stride or size)
    return WholeCube(n)


def sample_shape_from_json(description: Mapping[str, Any]) -> SampleShape:
    """The shape that ``as_json`` described."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in description.items() if k != "shape"}
    return SAMPLE_SHAPES[description["shape"]](**values)


def _divides(name: str, stride: int, n: int) -> None:
    if stride < 1 or n % stride:
        raise BadInput(
            f"{name} is {stride}, expected a divisor of the {n} cells a side: parts are evenly spaced in the box then"
        )
