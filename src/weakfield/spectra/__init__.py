"""Summary statistics of periodic cubes, and the measure stage."""

from weakfield.spectra.bins import linear_edges, log_edges
from weakfield.spectra.bispectrum import Bispectrum, bispectrum, bispectrum_at_angles, cross_bispectrum
from weakfield.spectra.cost import Estimate, estimate_bispectrum
from weakfield.spectra.density import paint_density
from weakfield.spectra.inverted_bispectrum import even_bispectrum, mixed_bispectrum
from weakfield.spectra.power import PowerSpectrum, cross_spectrum, power_spectra, power_spectrum
from weakfield.spectra.ratio import PairedRatio, paired_ratio
from weakfield.spectra.results import Result, average, load_result

__all__ = [
    "Bispectrum",
    "Estimate",
    "PairedRatio",
    "PowerSpectrum",
    "Result",
    "average",
    "bispectrum",
    "bispectrum_at_angles",
    "cross_bispectrum",
    "cross_spectrum",
    "estimate_bispectrum",
    "even_bispectrum",
    "linear_edges",
    "load_result",
    "log_edges",
    "mixed_bispectrum",
    "paint_density",
    "paired_ratio",
    "power_spectra",
    "power_spectrum",
]
