"""How alike two maps are: rank correlation over their cells."""

from __future__ import annotations

import numpy as np
import scipy.stats
from numpy.typing import NDArray
from torch import Tensor

Reals = NDArray[np.float64]


def rank_correlation(first: Tensor, second: Tensor, absolute: bool = False) -> Reals:
    """Spearman's rho of two maps (n, channels, ...), sample by sample: (n,); 0 where a map is constant.

    ``absolute``: of their moduli, as when the sign of an attribution is not looked at.
    """
    pairs = zip(ranks(first, absolute), ranks(second, absolute), strict=True)
    return np.array([float(a @ b) for a, b in pairs])


def rank_correlations(maps: dict[str, Tensor]) -> Reals:
    """Spearman's rho of every pair of maps, (n, methods, methods) in the order of the mapping; 1 on the diagonal."""
    ranked = np.stack([ranks(values) for values in maps.values()], axis=1)
    found = np.einsum("nic,njc->nij", ranked, ranked)
    index = np.arange(len(maps))
    found[:, index, index] = 1.0
    return np.asarray(found)


def ranks(maps: Tensor, absolute: bool = False) -> Reals:
    """Ranks over the cells of every sample (n, cells), centred, of norm 1 (0 for a constant map); ties share a rank."""
    values = maps.flatten(1).numpy()
    found = scipy.stats.rankdata(np.abs(values) if absolute else values, axis=1)
    found = found - found.mean(axis=1, keepdims=True)
    norm = np.sqrt((found**2).sum(axis=1, keepdims=True))
    return np.asarray(found / np.where(norm > 0, norm, 1.0))
