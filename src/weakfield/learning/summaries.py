"""Summary statistics of every cube, measured once and kept: mean, variance, P(k), B(k1, k2, k3), wavelets.

They are measured on the raw samples, in the units of the field; the baselines standardise them by the training part.
Only the mean itself depends on the mean of a cube; the others are the same whether it was removed or not.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from weakfield.base.arrays import load_arrays, save_arrays
from weakfield.base.errors import BadInput
from weakfield.base.progress import bar
from weakfield.config import THEORIES
from weakfield.dataset import Dataset
from weakfield.learning.scores import Array

#: shells of the bispectrum: so few and wide that there are no more triangles than one usually has seeds
SHELLS_OF_B = 5
#: the tables of ``Summaries``
TABLES = ("mean", "power", "bispectrum", "scattering", "wavelet_moments")
#: an unfinished table is written this often [s]
KEPT_EVERY = 60.0
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class Summaries:
    """``tables`` by name, each (seeds, 2, channels, F), Newton first; ``modes`` (shells,) of the table ``power``.

    ``mean`` (F = 1); ``power`` (shells): mean power of each shell one k_F wide around 1, 2, ... k_F up to the corners
    of the Fourier cube, then that of the modes on the Nyquist planes, which are in no shell [(Mpc/h)^3]; ``bispectrum``
    (triangles): B over its Gaussian error; ``scattering`` and ``wavelet_moments``: what ``fourier.wavelets`` has by
    these names. ``rows`` derives from these what baselines see.
    """

    seeds: tuple[int, ...]
    grid: int
    modes: Array
    tables: dict[str, Array]

    def rows(self, names: Sequence[str], seeds: Sequence[int]) -> Array:
        """Features (seeds, 2, F) of ``seeds`` in the order given; several ``names`` and channels stand side by side.

        ``mean``: the mean of the cube. ``log_variance``: ln of its variance. ``log_power``: ln P(k) up to the Nyquist
        wavenumber, because amplitudes act as factors and the scatter of ln P in a shell does not depend on its power.
        ``asinh_bispectrum``: B takes both signs, so a logarithm is not possible; divided by its Gaussian error it is of
        order one in every triangle and free of the amplitude that P(k) already holds, and asinh leaves small values as
        they are and tames the long tails of a non-Gaussian field. ``scattering``: logarithms of first and second order,
        the second over the first. ``wavelet_moments``: logarithms of moments of each scale, and couplings of scales as
        correlation coefficients.
        """
        place = {seed: number for number, seed in enumerate(self.seeds)}
        wanted = [place[seed] for seed in seeds]
        columns = [self._derived(name)[wanted].reshape(len(wanted), len(THEORIES), -1) for name in names]
        return np.concatenate(columns, axis=-1)

    def _derived(self, name: str) -> Array:
        power = self.tables["power"]
        if name in ("mean", "scattering", "wavelet_moments"):
            return self.tables[name]
        if name == "log_variance":
            return _log((power * self.modes).sum(axis=-1, keepdims=True))
        if name == "log_power":
            return _log(power[..., : len(nyquist_edges(self.grid)) - 1])
        if name == "asinh_bispectrum":
            return np.arcsinh(self.tables["bispectrum"])
        raise KeyError(name)


def nyquist_edges(grid: int) -> Array:
    """Edges [k_F] of shells one k_F wide around whole multiples of k_F, up to the Nyquist wavenumber."""
    return np.arange(0.5, grid / 2, 1.0)


def corner_edges(grid: int) -> Array:
    """The same, up to the corners of the Fourier cube: every mode but those of the Nyquist planes is in a shell."""
    reach = np.sqrt(3.0) * ((grid - 1) // 2)
    return np.arange(0.5, np.ceil(reach - 0.5) + 1.0, 1.0)


def bispectrum_edges(grid: int) -> Array:
    """Edges [k_F] of ``SHELLS_OF_B`` shells or fewer, of about equal width, up to 2/3 of the Nyquist wavenumber."""
    return np.unique(np.round(np.linspace(0.0, grid / 3 - 0.5, SHELLS_OF_B + 1))) + 0.5


def summarise(cube: Array, box_size_mpch: float) -> dict[str, Array]:
    """The entries of ``Summaries.tables`` for one channel, a cube (N, N, N) in a box of that side [Mpc/h]."""
    from weakfield.fourier.wavelets import scattering
    from weakfield.spectra import bispectrum, power_spectrum

    mean = float(cube.mean())
    fluctuation = cube - mean
    grid = len(cube)
    spectrum = power_spectrum(fluctuation, box_size_mpch, bin_edges=corner_edges(grid))
    triangles = bispectrum(fluctuation, box_size_mpch, bispectrum_edges(grid))
    significance = np.divide(
        triangles.value, triangles.error, out=np.zeros_like(triangles.value), where=triangles.error > 0
    )
    # by Parseval, the power that no shell holds lies on the Nyquist planes (of an even N); below 0 it is rounding
    left = box_size_mpch**3 * float((fluctuation**2).mean()) - float(spectrum.sums.sum())
    nyquist = grid**3 - 1 - int(spectrum.modes.sum())
    power = np.append(spectrum.power, max(left, 0.0) / max(nyquist, 1))
    wavelets = scattering(fluctuation)
    return {
        "mean": np.array([mean]),
        "power": power,
        "bispectrum": significance,
        "scattering": wavelets.coefficients,
        "wavelet_moments": wavelets.moments,
    }


def mode_counts(grid: int) -> Array:
    """Number of modes of every entry of ``power``, counting both k and -k: as many as independent real numbers."""
    from weakfield.fourier.shells import shells

    modes = shells(grid, corner_edges(grid)).modes.astype(float)
    return np.append(modes, grid**3 - 1 - modes.sum())


def measure_summaries(dataset: Dataset, path: Path) -> Summaries:
    """The summaries of a data set, read from ``path`` if they are there, otherwise measured.

    The file is tied to the fingerprint of the data set; that of another data set, or a damaged one, is not used. If
    measuring is interrupted, the next call continues from the last file that was written whole.
    """
    seeds, modes = dataset.seeds, mode_counts(dataset.grid)
    done = _load(path, dataset.fingerprint)
    written = time.monotonic()
    with bar("summary statistics", len(seeds)) as progress:
        progress.advance(len(done))
        for seed in seeds:
            if seed in done:
                continue
            done[seed] = _of_pair(dataset, seed)
            progress.advance()
            if len(done) == len(seeds) or time.monotonic() - written > KEPT_EVERY:
                _save(path, dataset.fingerprint, done)
                written = time.monotonic()
    names = next(iter(done.values()))
    return Summaries(seeds, dataset.grid, modes, {n: np.stack([done[seed][n] for seed in seeds]) for n in names})


def _of_pair(dataset: Dataset, seed: int) -> dict[str, Array]:
    """The tables (2, channels, F) of one seed."""
    rows = []
    for theory in THEORIES:
        raw = dataset.raw(seed, theory)
        if dataset.noise_after_standardisation:  # the baselines see what the network sees
            raw = dataset.normalise(raw, keep_mean=True, seed=seed, theory=theory).to(torch.float64)
        rows.append([summarise(cube, dataset.box_size_mpch) for cube in raw.numpy().reshape(-1, *raw.shape[-3:])])
    return {name: np.array([[channel[name] for channel in member] for member in rows]) for name in rows[0][0]}


def _log(values: Array) -> Array:
    """The logarithm; where there is no power at all (a theory scaled to nothing), that of the smallest number."""
    result: Array = np.log(np.maximum(values, TINY))
    return result


def _save(path: Path, fingerprint: str, done: dict[int, dict[str, Array]]) -> None:
    seeds = sorted(done)
    tables = {name: np.stack([done[seed][name] for seed in seeds]) for name in done[seeds[0]]}
    save_arrays(path, fingerprint=np.array(fingerprint), seeds=np.array(seeds), **tables)


def _load(path: Path, fingerprint: str) -> dict[int, dict[str, Array]]:
    """What ``_save`` kept for this data set, by seed; empty if the file is absent, damaged or of another data set."""
    if not path.exists():
        return {}
    try:
        file = load_arrays(path)
    except BadInput as error:
        warnings.warn(f"{error}; the summary statistics are measured again", UserWarning, stacklevel=3)
        return {}
    if {"fingerprint", "seeds", *TABLES} - set(file) or str(file["fingerprint"]) != fingerprint:
        return {}
    seeds = file["seeds"].tolist()
    return {seed: {name: file[name][place] for name in TABLES} for place, seed in enumerate(seeds)}
