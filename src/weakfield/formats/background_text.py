"""The text file of the background, one line per cycle (EQUATIONS 7, step 5, and 10)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput, WeakfieldError
from weakfield.base.files import write_text
from weakfield.base.system_errors import told

HEADER = "# background statistics\n# cycle   tau/boxsize    a             conformal H/H0  phi(k=0)       T00(k=0)\n"
COLUMNS = ("cycle", "tau", "a", "hubble", "phi_mean", "t00_mean")


def format_background_line(
    cycle: int, tau: float, a: float, hubble_over_h0: float, phi_mean: float, t00_mean: float
) -> str:
    """One line of the file; tau is in units of the box, the conformal Hubble rate in units of H0."""
    return f" {cycle:6d}   {tau:e}   {a:e}   {hubble_over_h0:e}   {phi_mean:e}   {t00_mean:e}\n"


def append_background(path: Path, lines: str) -> None:
    """Add lines to the file, with the header if the file is new; the program never truncates it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="ascii") as handle:
            if handle.tell() == 0:
                handle.write(HEADER)
            handle.write(lines)
    except OSError as error:
        raise WeakfieldError(told(error, path, "write")) from error


def cut_background(path: Path, cycle: int) -> None:
    """Leave of the file the lines up to a cycle; one that is not there, or that has none of them, is removed."""
    try:
        lines = path.read_text(encoding="ascii").splitlines(keepends=True)
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as a background file, expected that of the run that goes on") from error
    kept = [line for line in lines if _cycle(line) <= cycle]
    if any(_cycle(line) >= 0 for line in kept):
        write_text(path, "".join(kept))
    else:
        path.unlink()


def _cycle(line: str) -> int:
    """The cycle of a line; -1 for a comment and for what is no line of the file."""
    word = line.split()[0] if line.split() else ""
    return int(word) if word.isdecimal() else -1


def read_background_text(path: str | Path) -> dict[str, npt.NDArray[np.float64]]:
    """The columns of a background file under the names in ``COLUMNS``; raises a ``BadInput`` that names the file."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        rows = [[float(word) for word in line.split()] for line in lines if line.strip() and not line.startswith("#")]
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such background file") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{path} is not a background file: {str(error)[:80]!r}") from error
    if not rows or any(len(row) != len(COLUMNS) for row in rows):
        raise BadInput(f"{path} is not a background file, expected rows of {len(COLUMNS)} numbers")
    return dict(zip(COLUMNS, np.array(rows).T.copy(), strict=True))
