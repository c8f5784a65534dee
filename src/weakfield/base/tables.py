"""Results as tables: the conversions to pandas and xarray that all results made of columns offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

if TYPE_CHECKING:
    from xarray import Dataset


class Table(ABC):
    """Columns of equal length along ``axis``.

    ``coordinates`` names the columns that say where a row is; ``units`` gives the unit of each column that has one. A
    column with the name of ``axis`` becomes the index in xarray.
    """

    axis: ClassVar[str]
    coordinates: ClassVar[tuple[str, ...]]
    units: ClassVar[Mapping[str, str]]

    @abstractmethod
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name, each (rows,); their meaning is given where they are defined."""

    @abstractmethod
    def about(self) -> dict[str, str | int | float]:
        """Values that describe the whole table."""

    def to_pandas(self) -> Any:
        """The columns as a ``pandas.DataFrame``; its ``attrs`` hold ``about()``, and ``units`` by column."""
        from pandas import DataFrame

        frame = DataFrame(self.columns())
        frame.attrs.update(self.about() | {"units": self._units(frame.columns)})
        return frame

    def to_xarray(self) -> Dataset:
        """The columns as an ``xarray.Dataset`` with ``coordinates``, ``about()`` in its attributes, units in theirs."""
        from xarray import Dataset

        columns = self.columns()
        units = self._units(columns)
        parts = {
            name: (self.axis, column, {"units": units[name]} if name in units else {})
            for name, column in columns.items()
        }
        coordinates = {name: parts.pop(name) for name in self.coordinates}
        return Dataset(parts, coords=coordinates, attrs=self.about())

    def _units(self, names: Any) -> dict[str, str]:
        return {name: self.units[name] for name in names if name in self.units}


def span(values: NDArray[Any], unit: str = "") -> str:
    """The range from the smallest to the largest of some numbers, for a line of text."""
    if not values.size:
        return "none"
    low, high = (f"{value:.3g}" for value in (values.min(), values.max()))
    return f"{low if low == high else f'{low} to {high}'} {unit}".rstrip()
