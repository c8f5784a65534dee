"""Every picture of the measure stage, from its results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weakfield.base.figures import save_png
from weakfield.spectra.bispectrum_figures import bispectra_figure
from weakfield.spectra.figures import slices_figure, spectra_figure
from weakfield.spectra.paired import PairedPower
from weakfield.spectra.paired_bispectrum import PairedBispectrum
from weakfield.spectra.parity import Parity
from weakfield.spectra.parity_figures import parity_figure

#: file, quantity and symbol of each figure of spectra
POWERS = (
    ("spectra_phi.png", "phi", r"\Phi"),
    ("spectra_difference_cube.png", "difference_cube", r"\Delta"),
    ("spectra_phi_written.png", "phi_written", r"\phi"),
    ("spectra_delta_written.png", "delta_written", r"\delta"),
)
BISPECTRA = (("bispectra_phi.png", "phi"), ("bispectra_difference_cube.png", "difference_cube"))


def draw(
    folder: Path,
    powers: Sequence[PairedPower],
    bispectra: Sequence[PairedBispectrum],
    slices: dict[str, NDArray[np.float64]],
    about: dict[str, float],
    parities: Sequence[Parity] = (),
) -> None:
    """Write the figures for which there is something to show."""
    save_png(folder / "slices.png", slices_figure(slices, about["box_size_mpch"], about["redshift"]))
    for name, quantity, symbol in POWERS:
        if chosen := [spectrum for spectrum in powers if spectrum.quantity == quantity]:
            save_png(folder / name, spectra_figure(chosen, symbol))
    for name, quantity in BISPECTRA:
        if own := [result for result in bispectra if result.quantity == quantity]:
            save_png(folder / name, bispectra_figure(own))
    if parities:
        save_png(folder / "parity.png", parity_figure(parities))
