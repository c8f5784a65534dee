"""Modes of real cubes and planes: half axis, shells, filters, windows, triangles and altered cubes."""

from weakfield.fourier.half_axis import (
    backward,
    forward,
    half_axis_weights,
    mirrored,
    nyquist_modes,
    squared_modulus,
    squared_wavenumbers,
    wavenumber_axes,
    wavenumbers,
)

__all__ = [
    "backward",
    "forward",
    "half_axis_weights",
    "mirrored",
    "nyquist_modes",
    "squared_modulus",
    "squared_wavenumbers",
    "wavenumber_axes",
    "wavenumbers",
]
