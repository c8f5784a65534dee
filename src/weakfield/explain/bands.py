"""Bands of Fourier modes of samples in two or three dimensions: taken out, exchanged between twins, put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.mesh.shells import shells


@dataclass(frozen=True)
class Bands:
    """The band of every mode: the shells in order, then the mean (k = 0), then the rest.

    ``index`` is (N, N, N//2+1) or (N, N//2+1); the rest are modes beyond the last shell and the Nyquist planes of an
    even N. ``wavenumbers`` (shells,) are the means of |n| over each shell [k_F], ``modes``
    (shells,) counts k and -k.
    """

    index: NDArray[np.intp]
    shells: int
    wavenumbers: NDArray[np.float64]
    modes: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Shells, mean and rest."""
        return self.shells + 2

    @classmethod
    def of(cls, samples: Tensor, edges: Sequence[float] | None = None) -> Bands:
        """For samples (n, channels, N, N[, N]); edges in units of k_F as in ``mesh.shells``."""
        found = shells(samples.shape[-1], edges, samples.ndim - 2)
        index = found.index.copy()
        index[index == found.count] = found.count + 1
        index[(0,) * index.ndim] = found.count
        return cls(index, found.count, found.mean_wavenumbers, found.modes)


def exchange(samples: Tensor, baselines: Tensor, bands: Bands, chosen: Sequence[int]) -> Tensor:
    """The samples with the modes of the ``chosen`` bands taken from the baselines; same shape and type."""
    axes = tuple(range(2, samples.ndim))
    taken = np.isin(bands.index, list(chosen))
    difference = (baselines - samples).to(torch.float64).numpy()
    modes = scipy.fft.rfftn(difference, axes=axes)
    change = scipy.fft.irfftn(np.where(taken, modes, 0), s=samples.shape[2:], axes=axes)
    return samples + torch.from_numpy(change).to(samples.dtype)


def by_band(gradients: Tensor, fields: Tensor, bands: Bands) -> NDArray[np.float64]:
    """sum_x g f of every sample by the band of its modes, (n, bands): their sum over bands is sum_x g f (Parseval).

    F(k) = sum_x f exp(-ikx): sum_x g f = N^-d sum_k Re G* F over all modes; channels are added.
    """
    axes = tuple(range(2, fields.ndim))
    g, f = (scipy.fft.rfftn(values.to(torch.float64).numpy(), axes=axes) for values in (gradients, fields))
    grid = fields.shape[-1]
    products = ((g.real * f.real + g.imag * f.imag) * _weight(grid)).sum(axis=1) / float(grid) ** len(axes)
    return np.stack([np.bincount(bands.index.ravel(), one.ravel(), bands.count) for one in products])


def power_by_band(fields: Tensor, bands: Bands) -> NDArray[np.float64]:
    """Mean of |F / N^d|^2 over the modes of each shell, summed over channels: (n, shells), 0 where a shell is empty."""
    axes = tuple(range(2, fields.ndim))
    modes = scipy.fft.rfftn(fields.to(torch.float64).numpy(), axes=axes) / float(fields.shape[-1]) ** len(axes)
    weight = _weight(fields.shape[-1])
    power = ((modes.real**2 + modes.imag**2) * weight).sum(axis=1)
    count = np.bincount(bands.index.ravel(), np.broadcast_to(weight, bands.index.shape).ravel(), bands.count)
    sums = np.stack([np.bincount(bands.index.ravel(), one.ravel(), bands.count) for one in power])
    return np.asarray((sums / np.maximum(count, 1))[:, : bands.shells])


def _weight(grid: int) -> NDArray[np.float64]:
    """How many modes of the full box an entry of the half axis stands for, (N//2+1,)."""
    half = np.arange(grid // 2 + 1)
    return np.where((half == 0) | (2 * half == grid), 1.0, 2.0)
