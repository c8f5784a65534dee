"""Power spectra as the reference program's text files (EQUATIONS 10): dimensionless Delta^2(k) = k^3 P(k) / 2 pi^2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.base.files import write_text

Array = npt.NDArray[np.float64]

_NAME = re.compile(r"#\s*power spectrum of\s+(.+)")
_REDSHIFT = re.compile(r"#\s*redshift\s+z\s*=\s*(\S+)")


@dataclass(frozen=True)
class SpectrumTable:
    """One spectrum; rows are the bins that hold modes.

    ``k`` and its scatter ``k_scatter`` in h/Mpc; ``dimensionless`` is Delta^2 = k^3 P / 2 pi^2 and
    ``error`` its error, both without units; ``count`` modes.
    """

    name: str
    redshift: float
    k: Array
    dimensionless: Array
    k_scatter: Array
    error: Array
    count: npt.NDArray[np.int64]


def format_spectrum(table: SpectrumTable) -> str:
    """The text of the file, byte for byte as the reference program would print these numbers."""
    lines = [
        f"# power spectrum of {table.name}\n# redshift z={table.redshift:f}\n",
        "# k              Pk             sigma(k)       sigma(Pk)      count\n",
    ]
    for k, value, scatter, error, count in zip(
        table.k, table.dimensionless, table.k_scatter, table.error, table.count, strict=True
    ):
        lines.append(f"  {k:e}   {value:e}   {scatter:e}   {error:e}   {int(count):d}\n")
    return "".join(lines)


def write_spectrum_text(path: str | Path, table: SpectrumTable) -> None:
    """Write a spectrum, whole or not at all."""
    write_text(Path(path), format_spectrum(table))


def read_spectrum_text(path: str | Path) -> SpectrumTable:
    """Read a spectrum file; ``BadInput`` names a file that is missing or is none."""
    path = Path(path)
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such spectrum file") from error
    except (UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{path} is not a spectrum file: {error}") from error
    return parse_spectrum(text, str(path))


def parse_spectrum(text: str, path: str = "the text") -> SpectrumTable:
    """The table in the text of a spectrum file; ``BadInput`` names ``path`` if it is none."""
    name, redshift = _NAME.search(text), _REDSHIFT.search(text)
    if name is None or redshift is None:
        raise BadInput(
            f"{path} is not a spectrum file, expected '# power spectrum of NAME' and '# redshift z=...' first"
        )
    try:
        rows = [
            [float(word) for word in line.split()] for line in text.splitlines() if line and not line.startswith("#")
        ]
        z = float(redshift.group(1))
    except ValueError as error:
        raise BadInput(f"{path}: found what is no number ({error})") from error
    if any(len(row) != 5 for row in rows):
        raise BadInput(f"{path}: found a row without 5 numbers, expected k, Pk, sigma(k), sigma(Pk), count")
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T.copy()
    if not np.isfinite(columns).all():
        raise BadInput(f"{path}: found a number that is not finite")
    k, dimensionless, k_scatter, uncertainty, count = columns
    return SpectrumTable(name.group(1).strip(), z, k, dimensionless, k_scatter, uncertainty, count.astype(np.int64))
