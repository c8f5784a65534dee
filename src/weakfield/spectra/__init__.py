"""Summary statistics of periodic cubes, and the measure stage."""

from weakfield.spectra.power import PowerSpectrum, cross_spectrum, power_spectrum

__all__ = ["PowerSpectrum", "cross_spectrum", "power_spectrum"]
