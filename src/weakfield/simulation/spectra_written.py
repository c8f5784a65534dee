"""Spectra of fields and of density contrasts, in the reference program's conventions (EQUATIONS 10, 13.5)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from weakfield.formats.spectra_text import SpectrumTable
from weakfield.fourier.reference_spectrum import reference_spectrum
from weakfield.mesh import fft
from weakfield.simulation.clock import Clock
from weakfield.simulation.gravity import stress_factor, tensor_modes
from weakfield.simulation.snapshots import projected, snapshot_field
from weakfield.simulation.spectral.fields import tensor_modes as spectral_tensor_modes
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe

#: what the header of a file calls its field, where that differs from the name in the file's own name
_TITLES = {"deltacdm": "delta for cdm", "deltaclass": "delta for linear fields (CLASS)"}


def spectra_names(universe: Universe, clock: Clock) -> list[str]:
    """The spectra to write: those asked for and, while linear radiation acts, the parts of "delta".

    In that case "delta" is of particles and radiation together, "deltaclass" of the radiation alone (in Newton with
    the term that compensates for the gauge), and "deltacdm", in GR only, of the particles alone.
    """
    names: list[str] = []
    for name in universe.run.simulation.spectra_fields:
        names.append(name)
        if name == "delta" and _radiation_acts(universe, clock):
            names += ["deltacdm", "deltaclass"] if universe.run.theory == "gr" else ["deltaclass"]
    return names


def spectrum_table(universe: Universe, clock: Clock, name: str, bins: int) -> SpectrumTable:
    """One spectrum, dimensionless; densities are divided by prod sinc^2, potentials are not."""
    u, factor = universe, 1.0
    window: Literal["none", "cic"] = "none"
    if name == "B":
        modes = [(1.0, fft.forward(component.double())) for component in snapshot_field(u, clock, name)]
    elif name == "hij" and isinstance(u, SpectralUniverse):
        parts = spectral_tensor_modes(u, clock)
        modes = [(w, part * u.n**3) for w, part in zip((1, 2, 2, 1, 2, 1), parts, strict=True)]
    elif name == "hij":
        stress = u.kernels.stress_tensor(projected(u, clock.a), u.phi, stress_factor(u, clock.a))
        parts = tensor_modes(stress, u.lattice)
        modes = [(w, part * u.n**3) for w, part in zip((1, 2, 2, 1, 2, 1), parts, strict=True)]
    elif name in ("phi", "chi", "psiN"):
        modes = [(1.0, fft.forward(snapshot_field(u, clock, name).double()))]
    else:
        density, mean = _density(u, clock, name)
        modes, factor = [(1.0, fft.forward(density))], mean**-2
        window = "none" if u.run.simulation.mesh == "spectral" else "cic"
    if u.run.simulation.deterministic:  # sums in a fixed order
        modes = [(weight, part.cpu()) for weight, part in modes]
    spectrum = reference_spectrum(modes, bins, u.run.simulation.box_size_mpch, window)
    return SpectrumTable(
        name=_TITLES.get(name, name),
        redshift=clock.redshift,
        k=spectrum.k_hmpc,
        k_scatter=spectrum.k_scatter,
        dimensionless=spectrum.dimensionless * factor,
        error=spectrum.error * factor,
        count=spectrum.count,
    )


def _density(u: Universe, clock: Clock, name: str) -> tuple[Tensor, float]:
    """A density (N, N, N), float64, and the mean by whose square its power is divided."""
    if name == "deltaclass":
        assert u.radiation is not None
        return u.radiation.density(clock.a), u.run.cosmology.Omega_r / clock.a
    field = snapshot_field(u, clock, "rhoN" if name in ("rhoN", "deltaN") else "T00").double()
    if name in ("T00", "rhoN"):
        return field, clock.a**3
    if name == "delta" and _radiation_acts(u, clock):
        assert u.radiation is not None
        field += u.radiation.density(clock.a)
    return field, u.mean_density


def _radiation_acts(u: Universe, clock: Clock) -> bool:
    return u.radiation is not None and u.radiation.density_acts(clock.a)
