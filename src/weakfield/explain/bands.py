"""Bands of Fourier modes of samples in two or three dimensions: removed, exchanged between members, put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.config import THEORIES
from weakfield.explain.records import BandParts, PairSpectrum
from weakfield.fourier import forward, half_axis_weights, squared_modulus
from weakfield.fourier.filters import filtered
from weakfield.fourier.shells import shells


@dataclass(frozen=True)
class Bands:
    """The band of every mode: first the shells in order, then the mean (k = 0), then the rest.

    ``index`` is (N, N, N//2+1) or (N, N//2+1); the rest are modes beyond the last shell and the Nyquist planes of an
    even N. ``wavenumbers`` (shells,) are the means of |n| over each shell [k_F]; ``modes`` (shells,) counts k and -k.
    """

    index: NDArray[np.intp]
    shells: int
    wavenumbers: NDArray[np.float64]
    modes: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of bands: shells, mean and rest."""
        return self.shells + 2

    @classmethod
    def of(cls, samples: Tensor, edges: Sequence[float] | None = None) -> Bands:
        """The bands of samples (n, channels, N, N[, N]); edges in units of k_F as in ``fourier.shells``."""
        found = shells(samples.shape[-1], edges, samples.ndim - 2)
        index = found.index.copy()
        index[index == found.count] = found.count + 1
        index[(0,) * index.ndim] = found.count
        return cls(index, found.count, found.mean_wavenumbers, found.modes)


def exchange(samples: Tensor, baselines: Tensor, bands: Bands, chosen: Sequence[int]) -> Tensor:
    """The samples with the modes of the ``chosen`` bands taken from the baselines; same shape and type."""
    return samples + filtered(baselines - samples, np.isin(bands.index, list(chosen)), samples.ndim - 2)


def by_band(gradients: Tensor, fields: Tensor, bands: Bands) -> NDArray[np.float64]:
    """sum_x g f of every sample by the band of its modes, (n, bands); the sum over bands is sum_x g f (Parseval).

    F(k) = sum_x f exp(-ikx): sum_x g f = N^-d sum_k Re G* F over all modes; channels are added.
    """
    dimensions, grid = fields.ndim - 2, fields.shape[-1]
    g, f = (forward(values, dimensions).numpy() for values in (gradients, fields))
    products = ((g.real * f.real + g.imag * f.imag) * half_axis_weights(grid)).sum(axis=1) / float(grid) ** dimensions
    return np.stack([np.bincount(bands.index.ravel(), one.ravel(), bands.count) for one in products])


def power_by_band(fields: Tensor, bands: Bands) -> NDArray[np.float64]:
    """Mean of |F / N^d|^2 over the modes of each shell, summed over channels: (n, shells), 0 where a shell is empty."""
    dimensions, grid = fields.ndim - 2, fields.shape[-1]
    modes, weight = forward(fields, dimensions).numpy() / float(grid) ** dimensions, half_axis_weights(grid)
    power = (squared_modulus(modes) * weight).sum(axis=1)
    count = np.bincount(bands.index.ravel(), np.broadcast_to(weight, bands.index.shape).ravel(), bands.count)
    sums = np.stack([np.bincount(bands.index.ravel(), one.ravel(), bands.count) for one in power])
    return np.asarray((sums / np.maximum(count, 1))[:, : bands.shells])


def pair_spectrum(cubes: Tensor, gradients: Tensor, bands: Bands, unit: float) -> PairSpectrum:
    """Gradient x input of each member and of the pair, by shells one k_F wide, and the power of the gradients.

    Samples and gradients are (2, channels, ...), Newton and GR; ``unit`` is k_F in h/Mpc. ``pair`` is the mean of the
    two gradients times (GR - Newton): the trapezoidal rule for the integral of the gradient from one member to the
    other, so that its total is close to the difference of their logits.
    """
    difference = (cubes[1:] - cubes[:1]).to(torch.float64)
    newton, gr = by_band(gradients, cubes, bands)
    power = power_by_band(torch.cat([gradients, gradients[1:] - gradients[:1]]), bands)
    return PairSpectrum(
        k_hmpc=(bands.wavenumbers * unit).tolist(),
        modes=bands.modes.tolist(),
        newton=_parts(newton, bands),
        gr=_parts(gr, bands),
        pair=_parts(by_band(gradients.mean(dim=0, keepdim=True), difference, bands)[0], bands),
        gradient_power=dict(zip((*THEORIES, "difference"), power.tolist(), strict=True)),
    )


def _parts(products: NDArray[np.float64], bands: Bands) -> BandParts:
    return BandParts(
        mean=float(products[bands.shells]),
        shells=products[: bands.shells].tolist(),
        rest=float(products[bands.shells + 1]),
        total=float(products.sum()),
    )
