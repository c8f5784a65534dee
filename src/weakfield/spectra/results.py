"""What all measured statistics share: they add, average, save, load, and become tables.

A result keeps raw sums over modes, so that the sum of two results is the result of both sets of fields together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput, nearest
from weakfield.base.figures import COLOURS, OTHERS
from weakfield.base.tables import Table
from weakfield.formats.hdf5 import read_attributes, read_numbers, reading, writing

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

#: the names of gauges; "none" for a field that does not depend on the gauge, "unstated" where it was not given
GAUGES = ("unstated", "none", "poisson", "n-body", "synchronous", "newtonian theory")


@dataclass(frozen=True)
class Result(Table):
    """Base of the results: which parts must agree for two of them to add, and which are sums that add.

    ``fields`` counts the cubes summed over.
    """

    grid: int
    box_size: float

    kinds: ClassVar[dict[str, type[Result]]] = {}
    same: ClassVar[tuple[str, ...]]
    added: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        Result.kinds[cls.__name__] = cls

    @property
    def k_fundamental(self) -> float:
        """2 pi / L [h/Mpc]."""
        return 2 * np.pi / self.box_size

    @property
    def volume(self) -> float:
        """L^3 [(Mpc/h)^3]."""
        return self.box_size**3

    def __add__(self, other: Self) -> Self:
        """The result of both sets of fields together; ``BadInput`` where grid, box, bins, window or gauge differ."""
        if type(other) is not type(self):
            return NotImplemented
        for name in ("grid", "box_size", *self.same):
            mine, theirs = getattr(self, name), getattr(other, name)
            if not np.array_equal(mine, theirs):
                shown = (mine, theirs) if np.ndim(mine) == 0 else (_shape(mine), _shape(theirs))
                raise BadInput(f"results differ in {name}: {shown[0]} and {shown[1]}, expected the same")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in (*self.added, "fields")})

    def __radd__(self, other: object) -> Self:
        """So that ``sum(results)`` works."""
        return self if other == 0 else NotImplemented

    def to_group(self, group: h5py.Group) -> None:
        """Write every part into a group of an HDF5 file: arrays as datasets, the rest as attributes."""
        group.attrs["kind"] = type(self).__name__
        group.attrs["units"] = "box_size: Mpc/h; edges and wavenumber sums: 2 pi / box_size; sums: see the class"
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, np.ndarray | tuple):
                group[part.name] = np.asarray(value)
            else:
                group.attrs[part.name] = value

    @staticmethod
    def from_group(group: h5py.Group) -> Result:
        """The result that ``to_group`` wrote; ``BadInput`` for a group of another kind or with a part missing."""
        path, about = group.file.filename, read_attributes(group)
        kind = str(about.get("kind", ""))
        if kind not in Result.kinds:
            raise BadInput(f"{path}: '{group.name}' holds no result, expected {' or '.join(Result.kinds)}")
        parts: dict[str, Any] = {}
        for part in fields(Result.kinds[kind]):
            if part.name in group:
                stored = read_numbers(group, part.name, "i" if part.type == "Integers" else "f")
                parts[part.name] = tuple(stored.tolist()) if "tuple" in str(part.type) else stored
            elif part.name in about:
                parts[part.name] = about[part.name]
            else:
                raise BadInput(f"{path}: '{group.name}' has no '{part.name}', expected a whole {kind}")
        return Result.kinds[kind](**parts)

    def save(self, path: str | Path) -> None:
        """Write the result as HDF5, whole or not at all."""
        with writing(path) as file:
            self.to_group(file)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what ``save`` wrote; ``BadInput`` where the file does not hold such a result."""
        with reading(path) as file:
            result = Result.from_group(file)
        if not isinstance(result, cls):
            raise BadInput(f"{path} holds a {type(result).__name__}, expected a {cls.__name__}")
        return result

    def about(self) -> dict[str, str | int | float]:
        """What describes the whole result: every part that is a number, a truth value or a word."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        return {name: value for name, value in parts.items() if isinstance(value, str | int | float)}

    def _measured_on(self, fields: int, window: str) -> str:
        """The last line of what a result prints."""
        cubes = "1 cube" if fields == 1 else f"mean of {fields} cubes"
        return f"  {cubes} of {self.grid}^3 cells, box {self.box_size:g} Mpc/h, window {window}"

    def _scatter(self, counts: NDArray[Any], sums: Reals, squares: Reals, number: int) -> Reals:
        """Standard error of a mean over fields from their scatter; NaN for a single field or where it was lost."""
        if number < 2:
            return np.full(len(sums), np.nan)
        spread = np.maximum(squares - sums**2 / number, 0) / (number - 1) / number
        return per_mode(np.sqrt(spread), counts)


Kind = TypeVar("Kind", bound=Result)


def average(results: Iterable[Kind]) -> Kind:
    """The mean over seeds: the sum of all results, whose ``error`` and ``scatter_error`` are those of the mean.

    ``BadInput`` if there is no result at all, and where grid, box, bins, window or gauge differ.
    """
    total: Kind | None = None
    for result in results:
        total = result if total is None else total + result
    if total is None:
        raise BadInput("there is no result to average, expected at least one")
    return total


def load_result(path: str | Path) -> Result:
    """Load a saved result of any kind."""
    return Result.load(path)


def per_mode(sums: Reals, counts: NDArray[Any]) -> Reals:
    """sums / counts, 0 where there is nothing to count."""
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), 0.0))


def standard_error(values: Reals, axis: int) -> Reals:
    """Scatter / sqrt(n) along ``axis``; NaN for a single value."""
    n = values.shape[axis]
    if n < 2:
        return np.full(np.delete(values.shape, axis), np.nan)
    return np.asarray(values.std(axis=axis, ddof=1) / np.sqrt(n))


def gauge_colour(gauge: str) -> str:
    """The colour of the theory whose fields are in this gauge; the colour of other curves if there is none."""
    theory = {"poisson": "gr", "n-body": "newton", "newtonian theory": "newton"}.get(gauge)
    return COLOURS[theory] if theory else OTHERS[0]


def checked_gauge(gauge: str) -> str:
    """The name of a gauge as given; ``BadInput`` for an unknown one."""
    if gauge not in GAUGES:
        raise BadInput(f"gauge is '{gauge}', expected one of {', '.join(GAUGES)}" + nearest(gauge, GAUGES))
    return gauge


def _shape(value: Any) -> str:
    array = np.asarray(value)
    return f"{array.size} numbers from {array.ravel()[0]:g} to {array.ravel()[-1]:g}" if array.size else "nothing"
