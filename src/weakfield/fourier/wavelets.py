"""Oriented wavelets of a periodic cube and their scattering coefficients, alike for all 48 symmetries of the cube.

With k = |n| in units of k_F, a wavelet of scale xi along an axis a is, in Fourier space,

    psi(n) = sqrt 2 R(k / xi) max(n_a, 0) / k,    R(u) = cos(pi/2 log2 u) for 1/2 < u < 2, else 0,

the radial part of the steerable pyramid (Simoncelli & Freeman 1995; Portilla & Simoncelli 2000) times the positive half
of a Riesz transform (Unser & Van De Ville 2010). Scales are dyadic, xi = 1, 2, 4, ... up to N/4; the finest one has
R = 1 above its xi. Scales and the three axes then share out all power but that of the mean and of the Nyquist planes:

    sum_xi sum_a <|W|^2> = sum_n |f_n|^2,    W = f * psi, complex.

An axis and its opposite have the same |W|, so that the three axes are one orbit of the symmetries of the cube. Averages
over that orbit, and over the cells, are what is kept (Mallat 2012, arXiv:1101.2286; in three dimensions Eickenberg et
al. 2018, arXiv:1805.00571, and Valogiannis & Dvorkin 2022, arXiv:2108.07821, whose wavelets are other ones):

    first order     S1(xi)          = <|f * psi_xi,a|>
    second order    S2(xi, xi')     = <||f * psi_xi,a| * psi_xi',b|>,  xi' < xi, once for b = a and once for the others
    moments         <|W|^2>, <|W|^4>
    couplings       C(xi, xi')      = <|f * psi_xi,a| D_xi'>,  xi' <= xi,  D = f * R(k / xi'), real

The modulus makes all but the last blind to the sign of f, and so to anything of odd order in it, such as a weak local
f_NL; couplings (of the kind of Cheng et al. 2024, arXiv:2306.17210) change sign with f: large structures on which small
ones are strong. A wavelet of scale xi below the finest is sampled by 6 xi points a side, more than it needs; the mean
of a modulus, which is not band-limited, then depends on the place of the points, by about a thousandth. Symmetries that
leave the first cell where it is change nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import ducc0
import numpy as np
from numpy.typing import NDArray

from weakfield.fourier.half_axis import Reals, squared_modulus, wavenumbers
from weakfield.mesh.threads import threads_for_mesh

Complexes = NDArray[np.complex128]

TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class Scattering:
    """Means over cells and orientations of one cube with J scales from coarse to fine.

    ``first`` (J,) is S1; ``second`` (J (J - 1) / 2, 2) is S2 with (finer, coarser) = (1, 0), (2, 0), (2, 1), ..., along
    the same axis and along another; ``squares`` and ``fourths`` (J,) are <|W|^2> and <|W|^4>; ``couplings``
    (J (J + 1) / 2,) is C with (finer, coarser) = (0, 0), (1, 0), (1, 1), ...
    """

    first: Reals
    second: Reals
    squares: Reals
    fourths: Reals
    couplings: Reals

    @property
    def coefficients(self) -> Reals:
        """ln S1 and ln S2 / S1 of the finer scale: (J^2,). Only the former depend on the amplitude of the cube."""
        finer, _ = np.tril_indices(len(self.first), -1)
        second = _log(self.second) - _log(self.first)[finer, None]
        return np.concatenate([_log(self.first), second.ravel()])

    @property
    def moments(self) -> Reals:
        """ln <|W|^2>, ln <|W|>^2 / <|W|^2>, ln <|W|^4> / <|W|^2>^2, and C over the rms of |W| and D."""
        finer, coarser = np.tril_indices(len(self.first))
        square = _log(self.squares)
        size = np.sqrt(self.squares[finer] * 3 * self.squares[coarser])  # the three axes make up D
        coupling = np.divide(self.couplings, size, out=np.zeros(len(size)), where=size > 0)
        ratios = 2 * _log(self.first) - square, _log(self.fourths) - 2 * square
        return np.concatenate([square, *ratios, coupling])


@dataclass(frozen=True)
class Wavelets:
    """The wavelets of one scale on a grid of ``size`` points a side.

    ``modes`` (size,) are the wavenumbers of an axis, ``radial`` (size, size, size) is R, 0 on the Nyquist planes.
    """

    size: int
    modes: NDArray[np.int64]
    radial: Reals
    oriented: Reals

    def fields(self, spectrum: Complexes) -> Complexes:
        """W along z, y and x, (3, size, size, size), of modes f_n (N, N, N) with the sum over n as their inverse."""
        modes = self.cut(spectrum) * self.oriented
        rising = np.maximum(self.modes, 0).astype(float)
        fields = np.stack([modes * rising[:, None, None], modes * rising[:, None], modes * rising])
        return _transformed(fields, forward=False)

    def cut(self, spectrum: Complexes) -> Complexes:
        """The modes (N, N, N) of a finer grid that this one has."""
        places = self.modes % len(spectrum)
        return spectrum if len(places) == len(spectrum) else spectrum[np.ix_(places, places, places)]


def scales(n: int) -> tuple[int, ...]:
    """The scales xi [k_F] of a cube of N cells a side: 1, 2, 4, ... up to N/4, or 1 alone."""
    return tuple(2**j for j in range(max(1, (n // 4).bit_length())))


@lru_cache(maxsize=4)
def wavelets(n: int) -> tuple[Wavelets, ...]:
    """The wavelets of every scale of a cube of N cells a side."""
    found = []
    for xi in scales(n):
        finest = xi == scales(n)[-1]
        size = n if finest else 6 * xi
        modes, _ = wavenumbers(size)
        square = np.asarray(sum(axis**2 for axis in np.ix_(modes, modes, modes)), dtype=float)
        inside = square > 0
        for axis in np.ix_(modes, modes, modes):
            inside &= 2 * np.abs(axis) != size
        octaves = np.log2(np.sqrt(np.maximum(square, 1)) / xi)
        radial = np.cos(np.pi / 2 * np.clip(octaves, -1, 0 if finest else 1)) * inside
        found.append(Wavelets(size, modes, radial, np.sqrt(2 / np.maximum(square, 1)) * radial))
    return tuple(found)


def scattering(cube: Reals) -> Scattering:
    """The scattering coefficients of a cube (N, N, N), in the units of the field and its powers."""
    bank = wavelets(len(cube))
    spectrum = _transformed(cube.astype(np.complex128), forward=True)
    first, squares, fourths, second, couplings = [], [], [], [], []
    for number, own in enumerate(bank):
        square = squared_modulus(own.fields(spectrum))
        modulus = np.sqrt(square)
        first.append(modulus.mean())
        squares.append(square.mean())
        fourths.append((square * square).mean())
        envelopes = _transformed(modulus.astype(np.complex128), forward=True)
        for coarser in bank[:number]:
            means = np.array([_moduli(coarser.fields(one)).mean(axis=(1, 2, 3)) for one in envelopes])
            along = np.trace(means)
            second.append((along / 3, (means.sum() - along) / 6))
        envelope = envelopes.mean(axis=0)
        for other in bank[: number + 1]:
            product = np.conj(other.cut(envelope)) * other.cut(spectrum)
            couplings.append(float((product.real * other.radial).sum()))
    pairs = np.array(second).reshape(-1, 2)
    return Scattering(np.array(first), pairs, np.array(squares), np.array(fourths), np.array(couplings))


def _moduli(fields: Complexes) -> Reals:
    return np.asarray(np.sqrt(squared_modulus(fields)))


def _transformed(fields: Complexes, forward: bool) -> Complexes:
    """F / N^3 along the last three axes, or its inverse; the same bits for any number of threads."""
    found: Complexes = ducc0.fft.c2c(
        fields,
        axes=(-3, -2, -1),
        forward=forward,
        inorm=2 if forward else 0,
        nthreads=threads_for_mesh(fields.shape[-1]),
    )
    return found


def _log(values: Reals) -> Reals:
    """The logarithm; where there is nothing at all, that of the smallest number."""
    return np.asarray(np.log(np.maximum(values, TINY)))
