"""Spectra of the density of each species, and across species, of runs that have several (EQUATIONS 22)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

from weakfield.formats.spectra_text import SpectrumTable
from weakfield.fourier.cross_spectrum import cross_spectrum
from weakfield.fourier.reference_spectrum import reference_spectrum
from weakfield.mesh import fft
from weakfield.mesh.packed import PACKED, T00
from weakfield.simulation.clock import Clock
from weakfield.simulation.universe import Universe

#: how the headers of files call the species of matter
_TITLES = {"cdm": "cdm", "b": "baryons"}
#: pairs of neutrino species that are written whether or not cross spectra are asked for
_ALWAYS = {(0, 1), (2, 3), (4, 5)}


class Part(NamedTuple):
    """A species, or the sum of several: its name in file names and in headers, its modes, its mean density."""

    name: str
    title: str
    modes: Tensor | None  # None where there are no particles
    mean: float


def is_mixed(u: Universe) -> bool:
    """Whether a run has more than one species, with or without particles; on the spectral mesh only with them."""
    return len(u.species if u.run.simulation.mesh == "spectral" else u.densities()) > 1


def species_tables(u: Universe, clock: Clock) -> dict[str, SpectrumTable]:
    """The spectra of species that the spectra asked for bring with them, by name; none if there is one species.

    deltaN, and delta in Newton, have those of plain densities (cdm, b, ncdm0, ...); in GR T00 has those of energies
    over a^3 (T00cdm, ...), and delta those of contrasts (deltacdm, ...).
    """
    if not is_mixed(u):
        return {}
    asked, newton = u.run.simulation.spectra_fields, u.run.theory == "newton"
    found: dict[str, SpectrumTable] = {}
    if "deltaN" in asked or (newton and "delta" in asked):
        parts = _parts(u, lambda i: _plain(u, i), None)
        found |= dict(_tables(u, clock, parts, "", "delta_N", None, True))
    energies = [name for name in ("T00", "delta") if name in asked and not newton]
    if energies:
        parts = _parts(u, lambda i: _energy(u, i, clock.a), clock.a)
        if "T00" in asked:
            found |= dict(_tables(u, clock, parts, "T00", "T00", clock.a**3, False))
        if "delta" in asked:
            found |= dict(_tables(u, clock, parts, "delta", "delta", None, True))
        elif u.run.simulation.cross_spectra:  # the reference program writes this one with T00 too
            tables = dict(_tables(u, clock, parts[:2], "delta", "delta", None, True))
            found |= {name: table for name, table in tables.items() if name == "deltacdmxb"}
    return found


def _parts(u: Universe, modes: Callable[[int], Tensor], a: float | None) -> list[Part]:
    """The species with modes as ``modes`` makes them of the species of that index, then the sum of all neutrinos."""
    where = {one.name: i for i, one in enumerate(u.species)}
    parts = []
    for name, mean in u.densities(a).items():
        title = _TITLES.get(name, f"ncdm {name[4:]}")
        parts.append(Part(name, title, modes(where[name]) if name in where else None, mean))
    neutrinos = [part for part in parts if part.name not in _TITLES]
    if len(neutrinos) > 1:
        there = [part.modes for part in neutrinos if part.modes is not None]
        total = torch.stack(there).sum(0) if there else None
        parts.append(Part("ncdm", "total ncdm", total, sum(part.mean for part in neutrinos)))
    return parts


def _tables(
    u: Universe, clock: Clock, parts: list[Part], prefix: str, title: str, mean: float | None, matter: bool
) -> Iterator[tuple[str, SpectrumTable]]:
    """The spectra of ``parts`` divided by their means, or all by ``mean``; that of cdm and b only with ``matter``."""
    for part in parts:
        yield prefix + part.name, _table(u, clock, f"{title} for {part.title}", part, part, mean)
    cross = u.run.simulation.cross_spectra
    by_name = {part.name: part for part in parts}
    if matter and cross and "b" in by_name:
        pair = by_name["cdm"], by_name["b"]
        yield f"{prefix}cdmxb", _table(u, clock, f"{title} for cdm x baryons", *pair, mean)
    neutrinos = [part for part in parts if part.name[4:].isdigit()]
    for i, j in combinations(range(len(neutrinos)), 2):
        if cross or (i, j) in _ALWAYS:
            pair = neutrinos[i], neutrinos[j]
            yield f"{prefix}ncdm{i}x{j}", _table(u, clock, f"{title} for ncdm {i} x {j}", *pair, mean)


def _table(u: Universe, clock: Clock, title: str, one: Part, other: Part, mean: float | None) -> SpectrumTable:
    """The spectrum of one part, or across two; it is zero where there are no particles."""
    settings = u.run.simulation
    bins, box = settings.spectra_bins, settings.box_size_mpch
    zero = one.modes is None or other.modes is None
    if one.modes is None or other.modes is None:
        spectrum = reference_spectrum(u.realisation.unit, bins, box, "cic")
    elif one is other:
        modes = one.modes.cpu() if settings.deterministic else one.modes
        spectrum = reference_spectrum(modes, bins, box, "cic")
    else:
        spectrum = cross_spectrum(one.modes, other.modes, bins, box, "cic")
    factor = 0.0 if zero else 1.0 / ((one.mean if mean is None else mean) * (other.mean if mean is None else mean))
    return SpectrumTable(
        name=title,
        redshift=clock.redshift,
        k=spectrum.k_hmpc,
        k_scatter=spectrum.k_scatter,
        dimensionless=spectrum.dimensionless * factor,
        error=spectrum.error * factor,
        count=spectrum.count,
        cross=one is not other,
    )


def _plain(u: Universe, i: int) -> Tensor:
    """Modes N^3 f_k of the density of a species, each particle with the same weight, but for its mean."""
    one = u.species[i]
    scale = one.particles.mass * u.n**3
    return fft.forward(u.kernels.paint(one.particles, None, scale, None, -one.density).double())


def _energy(u: Universe, i: int, a: float) -> Tensor:
    """The same of its T00 in the present phi."""
    one, second = u.species[i], u.run.simulation.second_order_terms
    room = u.phi.new_empty((*u.phi.shape, PACKED))
    packed = u.kernels.project_stress_energy(one.particles, u.phi, None, 0.0, a, second, room, -one.density)
    return fft.forward(packed[..., T00].double().contiguous())
