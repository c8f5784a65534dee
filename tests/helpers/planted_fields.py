"""Twins that differ in one known thing, to see whether an explanation of a network points there.

The first members are Gaussian cubes of variance 1 whose power falls as k^slope; the second ones are altered:

    shell      modes of one shell times 1 + eps; its power stands out by eps sqrt(2 n) sigma, n its modes
    local f_NL phi + f (phi^2 - <phi^2>), so that B = 2 f (P1 P2 + P2 P3 + P3 P1) [arXiv:astro-ph/0005036]; or the same
               among short modes alone: B is as before where all three sides are short, 0 for squeezed triangles
    triangle   modes of one shell made to follow the product of two others, at unchanged power
    region     cells of a box inside the cube times 1 + eps
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield import fourier
from weakfield.explain.triangle_basis import TriangleBasis, triangle_basis
from weakfield.fourier.filters import in_band
from weakfield.fourier.half_axis import squared_wavenumbers

Reals = NDArray[np.float64]


def gaussian_cubes(count: int, n: int, slope: float, seed: int) -> Tensor:
    """(count, 1, n, n, n) float64, each cube of expected variance 1 and of no mean; P ~ k^slope."""
    noise = torch.from_numpy(np.random.default_rng([seed, 41]).standard_normal((count, n, n, n)))
    squares = squared_wavenumbers(n).astype(np.float64)
    squares[0, 0, 0] = np.inf
    shape = torch.from_numpy(squares ** (slope / 4))
    variance = float((torch.from_numpy(fourier.half_axis_weights(n)) * shape**2).sum()) / n**3
    cubes: Tensor = fourier.backward(fourier.forward(noise, 3) * shape, n, 3)[:, None] / variance**0.5
    return cubes


def rescaled_shell(cubes: Tensor, low: float, high: float, eps: float) -> Tensor:
    """Modes with low <= |n| < high times 1 + eps."""
    n = cubes.shape[-1]
    inside = torch.from_numpy(in_band(n, low, high, nyquist=False))
    return fourier.backward(fourier.forward(cubes, 3) * (1 + eps * inside), n, 3)


def local_non_gaussianity(cubes: Tensor, f: float, above: float = 0.0) -> Tensor:
    """phi + f (phi^2 - its mean over the cube); with ``above``, the square of modes |n| >= above, added to those."""
    if above <= 0:
        square = cubes**2
        return cubes + f * (square - square.mean(dim=(-3, -2, -1), keepdim=True))
    n = cubes.shape[-1]
    short = torch.from_numpy(squared_wavenumbers(n) >= above**2)

    def high(fields: Tensor) -> Tensor:
        return fourier.backward(fourier.forward(fields, 3) * short, n, 3)

    return cubes + f * high(high(cubes) ** 2)


def local_sums(basis: TriangleBasis, powers: Reals, above: float = 0.0) -> Reals:
    """Mean B_T / f that ``local_non_gaussianity`` of Gaussian cubes has to first order in f, (T,).

    ``powers`` (S,) are the mean P_s of the Gaussian cubes, which are taken to be the same for all modes of a shell. No
    shell may have modes on both sides of ``above``.
    """
    modes = np.array([weight.sum() for weight in basis.weights])
    p1, p2, p3 = (powers / modes)[basis.triangles].T
    short = np.asarray(basis.edges)[basis.triangles].min(axis=1) >= above
    return np.asarray(2 * basis.counts * (p1 * p2 + p2 * p3 + p3 * p1) * short)


def coarser(weights: Reals, fine: TriangleBasis, wide: TriangleBasis) -> Reals:
    """Weights of the triangles of wide shells, (T',), from those of fine ones (T,): the means over triples.

    A fine shell counts as part of the wide one that has its mean wavenumber.
    """
    sides = (np.searchsorted(wide.edges, fine.wavenumbers, side="right") - 1)[fine.triangles]
    orders = np.array([{1: 1, 2: 3, 3: 6}[len(set(triangle))] for triangle in fine.triangles.tolist()])
    means = np.zeros(len(wide.triangles))
    for row, triangle in enumerate(wide.triangles):
        inside = (sides == triangle).all(axis=1)
        means[row] = np.average(weights[inside], weights=(fine.counts * orders)[inside]) if inside.any() else 0.0
    return means


def coupled_triangle(cubes: Tensor, edges: Sequence[float], triangle: tuple[int, int, int], share: float) -> Tensor:
    """Modes f of the last shell become sqrt(1 - share^2) f + share p at their own power, p of the other two."""
    n = cubes.shape[-1]
    basis = triangle_basis(n, 3, tuple(float(edge) for edge in edges))
    return torch.stack([_coupled(basis, cube[0], triangle, share)[None] for cube in cubes])


def _coupled(basis: TriangleBasis, cube: Tensor, triangle: tuple[int, int, int], share: float) -> Tensor:
    first, second, last = triangle
    modes, weight = basis.modes(cube), basis.weights[last]
    product = basis.product(modes, first, second, last)

    def power(values: np.ndarray) -> float:
        return float((weight * np.abs(values) ** 2).sum())

    mixed = np.sqrt(1 - share**2) * modes[last] + share * product * np.sqrt(power(modes[last]) / power(product))
    mixed *= np.sqrt(power(modes[last]) / power(mixed))
    spectrum = fourier.forward(cube, 3)
    spectrum.view(-1)[torch.from_numpy(basis.places[last])] = torch.from_numpy(mixed * float(basis.n) ** 3)
    return fourier.backward(spectrum, basis.n, 3)


def altered_region(cubes: Tensor, low: int, high: int, eps: float) -> Tensor:
    """Cells low <= z, y, x < high times 1 + eps."""
    result, inside = cubes.clone(), slice(low, high)
    result[..., inside, inside, inside] *= 1 + eps
    return result
