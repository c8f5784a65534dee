"""Power spectra as the reference program's text files (EQUATIONS 10): dimensionless Delta^2(k) = k^3 P(k) / 2 pi^2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.base.figures import OTHERS, POINTS, panel, wavenumber_axis
from weakfield.base.files import write_text
from weakfield.base.tables import Table, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]

_NAME = re.compile(r"#\s*(cross )?power spectrum of\s+(.+)")
_REDSHIFT = re.compile(r"#\s*redshift\s+z\s*=\s*(\S+)")


@dataclass(frozen=True)
class SpectrumTable(Table):
    """One spectrum; rows are the bins that hold modes.

    ``k`` and its scatter ``k_scatter`` are in h/Mpc; ``dimensionless`` is Delta^2 = k^3 P / 2 pi^2 and ``error`` its
    error, both without units; ``count`` is the number of modes. A ``cross`` spectrum is that of two densities.
    """

    name: str
    redshift: float
    k: Array
    dimensionless: Array
    k_scatter: Array
    error: Array
    count: npt.NDArray[np.int64]
    cross: bool = False

    axis: ClassVar[str] = "k"
    coordinates: ClassVar[tuple[str, ...]] = ("k", "k_scatter")
    units: ClassVar[Mapping[str, str]] = {"k": "h/Mpc", "k_scatter": "h/Mpc"}

    def __repr__(self) -> str:
        return (
            f"SpectrumTable of {self.name} at z = {self.redshift:g}: dimensionless Delta^2 in {len(self.k)} bins,"
            f" k = {span(self.k, 'h/Mpc')}"
        )

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """``k`` and its ``k_scatter`` [h/Mpc], Delta^2 as ``dimensionless``, its ``error``, and ``count`` of modes."""
        return {name: getattr(self, name) for name in ("k", "k_scatter", "dimensionless", "error", "count")}

    def about(self) -> dict[str, str | int | float]:
        """Name and redshift."""
        return {"name": self.name, "redshift": self.redshift}

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Plot Delta^2(k) with its errors into ``ax`` or a new figure; ``options`` go to ``Axes.errorbar``.

        Returns the axes.
        """
        ax = panel(ax)
        style = {"color": OTHERS[0], "label": f"{self.name}, z = {self.redshift:g}", **POINTS, **options}
        ax.errorbar(self.k, self.dimensionless, self.error, **style)
        wavenumber_axis(ax)
        ax.set_yscale("log" if (self.dimensionless > 0).all() else "linear")
        ax.set_ylabel(r"$\Delta^2(k) = k^3 P / 2\pi^2$")
        return ax


def format_spectrum(table: SpectrumTable) -> str:
    """The text of the file, byte for byte as the reference program would print these numbers."""
    head = (
        f"# {'cross ' if table.cross else ''}power spectrum of {table.name}\n# redshift z={table.redshift:f}\n"
        "# k              Pk             sigma(k)       sigma(Pk)      count\n"
    )
    columns = (table.k, table.dimensionless, table.k_scatter, table.error, table.count)
    numbers = chain.from_iterable(zip(*(column.tolist() for column in columns), strict=True))
    return head + "  %e   %e   %e   %e   %d\n" * len(table.k) % tuple(numbers)


def write_spectrum_text(path: str | Path, table: SpectrumTable) -> None:
    """Write a spectrum, whole or not at all."""
    write_text(Path(path), format_spectrum(table))


def read_spectrum_text(path: str | Path) -> SpectrumTable:
    """Read a spectrum file; raises a ``BadInput`` that names the file if it is missing or not a spectrum."""
    path = Path(path)
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such spectrum file") from error
    except (UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{path} is not a spectrum file: {error}") from error
    return parse_spectrum(text, str(path))


def parse_spectrum(text: str, path: str = "the text") -> SpectrumTable:
    """The table in the text of a spectrum file; raises a ``BadInput`` that names ``path`` if it is not one."""
    name, redshift = _NAME.search(text), _REDSHIFT.search(text)
    if name is None or redshift is None:
        raise BadInput(
            f"{path} is not a spectrum file, expected '# power spectrum of NAME' and '# redshift z=...' first"
        )
    rows = [_numbers(line, path) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    (z,) = _numbers(redshift.group(1), path)
    if any(len(row) != 5 for row in rows):
        raise BadInput(f"{path}: found a row without 5 numbers, expected k, Pk, sigma(k), sigma(Pk), count")
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T.copy()
    if not np.isfinite(columns).all() or not np.isfinite(z):
        raise BadInput(f"{path}: found a number that is not finite")
    k, dimensionless, k_scatter, uncertainty, count = columns
    title, cross = name.group(2).strip(), name.group(1) is not None
    return SpectrumTable(title, z, k, dimensionless, k_scatter, uncertainty, count.astype(np.int64), cross)


def _numbers(words: str, path: str) -> list[float]:
    try:
        return [float(word) for word in words.split()]
    except ValueError as error:
        raise BadInput(f"{path}: found what is no number: {words.strip()[:40]!r}") from error
