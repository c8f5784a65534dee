"""Checks that a newly grown pair is what was asked for, before it gets its final name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import gammainccinv, gammaincinv

from weakfield.base.errors import WeakfieldError
from weakfield.config import THEORIES, StudyConfig
from weakfield.config.cosmology import CosmologySettings
from weakfield.cosmology import amplitude
from weakfield.cosmology.transfer import box_wavenumbers
from weakfield.cosmology.transfer.eisenstein_hu import EisensteinHu
from weakfield.formats import load_field

#: chance that the variance of a correct pair lies outside the range; a study has thousands of pairs and tens of outputs
_CHANCE = 1e-9
#: factor by which the variance may change because of the fit of Eisenstein & Hu, radiation at high redshift and
#: clustering beyond linear theory taken together: each changes the variance of phi, which comes from the largest modes
#: of the box, by some 10 %
_THEORY = 2.0
#: the members of a pair differ by a few per cent at most (docs/verification.md); a wrong one differs by its own
#: amplitude
_TWINS = 1.5
#: the largest phi of a weak field: the equations neglect its square
_WEAK = 1e-2
#: redshifts are stored in double precision
_LANDED = 1e-9
#: the fit holds in matter domination and later
_FIT_FROM = 900.0
#: largest |n_i| of the modes that are summed one by one; the modes beyond hold about one per cent of the variance
_SUMMED = 12


@dataclass(frozen=True)
class Range:
    """The smallest and the largest variance of phi that are plausible in linear theory."""

    low: float
    high: float


def check_pair(study: StudyConfig, pair: Path) -> None:
    """Raise ``WeakfieldError``, naming the file, what was found and what was expected, unless a grown pair is sound.

    Every field of both members must be there, have the shape of the mesh, be finite, and be at the redshift asked for.
    The variance of phi must be plausible in linear theory and close to that of the other member, and the mean of phi
    must be smaller than its standard deviation.
    """
    simulation, base = study.simulation, study.output.snapshot_base
    cells = simulation.grid // simulation.downgrade_factor
    for index, asked in enumerate(sorted(simulation.snapshot_redshifts, reverse=True)):
        variances = {}
        for theory in THEORIES:
            for name in simulation.snapshot_fields:
                path = pair / theory / f"{base}{index:03d}_{name}.h5"
                field, attributes = load_field(path)  # refuses a file that is missing, damaged or not finite
                if field.shape[-3:] != (cells,) * 3:
                    raise WeakfieldError(f"{path} has shape {tuple(field.shape)}, expected {cells} cells a side")
                _check_redshift(study, path, attributes, asked)
                if name == "phi":
                    values = field.numpy().astype(np.float64)
                    variances[theory] = _checked_variance(study, path, values, asked)
        if variances and max(variances.values()) > _TWINS * min(variances.values()):
            raise WeakfieldError(
                f"{pair}: phi at redshift {asked:g} has variances {variances} under the two theories, expected them"
                f" within a factor {_TWINS:g} of each other"
            )


def _check_redshift(study: StudyConfig, path: Path, attributes: dict[str, Any], asked: float) -> None:
    """Check the redshift: the one asked for or, where steps do not land on outputs, that of the first cycle past it."""
    found = float(attributes["redshift"])
    step = 0.0
    if not study.simulation.exact_redshifts:
        # a step is at most its limit in conformal Hubble times, so ln a grows by less than twice that limit
        step = (1.0 + asked) * math.expm1(2.0 * study.simulation.step_limit_hubble)
    if not asked - step - _LANDED * (1.0 + asked) <= found <= asked + _LANDED * (1.0 + asked):
        raise WeakfieldError(f"{path} is at redshift {found:g}, expected {asked:g}")


def _checked_variance(study: StudyConfig, path: Path, phi: np.ndarray, redshift: float) -> float:
    """The variance of phi, after a check that it and the mean are in range."""
    mean, variance = float(phi.mean()), float(phi.var())
    bounds = variance_range(study, redshift)
    if not bounds.low <= variance <= bounds.high:
        raise WeakfieldError(
            f"{path} has a variance of {variance:.3g}, expected {bounds.low:.3g} to {bounds.high:.3g} by linear theory"
        )
    # the mean is of second order where the deviation is of first order: a few thousandths of it
    if abs(mean) > math.sqrt(bounds.high):
        raise WeakfieldError(f"{path} has a mean of {mean:.3g}, expected less than {math.sqrt(bounds.high):.3g}")
    return variance


def variance_range(study: StudyConfig, redshift: float) -> Range:
    """The range of the variance of phi over one box, from the fit of Eisenstein & Hu and the number of modes.

    Only a few modes make up the variance, so it scatters: it is a sum of powers of Gaussian modes, and its distribution
    is close to a Gamma distribution with the same mean and variance. Where the start was read from files, or the
    universe does not have the standard content, the weak-field limit is the only bound.
    """
    cosmology, simulation = study.cosmology, study.simulation
    standard = simulation.initial_conditions == "linear" and simulation.transfer in ("camb", "class", "eisenstein-hu")
    if not standard or min(cosmology.omega_b, cosmology.omega_cdm) <= 0 or redshift > _FIT_FROM:
        return Range(0.0, _WEAK**2)
    low, high = _gaussian_range(cosmology, simulation.box_size_mpch, simulation.grid, redshift)
    # averaging cells removes at most all of the power except that of the largest modes
    return Range(0.0 if simulation.downgrade_factor > 1 else low / _THEORY, high * _THEORY)


@lru_cache(maxsize=64)
def _gaussian_range(
    cosmology: CosmologySettings, box_size_mpch: float, grid: int, redshift: float
) -> tuple[float, float]:
    """Bounds on the variance of a Gaussian universe, which lies beyond each with probability ``_CHANCE``."""
    mean, spread = _linear_variance(cosmology, box_size_mpch, grid, redshift)
    if mean == 0.0:  # a mesh too small to hold any mode
        return 0.0, _WEAK**2
    shape = mean**2 / spread
    low, high = gammaincinv(shape, _CHANCE) / shape, gammainccinv(shape, _CHANCE) / shape
    return mean * float(low), mean * float(high)


def _linear_variance(
    cosmology: CosmologySettings, box_size_mpch: float, grid: int, redshift: float
) -> tuple[float, float]:
    """Expected variance of phi in the box, and the variance of that quantity over universes."""
    half = np.arange(-_SUMMED, _SUMMED + 1)
    square = (half[:, None, None] ** 2 + half[None, :, None] ** 2 + half[None, None, :] ** 2).ravel()
    reach = max(grid // 2 - 1, 1)
    square, count = np.unique(square[(square > 0) & (square < reach**2)], return_counts=True)
    low, high = box_wavenumbers(box_size_mpch, grid)
    nodes = np.geomspace(low / 1.01, high * 1.01, 512)  # the fit is smooth
    phi = EisensteinHu(cosmology, nodes).at(1.0 / (1.0 + redshift)).phi
    assert phi is not None  # the fit always provides phi
    x = 2.0 * np.pi * np.sqrt(square)
    transfer = np.interp(np.log(x / box_size_mpch), np.log(nodes), phi)
    power = 2.0 * (amplitude(cosmology, box_size_mpch, x) * transfer) ** 2  # <|f|^2>
    # |f|^2 of a mode has an exponential distribution and is shared by k and -k, so its variance counts twice
    return float((count * power).sum()), float((2 * count * power**2).sum())
