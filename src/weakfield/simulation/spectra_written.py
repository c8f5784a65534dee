"""Spectra of fields and of density contrasts, in the reference program's conventions (EQUATIONS 10, 13.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from torch import Tensor

from weakfield.formats.spectra_text import SpectrumTable
from weakfield.fourier.half_axis import make_hermitian
from weakfield.fourier.reference_spectrum import reference_spectrum
from weakfield.mesh import fft
from weakfield.simulation.clock import Clock
from weakfield.simulation.density_modes import add_radiation, energy_modes, modes_of, plain_density_modes
from weakfield.simulation.gravity import stress_factor, tensor_modes
from weakfield.simulation.snapshots import projected, snapshot_field
from weakfield.simulation.species_spectra import is_mixed, species_tables
from weakfield.simulation.spectral.fields import tensor_modes as spectral_tensor_modes
from weakfield.simulation.spectral.universe import SpectralUniverse
from weakfield.simulation.universe import Universe
from weakfield.simulation.velocity import VELOCITY_SPECTRA, velocity_modes

#: what the header of a file calls its field, where that differs from the name in the file's own name
_TITLES = {
    "T00cdm": "T00 for cdm",
    "deltacdm": "delta for cdm",
    "deltaclass": "delta for linear fields (CLASS)",
    "rhoN": "rho_N",
    "deltaN": "delta_N",
    "psiN": "psi_N",
    "v": "velocity",
    "theta": "theta (div v)",
    "omega": "omega (curl v)",
}
#: densities of energy and of number; those in units of today's critical density are divided by a^3, others by a mean
_ENERGY, _PLAIN = ("T00", "delta", "T00cdm", "deltacdm"), ("rhoN", "deltaN")
_CRITICAL = ("T00", "T00cdm", "rhoN")
#: how often each component of a symmetric tensor counts: xx xy xz yy yz zz
_SYMMETRIC = (1.0, 2.0, 2.0, 1.0, 2.0, 1.0)


def spectra_names(universe: Universe, clock: Clock) -> list[str]:
    """The spectra to write: those asked for, what comes with "v" and, while linear fields act, parts of densities.

    "v" comes with its divergence and its rotation. With linear fields, "delta" is of particles and these together,
    "deltaclass" of these alone (in Newton with the term that compensates for the gauge), and "deltacdm", in GR only, of
    the particles alone; on the staggered mesh the same holds of "T00" and "T00cdm".
    """
    names: list[str] = []
    acts, lone = _radiation_acts(universe, clock), universe.run.theory == "gr" and not is_mixed(universe)
    for name in universe.run.simulation.spectra_fields:
        names += VELOCITY_SPECTRA if name == "v" else (name,)
        if acts and lone and name in _with_linear_fields(universe, ("T00", "delta")):
            names.append(f"{name}cdm")  # else it is among the species
        if acts and name == "delta":
            names.append("deltaclass")
    return names


def spectrum_tables(universe: Universe, clock: Clock) -> dict[str, SpectrumTable]:
    """The spectra of this cycle by name, dimensionless; densities are divided by prod sinc^2, potentials are not.

    Densities of the same particles share their modes. In GR the stress-energy of this cycle is overwritten, so spectra
    come after everything else that reads it.
    """
    u, names = universe, spectra_names(universe, clock)
    found = {name: _table(u, clock, name, *_metric_modes(u, clock, name)) for name in names if not _is_density(name)}
    per_mode = (float(u.n) ** 6 if isinstance(u, SpectralUniverse) else 1.0,)
    found |= {name: _table(u, clock, name, modes, per_mode) for name, modes in _densities(u, clock, names)}
    return {name: found[name] for name in names} | species_tables(u, clock)


def _is_density(name: str) -> bool:
    return name == "deltaclass" or name in _ENERGY + _PLAIN


def _densities(u: Universe, clock: Clock, names: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
    """Each density among ``names`` with its modes, which last until the next."""
    newton = u.run.theory == "newton"  # where T00 is the plain density
    energy = [name for name in names if name in _ENERGY or (newton and name in _PLAIN)]
    plain = [name for name in names if name in _PLAIN and not newton]
    if energy:
        modes = energy_modes(u, clock)
        whole = _with_linear_fields(u, energy)
        radiates = bool(whole) and _radiation_acts(u, clock)
        yield from ((name, modes) for name in energy if not (radiates and name in whole))
        if radiates:
            modes = add_radiation(u, clock.a, modes)
            yield from ((name, modes) for name in whole)
    if plain:
        modes = plain_density_modes(u)
        yield from ((name, modes) for name in plain)
    if "deltaclass" in names:
        yield "deltaclass", add_radiation(u, clock.a)


def _with_linear_fields(u: Universe, energy: Sequence[str]) -> list[str]:
    """Those of the ``energy`` densities that have the linear part while it acts.

    Those are, as in the reference program, all but the ones of particles alone; with one species on the spectral mesh
    "delta" alone, so that T00 is that of its snapshot.
    """
    if is_mixed(u) or u.run.simulation.mesh == "staggered":
        return [name for name in energy if not name.endswith("cdm")]
    return [name for name in energy if name == "delta"]


def _metric_modes(u: Universe, clock: Clock, name: str) -> tuple[Tensor, Sequence[float]]:
    """Modes N^3 f_k of a field of the metric, or f_k and weights N^6; of a vector or tensor those of its components."""
    if isinstance(u, SpectralUniverse) and name in ("phi", "chi"):
        modes = u.phi_modes if name == "phi" else u.chi_modes
        assert modes is not None
        return make_hermitian(modes.clone()), (float(u.n) ** 6,)
    if name == "hij":
        if isinstance(u, SpectralUniverse):
            modes = spectral_tensor_modes(u, clock)
        else:
            stress = u.kernels.stress_tensor(projected(u, clock.a), u.phi, stress_factor(u, clock.a))
            modes = tensor_modes(stress, u.lattice)
        return modes, [times * float(u.n) ** 6 for times in _SYMMETRIC]
    if name in VELOCITY_SPECTRA:
        modes = velocity_modes(u, name)
        return modes, (1.0,) * len(modes)
    newton_on_mesh = u.run.simulation.mesh == "staggered" and u.run.theory == "newton"
    if name == "psiN" and newton_on_mesh and _radiation_acts(u, clock):  # of the density that has the linear part
        modes = add_radiation(u, clock.a, energy_modes(u, clock))
        u.kernels.divide_by_laplacian(modes, u.lattice, -u.background.four_pi_G / clock.a, 0.0, True)
        return modes, (1.0,)
    if name == "B":
        return fft.forward(snapshot_field(u, clock, name).double()), (1.0, 1.0, 1.0)
    return modes_of(u, snapshot_field(u, clock, name)), (1.0,)


def _table(u: Universe, clock: Clock, name: str, modes: Tensor, weights: Sequence[float]) -> SpectrumTable:
    """The spectrum of modes N^3 f_k, whose powers are added with ``weights``."""
    settings, density = u.run.simulation, _is_density(name)
    window: Literal["none", "cic"] = "cic" if density and settings.mesh == "staggered" else "none"
    if settings.deterministic:  # sums in a fixed order
        modes = modes.cpu()
    spectrum = reference_spectrum(modes, settings.spectra_bins, settings.box_size_mpch, window, weights)
    factor = _mean(u, clock, name) ** -2 if density else 1.0
    if name == "psiN" and settings.reference_faults:
        factor = float(u.n) ** -6  # the reference program normalises this potential twice
    return SpectrumTable(
        name=_TITLES.get(name, name),
        redshift=clock.redshift,
        k=spectrum.k_hmpc,
        k_scatter=spectrum.k_scatter,
        dimensionless=spectrum.dimensionless * factor,
        error=spectrum.error * factor,
        count=spectrum.count,
    )


def _mean(u: Universe, clock: Clock, name: str) -> float:
    """The density by whose square the power of a density is divided."""
    if name == "deltaclass":
        assert u.radiation is not None
        return u.radiation.sources.mean(clock.a)
    if name in _CRITICAL:
        return clock.a**3
    if isinstance(u, SpectralUniverse):  # of neutrinos too where they are linear fields, which "delta" has
        return u.projected_mean(clock.a) if name in ("deltacdm", "deltaN") else u.mean_at(clock.a)
    energy = name == "delta" and u.run.theory == "gr"
    return u.mean_at(clock.a) if energy else u.mean_density


def _radiation_acts(u: Universe, clock: Clock) -> bool:
    return u.radiation is not None and u.radiation.density_acts(clock.a)
