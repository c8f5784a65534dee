"""Edges of shells in units of the fundamental wavenumber k_F = 2 pi / L: linear, logarithmic, merged.

A shell holds the modes with lower <= |n| < upper. Edges beyond every mode give empty shells, which stay in a result
with 0 modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakfield.base.errors import BadInput
from weakfield.fourier.shells import checked_edges

#: most bins; no mesh has as many different wavenumbers
_MOST = 10**6


def linear_edges(first: float, last: float, width: float = 1.0) -> list[float]:
    """Edges first, first + width, ... up to ``last``; the default bins of P(k) go from 0.5 to N/2 with width 1."""
    if not (np.isfinite([first, last, width]).all() and 0 <= first < last and width > 0 and first + width <= last):
        raise BadInput(f"first, last, width are {first}, {last}, {width}, expected 0 <= first < first + width <= last")
    if (last - first) / width > _MOST:
        raise BadInput(f"first, last, width are {first}, {last}, {width}, expected at most {_MOST} bins")
    count = int(np.floor((last - first) / width * (1 + 1e-12)))
    return [first + width * step for step in range(count + 1)]


def log_edges(first: float, last: float, count: int) -> list[float]:
    """``count`` bins of equal width in ln k from ``first`` to ``last``, both of which are edges."""
    if not (np.isfinite([first, last]).all() and 0 < first < last and 1 <= count <= _MOST):
        raise BadInput(
            f"first, last, count are {first}, {last}, {count}, expected 0 < first < last and 1 to {_MOST} bins"
        )
    inner = np.exp(np.linspace(np.log(first), np.log(last), count + 1))[1:-1].tolist()
    return [float(first), *inner, float(last)]


def merged(edges: Sequence[float], bins: int | Sequence[float] | NDArray[Any]) -> tuple[list[int], tuple[float, ...]]:
    """Places and values of the old edges that stay: ``bins`` old bins in each new one, or new edges among the old."""
    if isinstance(bins, int | np.integer):
        if not 1 <= bins <= len(edges) - 1:
            raise BadInput(f"bins is {bins}, expected a whole number from 1 to {len(edges) - 1}")
        places = list(range(0, len(edges), int(bins)))
    else:
        new = checked_edges(bins)
        if missing := [edge for edge in new if edge not in edges]:
            raise BadInput(f"the new edge {missing[0]} is not among the old ones, expected some of {list(edges)}")
        places = [list(edges).index(edge) for edge in new]
    return places, tuple(edges[place] for place in places)
