"""Summary statistics of periodic cubes, and the measure stage."""

from weakfield.spectra.bins import linear_edges, log_edges
from weakfield.spectra.bispectrum import Bispectrum, bispectrum, bispectrum_at_angles, cross_bispectrum
from weakfield.spectra.power import PowerSpectrum, cross_spectrum, power_spectra, power_spectrum
from weakfield.spectra.results import Result, average, load_result

__all__ = [
    "Bispectrum",
    "PowerSpectrum",
    "Result",
    "average",
    "bispectrum",
    "bispectrum_at_angles",
    "cross_bispectrum",
    "cross_spectrum",
    "linear_edges",
    "load_result",
    "log_edges",
    "power_spectra",
    "power_spectrum",
]
