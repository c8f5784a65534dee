"""The parts of GR - Newton that are even and odd in the initial modes, from seeds and their inverses (EQUATIONS 16).

With f+ the field of a seed and f- that of its inverse, (f+ + f-)/2 holds the orders 2, 4, ... of the initial modes and
(f+ - f-)/2 the orders 1, 3, .... Relativity's own part of GR - Newton begins at second order and is known mode by mode;
a part of first order, at which the theories agree, is a flaw of the mesh, the clock or the start. Neither part has
cosmic variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.formats.hdf5 import read_attributes, read_numbers, reading, writing
from weakfield.fourier.half_axis import squared_modulus, squared_wavenumbers
from weakfield.fourier.shells import Shells, shells
from weakfield.mesh import fft
from weakfield.spectra.results import standard_error

Reals = NDArray[np.float64]
Modes = NDArray[np.complex128]

#: the sums over modes that are kept, in this order
SUMS = ("even", "odd", "predicted", "crossed", "potential")
#: largest wavenumber of the band in ``sentence`` [h/Mpc], if it is below this share of the Nyquist wavenumber
BAND_HMPC, RESOLVED = 0.03, 0.2

#: how far response and correlation may be from 1, and the share of C1 up to which the odd part is well below it
_ALL_OF_IT, _WELL_BELOW = 0.2, 0.3

COLUMNS = (
    "redshift",
    "k_hmpc",
    "k_below_hmpc",
    "modes",
    "seeds",
    "response",
    "response_error",
    "correlation",
    "correlation_error",
    "odd_over_predicted",
    "odd_over_predicted_error",
    "even_over_odd",
    "even_over_odd_error",
    "odd_over_phi",
    "odd_over_phi_error",
)


class Estimate(NamedTuple):
    """A mean over seeds and its standard error, NaN for a single seed; one number, or one for each shell."""

    value: Reals
    error: Reals


@dataclass(frozen=True)
class Parity:
    """Even and odd part of GR - Newton of phi at one output beside relativity's own part, for every seed.

    ``sums`` (5, seeds, shells + 1): |even|^2, |odd|^2, |predicted|^2, Re even predicted*, |phi|^2 of Newton, in the
    order of ``SUMS``, over the modes f = FFT / N^3 of a shell; the last entry is for the band below ``limit`` [h/Mpc].
    ``k`` [h/Mpc] and ``modes`` (shells + 1,) are the mean and the number of the wavenumbers summed over. Without a
    prediction, its sums are NaN.
    """

    redshift: float
    limit: float
    k: Reals
    modes: NDArray[np.int64]
    seeds: tuple[int, ...]
    sums: Reals

    @property
    def response(self) -> Estimate:
        """Re sum even predicted* / sum |predicted|^2: 1 where the even part is what relativity says."""
        return self._over_seeds(self._sum("crossed") / self._sum("predicted"))

    @property
    def correlation(self) -> Estimate:
        """Re sum even predicted* / sqrt(sum |even|^2 sum |predicted|^2)."""
        return self._over_seeds(self._sum("crossed") / np.sqrt(self._sum("even") * self._sum("predicted")))

    @property
    def odd_over_predicted(self) -> Estimate:
        """rms of the odd part over that of relativity's own part."""
        return self._over_seeds(np.sqrt(self._sum("odd") / self._sum("predicted")))

    @property
    def even_over_odd(self) -> Estimate:
        """rms of the even part over that of the odd part."""
        return self._over_seeds(np.sqrt(self._sum("even") / self._sum("odd")))

    @property
    def odd_over_phi(self) -> Estimate:
        """rms of the odd part over that of phi."""
        return self._over_seeds(np.sqrt(self._sum("odd") / self._sum("potential")))

    def mean_square(self, name: str) -> Reals:
        """(shells + 1,): mean of |f|^2 over modes and seeds for one of ``SUMS``; NaN without a prediction."""
        return np.asarray(self.sums[SUMS.index(name)].mean(axis=0) / self.modes)

    def rows(self) -> list[tuple[str | float, ...]]:
        """One row for each shell and one for the band, in the order of ``COLUMNS``."""
        found = (self.response, self.correlation, self.odd_over_predicted, self.even_over_odd, self.odd_over_phi)
        columns = [part.tolist() for estimate in found for part in estimate]
        below = [float("nan")] * (len(self.k) - 1) + [self.limit]
        shared = (self.k.tolist(), below, self.modes.tolist(), [len(self.seeds)] * len(self.k))
        return [(self.redshift, *row) for row in zip(*shared, *columns, strict=True)]

    def _sum(self, name: str) -> Reals:
        """The sums of this name, (seeds, shells + 1); NaN where one cannot divide by them."""
        values = self.sums[SUMS.index(name)]
        return values if name == "crossed" else np.where(values > 0, values, np.nan)

    @staticmethod
    def _over_seeds(values: Reals) -> Estimate:
        return Estimate(np.asarray(values.mean(axis=0)), standard_error(values, axis=0))


@dataclass
class Collected:
    """The sums of one output, seed after seed, and their seeds."""

    seeds: list[int] = field(default_factory=list)
    sums: list[Reals] = field(default_factory=list)


def band_limit(grid: int, box_size_mpch: float) -> float:
    """The wavenumber [h/Mpc] below which the band lies: ``BAND_HMPC`` where the mesh resolves it, else less.

    For coarse cells that is a fifth of the Nyquist wavenumber, but never so low that no mode is left.
    """
    fundamental = 2 * np.pi / box_size_mpch
    return float(max(min(BAND_HMPC, RESOLVED * fundamental * grid / 2), 1.5 * fundamental))


def parity_sums(
    upright: tuple[Tensor, Tensor],
    inverse: tuple[Tensor, Tensor],
    predicted: Tensor | None,
    parts: Shells,
    below: NDArray[np.bool_],
) -> Reals:
    """(5, shells + 1): the sums of one seed, see ``Parity``.

    ``upright`` and ``inverse``: phi (Newton, GR) of both pairs, (N, N, N) [z, y, x]; ``predicted``: modes of
    relativity's part, (N, N, N//2+1); ``below``: which modes are in the band.
    """
    plus, minus = (_modes(gr.double() - newton.double()) for newton, gr in (upright, inverse))
    even, odd = (plus + minus) / 2, (plus - minus) / 2
    unknown = np.full(even.shape, np.nan)
    theory = None if predicted is None else predicted.numpy()
    values = (
        squared_modulus(even),
        squared_modulus(odd),
        unknown if theory is None else squared_modulus(theory),
        unknown if theory is None else (even * theory.conj()).real,
        squared_modulus(_modes(upright[0].double())),
    )
    weight = parts.weight * below
    return np.array([[*parts.sums(value), (weight * np.where(below, value, 0.0)).sum()] for value in values])


def band_modes(grid: int, box_size_mpch: float) -> NDArray[np.bool_]:
    """Which modes (N, N, N//2+1) lie in the band: 0 < k < ``band_limit``, below the Nyquist wavenumber."""
    number = np.sqrt(squared_wavenumbers(grid))
    limit = band_limit(grid, box_size_mpch) * box_size_mpch / (2 * np.pi)
    return np.asarray((number > 0) & (number < min(limit, grid / 2)))


def gathered(
    found: Collected, redshift: float, edges: Sequence[float] | None, grid: int, box_size_mpch: float
) -> Parity:
    """The sums of all seeds as one object, shells without modes left out."""
    parts, below = shells(grid, edges), band_modes(grid, box_size_mpch)
    fundamental = 2 * np.pi / box_size_mpch
    filled = np.append(parts.modes > 0, True)
    number = (parts.weight * below).sum()
    mean = (parts.weight * below * np.sqrt(squared_wavenumbers(grid))).sum() / max(number, 1)
    return Parity(
        redshift=redshift,
        limit=band_limit(grid, box_size_mpch),
        k=np.append(parts.mean_wavenumbers, mean)[filled] * fundamental,
        modes=np.append(parts.modes, round(float(number)))[filled],
        seeds=tuple(found.seeds),
        sums=np.stack(found.sums, axis=1)[:, :, filled],
    )


def sentence(result: Parity) -> str:
    """How much of the difference is relativity, in words, from the band of one output."""
    where = f"Of GR \N{MINUS SIGN} Newton at z = {result.redshift:g} below k = {result.limit:.2g} h/Mpc"
    odd, response, correlation = (
        (float(found.value[-1]), float(found.error[-1]))
        for found in (result.odd_over_predicted, result.response, result.correlation)
    )
    if not np.isfinite(odd[0]):
        even = float(result.even_over_odd.value[-1])
        return f"{where}, the even part is {even:.2g} times the odd one; what relativity makes of it is not known here."
    is_c1 = abs(response[0] - 1) < _ALL_OF_IT and correlation[0] > 1 - _ALL_OF_IT
    if odd[0] > 1:
        verdict = "the difference is mostly of first order, where the theories agree: numerics and not relativity"
    elif not is_c1:
        verdict = "the difference is not what relativity makes at second order"
    elif odd[0] > _WELL_BELOW:
        verdict = "relativity's own part is there, but not well above what the numerics leave"
    else:
        verdict = "it may be called relativity"
    return (
        f"{where}, the odd part is {odd[0]:.2g} of rms C\N{SUBSCRIPT ONE}, relativity's own part at second order; the"
        f" even part has {_with_error(*response)} of C\N{SUBSCRIPT ONE} in it and a correlation of"
        f" {_with_error(*correlation)} with it: {verdict}."
    )


def save_parity(path: Path, results: Sequence[Parity]) -> None:
    """Write the sums of every seed as HDF5."""
    with writing(path) as file:
        for number, result in enumerate(results):
            group = file.create_group(f"parity/{number:03d}")
            group.attrs["redshift"], group.attrs["limit"] = result.redshift, result.limit
            group.attrs["sums"] = list(SUMS)
            group.attrs["units"] = "k, limit: h/Mpc; sums: of the squared modulus of FFT / N^3, dimensionless"
            for name in ("k", "modes", "seeds", "sums"):
                group[name] = np.asarray(getattr(result, name))


def load_parity(path: Path) -> list[Parity]:
    """What ``save_parity`` wrote."""
    with reading(path) as file:
        if "parity" not in file:
            raise BadInput(f"{path} has no group 'parity', expected a file of the measure stage")
        return [
            Parity(
                redshift=float(about["redshift"]),
                limit=float(about["limit"]),
                k=read_numbers(group, "k"),
                modes=read_numbers(group, "modes"),
                seeds=tuple(read_numbers(group, "seeds").tolist()),
                sums=read_numbers(group, "sums"),
            )
            for group, about in ((group, read_attributes(group)) for group in file["parity"].values())
        ]


def _modes(phi: Tensor) -> Modes:
    """FFT / N^3 on the half axis."""
    return np.asarray((fft.forward(phi) / phi.shape[0] ** 3).numpy())


def _with_error(value: float, error: float) -> str:
    text = f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
    return text if not np.isfinite(error) else f"{text} \N{PLUS-MINUS SIGN} {error:.2f}"
