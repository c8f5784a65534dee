"""The spectra files that the simulations of all pairs wrote while they ran, beside theory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weakfield.config import THEORIES, RunFolder, StudyConfig, Theory
from weakfield.formats.spectra_text import SpectrumTable, read_spectrum_text
from weakfield.pairs.manifest import Manifest
from weakfield.pairs.reading import pair_text
from weakfield.spectra.expected import Expected
from weakfield.spectra.paired import PairedPower

NAMES = ("phi", "delta")


def written_spectra(
    study: StudyConfig, folder: RunFolder, seeds: Sequence[int], expected: Expected
) -> list[PairedPower]:
    """Delta^2 of "phi" and "delta" at every redshift at which all pairs have them; empty where they wrote none.

    The spectra are dimensionless and in the files' own bins; densities are as in the files, divided by prod sinc^2
    (EQUATIONS 10).
    """
    found = []
    for name in NAMES:
        for index, requested in enumerate(sorted(study.simulation.spectra_redshifts, reverse=True)):
            file = f"{study.output.spectra_base}{index:03d}_{name}.dat"
            tables = [_tables(folder, seed, file) for seed in seeds]
            if not all(tables):
                continue
            first = tables[0]["newton"]
            powers = np.array([[pair[theory].dimensionless for pair in tables] for theory in THEORIES])
            linear, nonlinear = expected.written(name, first.redshift)
            spectrum = PairedPower(
                quantity=f"{name}_written",
                redshift=requested,
                k=first.k,
                modes=first.count,
                seeds=tuple(seeds),
                powers=powers,
                difference=np.full(powers.shape[1:], np.nan),
                linear=linear,
                nonlinear=nonlinear,
            )
            found.append(spectrum)
    return found


def _tables(folder: RunFolder, seed: int, file: str) -> dict[Theory, SpectrumTable]:
    """The file of both theories; empty unless the pair lists both."""
    manifest = Manifest.load(folder.pair(seed))
    if not all(f"{theory}/{file}" in manifest.files for theory in THEORIES):
        return {}
    return {theory: read_spectrum_text(pair_text(manifest, f"{theory}/{file}")) for theory in THEORIES}
