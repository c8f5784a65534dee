"""Attributions of all pairs combined: what ``explain.json`` says over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weakfield.explain.bands import Bands
from weakfield.explain.over_seeds import over_seeds
from weakfield.explain.records import (
    Contributions,
    MethodSums,
    PairAttribution,
    PathSums,
    PolarPart,
    PolarSums,
    Spectrum,
)


def sums(rows: Sequence[PairAttribution], name: str) -> MethodSums:
    """Sum of a method's attributions over seeds, and how far the sums are from what they should be."""
    values = [row.methods[name] for row in rows]
    total = over_seeds([value.sum for value in values])
    if any(value.change is None for value in values):
        return MethodSums(sum=total)
    return MethodSums(
        sum=total,
        change=over_seeds([value.change for value in values]),
        largest_residual=max(abs(value.residual or 0.0) for value in values),
    )


def paths(rows: Sequence[PairAttribution]) -> PathSums:
    """Gradients taken along the paths of all pairs, and the largest miss of their sums."""
    found = [row.path for row in rows if row.path is not None]
    return PathSums(
        largest_residual=max(abs(path.residual) for path in found), evaluations=[path.evaluations for path in found]
    )


def spectrum(rows: Sequence[PairAttribution], bands: Bands, unit: float) -> Spectrum:
    """Contributions of shells over seeds, of rows that all have them; ``unit`` is k_F in h/Mpc."""
    polar = [row.polar for row in rows if row.polar is not None]
    return Spectrum(
        k_hmpc=(bands.wavenumbers * unit).tolist(),
        modes=bands.modes.tolist(),
        logit_difference=over_seeds([row.logit.difference for row in rows]),
        attributed=_contributions([row.bands for row in rows]),
        occluded=_contributions([row.occluded_bands for row in rows]),
        channels=over_seeds([row.channels for row in rows]),
        directions=over_seeds([row.directions for row in rows]),
        amplitude=_polar_sums([part.amplitude for part in polar]),
        phase=_polar_sums([part.phase for part in polar]),
    )


def _contributions(rows: Sequence[list[float] | None]) -> Contributions:
    """Contributions of the bands over seeds: shells, mean and rest."""
    values = np.array(rows)
    return Contributions(
        shells=over_seeds(values[:, :-2]), mean=over_seeds(values[:, -2]), rest=over_seeds(values[:, -1])
    )


def _polar_sums(rows: Sequence[PolarPart]) -> PolarSums:
    return PolarSums(total=over_seeds([row.total for row in rows]), shells=over_seeds([row.shells for row in rows]))
