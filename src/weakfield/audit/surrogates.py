"""Cubes altered in place of their modes: rescaled, split by parity, or reduced to their values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def rescale(x: Tensor, factor: float) -> Tensor:
    """Every value times ``factor``."""
    return x * factor


# ---------------------------------------------------------------------------------------------------------------
# Even and odd in the initial modes


def with_one_parity(twins: tuple[Tensor, Tensor], inverse: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(Newton + even part, Newton + odd part) of GR - Newton of a seed; together with Newton's cube they add up to GR.

    ``twins`` are Newton and GR of the seed, ``inverse`` those of its inverse: another universe, of which the
    difference alone is used. The even part is half the sum of the two differences, the odd part half of the first
    minus the second.
    """
    newton, gr = twins
    upright, inverted = gr - newton, inverse[1] - inverse[0]
    return newton + (upright + inverted) / 2, newton + (upright - inverted) / 2


# ---------------------------------------------------------------------------------------------------------------
# Values without places


def moments(x: Tensor, dim: int = 3) -> NDArray[np.float64]:
    """Quantiles of the values of each cube in units of its own spread about its own mean, (..., 9).

    Neither the mean, nor the total power, nor where a value lies is left.
    """
    flat = x.to(torch.float64).flatten(-dim).numpy()
    centred = flat - flat.mean(-1, keepdims=True)
    spread = centred.std(-1, keepdims=True)
    scaled: NDArray[Any] = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return np.moveaxis(np.quantile(scaled, np.linspace(0.02, 0.98, 9), axis=-1), 0, -1)
