"""Bispectra at second order without cosmic variance: from a seed with its inverse, and from a field a theory predicts.

Let f+ be the field of a seed and f- that of its inverse. Then O = (f+ - f-)/2 begins at first order in the initial
modes and E = (f+ + f-)/2 at second. The bispectrum is linear in each of its sides, so

    (B[f+] + B[f-]) / 2 = B(O, O, E) + B(O, E, O) + B(E, O, O) + B[E],

without B[O], which is by far the largest part in one universe and is zero only on average. The leading order of this
mean is the ``mixed_bispectrum`` of the linear and the second-order field in the same modes, so that the two have the
same cosmic variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.spectra.bispectrum import Bispectrum, bispectrum
from weakfield.spectra.modes import Cube

Reals = NDArray[np.float64]


def even_bispectrum(
    upright: Cube, inverse: Cube, box_size: float, bin_edges: Sequence[float] | NDArray[Any], **options: Any
) -> Bispectrum:
    """Mean of the bispectra of the cubes of a seed and of its inverse; otherwise as ``bispectrum``."""
    return bispectrum(upright, box_size, bin_edges, **options) + bispectrum(inverse, box_size, bin_edges, **options)


def mixed_bispectrum(linear: Cube, second: Cube, box_size: float, bin_edges: Sequence[float] | NDArray[Any]) -> Reals:
    """B(linear, linear, second) and its two permutations, (T,), for the triangles of ``bispectrum``.

    This is the tree level as one universe has it: where the kernel K makes ``second`` from ``linear``, the mean over
    seeds is 2 K(k1, k2) P(k1) P(k2) and permutations. The result is linear in ``second``, which may be smaller by any
    factor.
    """
    first, other = (_tensor(cube) for cube in (linear, second))
    sizes = float(first.std()), float(other.std())
    if not min(sizes) > 0:
        raise BadInput(f"linear and second have the scatters {sizes[0]:g} and {sizes[1]:g}, expected numbers above 0")
    other = other * (sizes[0] / sizes[1])  # of equal size, so that the parts that cancel are no larger than the rest
    plus, minus, alone = (bispectrum(cube, box_size, bin_edges).value for cube in (first + other, first - other, other))
    return np.asarray(((plus - minus) / 2 - alone) * (sizes[1] / sizes[0]))


def _tensor(cube: Cube) -> Tensor:
    return (cube if isinstance(cube, Tensor) else torch.from_numpy(np.ascontiguousarray(cube))).double()
