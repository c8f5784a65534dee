"""The measure stage: slices, spectra and bispectra of both theories and their ratio, beside theory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.progress import bar
from weakfield.base.records import Summary
from weakfield.base.wording import speaking
from weakfield.config import THEORIES, RunFolder, StudyConfig, Theory
from weakfield.fourier.shells import shells
from weakfield.pairs.pair import GAUGES, Pair, Pairs
from weakfield.spectra.bins import linear_edges
from weakfield.spectra.bispectrum import Bispectrum, bispectrum
from weakfield.spectra.cost import check_memory, estimate_bispectrum
from weakfield.spectra.difference import growth_scaled_difference
from weakfield.spectra.expected import Expected
from weakfield.spectra.paired import COLUMNS as POWER_COLUMNS
from weakfield.spectra.paired import PairedPower, save_spectra, write_table
from weakfield.spectra.paired_bispectrum import COLUMNS as BISPECTRUM_COLUMNS
from weakfield.spectra.paired_bispectrum import PairedBispectrum, save_bispectra
from weakfield.spectra.parity import COLUMNS as PARITY_COLUMNS
from weakfield.spectra.parity import Collected, Parity, band_modes, gathered, parity_sums, save_parity
from weakfield.spectra.pictures import draw
from weakfield.spectra.power import PowerSpectrum, power_spectrum
from weakfield.spectra.results import average
from weakfield.spectra.written import written_spectra

Reals = NDArray[np.float64]
Key = tuple[str, float]  # quantity and redshift
SIGNIFICANCE_COLUMNS = ("statistic", "quantity", "redshift", "sigma_one_pair", "sigma_ensemble", "judging_pairs")


@dataclass(frozen=True)
class Potential:
    """phi (N, N, N) float64 of one universe at one output, with the redshift it was written at."""

    phi: Tensor
    redshift: float
    box_size_mpch: float


@dataclass
class Measured:
    """What was measured of one quantity, seed by seed."""

    powers: list[tuple[PowerSpectrum, PowerSpectrum, PowerSpectrum]] = field(default_factory=list)
    bispectra: list[tuple[Bispectrum, Bispectrum]] = field(default_factory=list)
    realised: list[Reals] = field(default_factory=list)


def run(study: StudyConfig, folder: RunFolder) -> Summary:
    """Measure every whole pair of the study; write tables (CSV), everything seed by seed (HDF5) and figures.

    Measured are spectra and bispectra of phi at every output and of the growth-scaled difference cubes of
    ``dataset.redshifts``, and the spectra that the simulation wrote. For seeds with a whole inverse, the even and the
    odd part of GR - Newton are measured too; inverses enter nothing else. Of unpaired classes nothing is measured: a
    ratio seed by seed would mean nothing. Raises ``BadInput`` when no pair is whole, or when a file of a pair is
    missing, damaged or on another grid than that of the other member.
    """
    if not study.paired:
        return {"left_out": "the classes are not paired"}
    pairs = Pairs(study, folder)
    if not (seeds := pairs.seeds):
        raise BadInput(f"{folder.pairs} holds no whole pair of the study, expected at least one")
    if study.measure.bispectrum:
        needed = estimate_bispectrum(study.simulation.grid, triangle_edges(study))
        check_memory(needed, "a bispectrum of this study (measure.bispectrum)")
    expected, edges = Expected(study), bin_edges(study)
    measured: dict[Key, Measured] = {}
    actual: dict[float, float] = {}
    slices: dict[str, Reals] = {}
    halves: dict[float, Collected] = {}
    with bar("spectra", len(seeds)) as progress:
        for seed in seeds:
            pair = {theory: potentials(study, pairs[seed], theory) for theory in THEORIES}
            actual = actual or {z: member.redshift for z, member in pair["newton"].items()}
            measure_pair(study, pairs[seed].manifest.folder, pair, measured)
            if study.seeds.inverted and seed in pairs.inverses:
                measure_parity(study, seed, pair, pairs.inverses[seed], expected, halves)
            own = expected.realised_modes(seed, edges)
            for (quantity, z), found in measured.items():
                if quantity == "phi":
                    found.realised.append(expected.realised(own, actual[z], edges))
            if not slices:
                slices = pair_slices(*(pair[theory][study.measure.redshift].phi for theory in THEORIES))
            progress.advance()
    powers = [gather(study, expected, key, seeds, found, actual) for key, found in measured.items()]
    powers += written_spectra(study, folder, seeds, expected)
    bispectra = (
        [gather_bispectra(study, expected, key, seeds, found, actual) for key, found in measured.items()]
        if study.measure.bispectrum
        else []
    )
    about = {
        "seed": seeds[0],
        "redshift": actual[study.measure.redshift],
        "box_size_mpch": study.simulation.box_size_mpch,
    }
    save_spectra(folder.spectra / "spectra.h5", powers, slices, about, gauges_of(study))
    save_bispectra(folder.spectra / "bispectra.h5", bispectra, gauges_of(study))
    write_table(folder.spectra / "spectra.csv", POWER_COLUMNS, [row for s in powers for row in s.rows()])
    write_table(folder.spectra / "bispectra.csv", BISPECTRUM_COLUMNS, [row for b in bispectra for row in b.rows()])
    write_table(folder.spectra / "significance.csv", SIGNIFICANCE_COLUMNS, significance_rows(powers, bispectra))
    parities = [gathered(found, z, bin_edges(study), *mesh_of(study)) for z, found in halves.items()]
    if parities:
        save_parity(folder.spectra / "parity.h5", parities)
        write_table(folder.spectra / "parity.csv", PARITY_COLUMNS, [row for p in parities for row in p.rows()])
    with speaking(study.wording):
        draw(folder.spectra, powers, bispectra, slices, about, parities)
    without = {"no_theory": expected.missing} if expected.missing else {}
    return {**summary(study, powers, bispectra), **parity_summary(study, parities), **without}


def measure_pair(
    study: StudyConfig, path: Path, pair: dict[Theory, dict[float, Potential]], measured: dict[Key, Measured]
) -> None:
    """Add the spectra and bispectra of the pair in ``path`` to ``measured``."""
    box, edges, gauges = study.simulation.box_size_mpch, bin_edges(study), gauges_of(study)
    for key, (newton, gr) in quantities(study, pair).items():
        if newton.shape != gr.shape:
            raise BadInput(f"{path}: the grids differ, {newton.shape[0]} (newton) and {gr.shape[0]} (gr)")
        found = measured.setdefault(key, Measured())
        spectra = [
            power_spectrum(cube, box, edges, quantity=key[0], gauge=gauge)
            for cube, gauge in ((newton, gauges["newton"]), (gr, gauges["gr"]), (gr - newton, "none"))
        ]
        found.powers.append((spectra[0], spectra[1], spectra[2]))
        if study.measure.bispectrum:
            triangles = triangle_edges(study)
            found.bispectra.append(
                (
                    bispectrum(newton, box, triangles, quantity=key[0], gauge=gauges["newton"]),
                    bispectrum(gr, box, triangles, quantity=key[0], gauge=gauges["gr"]),
                )
            )


def measure_parity(
    study: StudyConfig,
    seed: int,
    pair: dict[Theory, dict[float, Potential]],
    inverted: Pair,
    expected: Expected,
    halves: dict[float, Collected],
) -> None:
    """Add what is even and odd in GR - Newton of one seed to ``halves``, by redshift; ``inverted`` is its inverse."""
    inverse = {theory: potentials(study, inverted, theory) for theory in THEORIES}
    grid, box = mesh_of(study)
    parts, below = shells(grid, bin_edges(study)), band_modes(grid, box)
    for z, newton in pair["newton"].items():
        one, other = ((members["newton"][z].phi, members["gr"][z].phi) for members in (pair, inverse))
        if {field.shape for field in (*one, *other)} != {(grid,) * 3}:
            shape = tuple(other[0].shape)
            raise BadInput(f"{inverted.manifest.folder}: phi is {shape}, expected {grid} cells a side as the study's")
        found = halves.setdefault(z, Collected())
        found.seeds.append(seed)
        found.sums.append(parity_sums(one, other, expected.difference(seed, newton.redshift), parts, below))


def gauges_of(study: StudyConfig) -> dict[Theory, str]:
    """The gauge of each theory's fields; that of imported cubes is not known."""
    return GAUGES if study.classes is None else dict.fromkeys(THEORIES, "unstated")


def mesh_of(study: StudyConfig) -> tuple[int, float]:
    """Cells per side of the fields written, and the box [Mpc/h]."""
    return study.simulation.grid // study.simulation.downgrade_factor, study.simulation.box_size_mpch


def bin_edges(study: StudyConfig) -> list[float] | None:
    """Edges in units of k_F: ``measure.bins`` of equal width from 0.5 to Nyquist; ``None`` for bins one k_F wide."""
    bins = study.measure.bins
    return None if bins is None else np.linspace(0.5, study.simulation.grid / 2, bins + 1).tolist()


def triangle_edges(study: StudyConfig) -> list[float]:
    """Edges of the shells of bispectra in units of k_F: from 0.5 in steps of ``measure.bispectrum_width``."""
    grid = study.simulation.grid
    width = study.measure.bispectrum_width or -(-grid // 32)
    return linear_edges(0.5, max(study.measure.bispectrum_reach * grid / 2, 0.5 + width), width)


def potentials(study: StudyConfig, pair: Pair, theory: Theory) -> dict[float, Potential]:
    """phi of one universe at every output, by the redshift asked for; ``BadInput`` if a box differs."""
    found = {}
    for z in sorted(study.simulation.snapshot_redshifts, reverse=True):
        phi = pair.phi(theory, z)
        redshift, box = phi.attrs["redshift"], phi.attrs["box_size_mpch"]
        if abs(box - study.simulation.box_size_mpch) > 1e-9 * box:
            path, expected = pair.path(theory, "phi", z), study.simulation.box_size_mpch
            raise BadInput(f"{path} has a box of {box:g} Mpc/h, expected {expected:g} Mpc/h")
        found[z] = Potential(torch.from_numpy(phi.values).to(torch.float64), redshift, box)
    return found


def quantities(study: StudyConfig, pair: dict[Theory, dict[float, Potential]]) -> dict[Key, tuple[Tensor, Tensor]]:
    """The fields (Newton, GR) to be measured, by quantity and redshift."""
    newton, gr = (pair[theory] for theory in THEORIES)
    fields = {("phi", z): (newton[z].phi, gr[z].phi) for z in newton}
    early, late = study.dataset.redshifts
    if early == late:
        return fields  # the data set says that there is one output alone
    cubes = [
        growth_scaled_difference(
            member[early].phi, member[early].redshift, member[late].phi, member[late].redshift, study.cosmology
        )
        for member in (newton, gr)
    ]
    fields["difference_cube", late] = (cubes[0], cubes[1])
    return fields


def pair_slices(newton: Tensor, gr: Tensor) -> dict[str, Reals]:
    """The middle plane of constant z, (N, N) [y, x], of both potentials and of GR - Newton."""
    middle = newton.shape[0] // 2
    return {
        "newton": newton[middle].numpy(),
        "gr": gr[middle].numpy(),
        "difference": (gr[middle] - newton[middle]).numpy(),
    }


def gather(
    study: StudyConfig,
    expected: Expected,
    key: Key,
    seeds: tuple[int, ...],
    found: Measured,
    actual: dict[float, float],
) -> PairedPower:
    """Spectra (Newton, GR, GR - Newton) of all seeds as one object with their theory, without empty shells."""
    first, edges = found.powers[0][0], bin_edges(study)
    filled = first.modes > 0
    powers = np.array([[spectrum.power[filled] for spectrum in row] for row in found.powers])
    if key[0] == "phi":
        linear, nonlinear = expected.potential(actual[key[1]], edges)
        realised = np.array(found.realised)[:, filled]
    else:
        early, late = (actual[z] for z in study.dataset.redshifts)
        linear, nonlinear = expected.difference_cube(early, late, edges)
        realised = np.full_like(powers[:, 2], np.nan)
    return PairedPower(
        quantity=key[0],
        redshift=key[1],
        k=first.k[filled],
        modes=first.modes[filled],
        seeds=seeds,
        powers=np.moveaxis(powers[:, :2], 1, 0).copy(),
        difference=powers[:, 2],
        linear=linear[:, filled],
        nonlinear=nonlinear[:, filled],
        realised=realised,
    )


def gather_bispectra(
    study: StudyConfig,
    expected: Expected,
    key: Key,
    seeds: tuple[int, ...],
    found: Measured,
    actual: dict[float, float],
) -> PairedBispectrum:
    """Bispectra of all seeds as one object with their tree level; difference cubes have none."""
    newton = [pair[0] for pair in found.bispectra]
    mean, edges = average(newton), triangle_edges(study)
    unknown = np.full(len(mean.triangles), np.nan)
    tree, relativistic, suppression = unknown, unknown, unknown
    if key[0] == "phi":
        z = actual[key[1]]
        tree, relativistic = expected.bispectrum(z, expected.triangles(edges, mean.triangles))
        linear = expected.potential(z, edges)[0][0]
        legs = np.sqrt(mean.power[0, 0] / np.where(linear > 0, linear, np.nan))
        suppression = legs[mean.triangles].prod(axis=1)
    return PairedBispectrum(
        quantity=key[0],
        redshift=key[1],
        k=mean.k,
        triangles=mean.triangles,
        modes=mean.modes,
        seeds=seeds,
        values=np.array([[pair[member].value for pair in found.bispectra] for member in range(2)]),
        gaussian_error=mean.error * np.sqrt(len(seeds)),
        tree_level=tree,
        relativistic=relativistic,
        suppression=suppression,
    )


def significance_rows(
    powers: Sequence[PairedPower], bispectra: Sequence[PairedBispectrum]
) -> list[tuple[str | float, ...]]:
    """How significantly the theories differ: one row for each measured statistic, all bins together."""
    found = [("power spectrum", s) for s in powers] + [("bispectrum", b) for b in bispectra]
    rows: list[tuple[str | float, ...]] = []
    for name, result in found:
        total = result.significance
        rows.append((name, result.quantity, result.redshift, total.one_pair, total.ensemble, total.judges))
    return rows


def summary(study: StudyConfig, powers: Sequence[PairedPower], bispectra: Sequence[PairedBispectrum]) -> Summary:
    """Pairs, ratios at the largest scale and significances, of phi at ``measure.redshift`` and difference cubes."""
    found: dict[str, str | int | float | None] = {"pairs": len(powers[0].seeds), "k_hmpc": float(powers[0].k[0])}
    for spectrum in powers:
        if spectrum.quantity == "difference_cube" or (spectrum.quantity, spectrum.redshift) == (
            "phi",
            study.measure.redshift,
        ):
            found[f"ratio_{spectrum.quantity}"] = float(spectrum.ratio[0])
            found[f"ratio_{spectrum.quantity}_error"] = _finite(spectrum.ratio_error[0])
            found[f"sigma_power_{spectrum.quantity}"] = _finite(spectrum.significance.ensemble)
    for result in bispectra:
        if result.quantity == "difference_cube" or result.redshift == study.measure.redshift:
            found[f"sigma_bispectrum_{result.quantity}"] = _finite(result.significance.ensemble)
    return found


def parity_summary(study: StudyConfig, parities: Sequence[Parity]) -> Summary:
    """The number of seeds with inverses, and what the sentence on the page says of the band at ``measure.redshift``."""
    found: dict[str, int | float | None] = {}
    for result in parities:
        if result.redshift == study.measure.redshift:
            found = {
                "inverted": len(result.seeds),
                "response": _finite(result.response.value[-1]),
                "correlation": _finite(result.correlation.value[-1]),
                "odd_over_predicted": _finite(result.odd_over_predicted.value[-1]),
            }
    return found


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
