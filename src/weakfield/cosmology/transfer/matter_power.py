"""Matter power spectra as two columns of text, the input of runs without transfer functions (EQUATIONS 3.2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakfield.base.errors import BadInput
from weakfield.base.system_errors import told
from weakfield.cosmology.transfer.stated import Stated

Array = npt.NDArray[np.float64]


def read_matter_power(path: str | Path, h: float, redshift: float | None = None) -> tuple[Array, Array]:
    """k [h/Mpc], ascending, and P(k) [(Mpc/h)^3] from the first two columns of a file; '#' begins a comment.

    If a comment says that k is in 1/Mpc, P is taken to be in Mpc^3. Raises ``BadInput`` naming the file when it is
    missing, says that its redshift is not ``redshift``, has something other than numbers where numbers belong, or when
    k or P is not positive.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file, expected a matter power spectrum") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a text file, expected a matter power spectrum") from error
    except OSError as error:
        raise BadInput(told(error, path, "read")) from error
    rows, comments = [], []
    for number, line in enumerate(lines, start=1):
        numbers, _, comment = line.partition("#")
        comments.append(comment)
        words = numbers.split()
        if not words:
            continue
        try:
            rows.append([float(word) for word in words[:2]])
        except ValueError as error:
            raise BadInput(f"{path}, line {number}: found {line.strip()[:40]!r}, expected numbers k and P") from error
        if len(words) < 2:
            raise BadInput(f"{path}, line {number}: found one number, expected k and P")
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    k, power = table[:, 0].copy(), table[:, 1].copy()
    if k.size < 3 or not np.isfinite(table).all() or k[0] <= 0 or (np.diff(k) <= 0).any() or (power <= 0).any():
        raise BadInput(f"{path}: expected at least 3 rows of positive k, ascending, and positive P")
    stated = Stated.by(path, comments)
    if redshift is not None:
        stated.check_redshift(redshift)
    scale = stated.k_in_hmpc(h)
    return k * scale, power / scale**3
