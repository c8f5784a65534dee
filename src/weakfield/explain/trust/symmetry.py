"""Equivariance: the map of a rotated or shifted box should be the rotated or shifted map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from weakfield.learning.augmentation import Symmetry

SYMMETRY_SEED = 48


def draw(axes: int, grid: int, random: np.random.Generator) -> Symmetry:
    """A uniformly random symmetry of a periodic square or cube, shifts included."""
    order = tuple(int(axis) for axis in random.permutation(axes))
    reflected = tuple(bool(flag) for flag in random.integers(2, size=axes))
    return Symmetry(order, reflected, tuple(int(cells) for cells in random.integers(grid, size=axes)))


def equivariance_error(
    explain: Callable[[Tensor, Tensor], Tensor], sample: Tensor, twin: Tensor, draws: int = 4
) -> float:
    """rms over symmetries S of |A(S x) - S A(x)| / |A(x)| for one pair, samples (channels, ...).

    ``explain`` gives what is compared for samples and twins (n, channels, ...): maps, or logits (n,), which a symmetry
    should leave as they are.
    """
    random = np.random.default_rng(SYMMETRY_SEED)
    pair = torch.stack([sample, twin])
    plain = explain(pair[:1], pair[1:])
    squares = []
    for _ in range(draws):
        symmetry = draw(sample.ndim - 1, sample.shape[-1], random)
        moved = symmetry(pair)
        found = explain(moved[:1], moved[1:])
        expected = plain if plain.ndim == 1 else symmetry(plain)
        squares.append(float(((found - expected) ** 2).sum()))
    norm = float((plain**2).sum())
    return float(np.sqrt(np.mean(squares) / norm)) if norm > 0 else 0.0
