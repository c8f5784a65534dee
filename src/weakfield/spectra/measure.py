"""The measure stage: slices, power spectra of both theories and their ratio, from the whole pairs of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.base.errors import BadInput
from weakfield.base.figures import save_png
from weakfield.base.files import read_json
from weakfield.base.progress import bar
from weakfield.config import THEORIES, RunFolder, StudyConfig, Theory
from weakfield.formats import load_field
from weakfield.spectra.difference import growth_scaled_difference
from weakfield.spectra.figures import slices_figure, spectra_figure
from weakfield.spectra.paired import PairedPower, save_spectra, write_table
from weakfield.spectra.power import PowerSpectrum, power_spectrum

Reals = NDArray[np.float64]
Key = tuple[str, float]  # quantity and redshift


@dataclass(frozen=True)
class Potential:
    """phi (N, N, N) float64 of one universe at one output, with the redshift it was written at."""

    phi: Tensor
    redshift: float
    box_size_mpch: float


def run(study: StudyConfig, folder: RunFolder) -> dict[str, Any]:
    """Measure every whole pair of the study; writes ``spectra/spectra.h5``, ``spectra.csv`` and figures.

    Spectra of phi at every output and of the growth-scaled difference cubes of ``dataset.redshifts``. Raises
    ``BadInput`` when no pair is whole, or a file of a pair is missing, damaged or of another grid than its twin.
    """
    seeds = [seed for seed in study.seeds.all if (folder.pair(seed) / "pair.json").exists()]
    if not seeds:
        raise BadInput(f"{folder.pairs} holds no whole pair of the study, expected at least one pair.json")
    edges = bin_edges(study)
    measured: dict[Key, list[tuple[PowerSpectrum, PowerSpectrum, PowerSpectrum]]] = {}
    slices: dict[str, Reals] = {}
    box, z_slice = study.simulation.box_size_mpch, study.measure.redshift
    with bar("spectra", len(seeds)) as progress:
        for seed in seeds:
            pair = {theory: read_member(study, folder, seed, theory) for theory in THEORIES}
            for key, (newton, gr) in quantities(study, pair).items():
                if newton.shape != gr.shape:
                    raise BadInput(
                        f"{folder.pair(seed)}: the grids differ, {newton.shape[0]} (newton) and {gr.shape[0]} (gr)"
                    )
                spectra = tuple(power_spectrum(field, box, edges) for field in (newton, gr, gr - newton))
                measured.setdefault(key, []).append(spectra)  # type: ignore[arg-type]
            if not slices:
                slices = pair_slices(*(pair[theory][z_slice].phi for theory in THEORIES))
                z_slice = pair["newton"][study.measure.redshift].redshift
            progress.advance()
    results = [gather(key, tuple(seeds), rows) for key, rows in measured.items()]
    about = {"seed": seeds[0], "redshift": z_slice, "box_size_mpch": box}
    save_spectra(folder.spectra / "spectra.h5", results, slices, about)
    write_table(folder.spectra / "spectra.csv", results)
    potentials = [spectrum for spectrum in results if spectrum.quantity == "phi"]
    cubes = [spectrum for spectrum in results if spectrum.quantity != "phi"]
    save_png(folder.spectra / "slices.png", slices_figure(slices, box, z_slice))
    save_png(folder.spectra / "spectra_phi.png", spectra_figure(potentials, r"\Phi"))
    save_png(folder.spectra / "spectra_difference_cube.png", spectra_figure(cubes, r"\Delta"))
    return summary(study, results)


def bin_edges(study: StudyConfig) -> list[float] | None:
    """Edges in units of k_F: ``measure.bins`` of equal width from 0.5 to Nyquist, or one k_F wide (``None``)."""
    bins = study.measure.bins
    return None if bins is None else np.linspace(0.5, study.simulation.grid / 2, bins + 1).tolist()


def read_member(study: StudyConfig, folder: RunFolder, seed: int, theory: Theory) -> dict[float, Potential]:
    """phi of one universe at every output, by requested redshift, as its ``pair.json`` lists the files."""
    root = folder.pair(seed)
    entries = read_json(root / "pair.json")["files"].items()
    found = {e["index"]: name for name, e in entries if e["theory"] == theory and e.get("field") == "phi"}
    potentials = {}
    for index, requested in enumerate(sorted(study.simulation.snapshot_redshifts, reverse=True)):
        if index not in found:
            raise BadInput(f"{root}/pair.json lists no phi of '{theory}' at redshift {requested:g}, expected one")
        path = root / found[index]
        phi, attributes = load_field(path)
        if missing := [name for name in ("redshift", "box_size_mpch") if name not in attributes]:
            raise BadInput(f"{path} has no attribute '{missing[0]}', expected it beside the field")
        box = float(attributes["box_size_mpch"])
        if abs(box - study.simulation.box_size_mpch) > 1e-9 * box:
            raise BadInput(f"{path} has a box of {box:g} Mpc/h, expected {study.simulation.box_size_mpch:g} Mpc/h")
        potentials[requested] = Potential(phi.to(torch.float64), float(attributes["redshift"]), box)
    return potentials


def quantities(study: StudyConfig, pair: dict[Theory, dict[float, Potential]]) -> dict[Key, tuple[Tensor, Tensor]]:
    """The fields (Newton, GR) to be measured, by quantity and redshift."""
    newton, gr = (pair[theory] for theory in THEORIES)
    fields = {("phi", z): (newton[z].phi, gr[z].phi) for z in newton}
    early, late = study.dataset.redshifts
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
    key: Key, seeds: tuple[int, ...], rows: list[tuple[PowerSpectrum, PowerSpectrum, PowerSpectrum]]
) -> PairedPower:
    """Spectra (Newton, GR, GR - Newton) of all seeds as one object, empty shells left out."""
    first = rows[0][0]
    filled = first.modes > 0
    powers = np.array([[spectrum.power[filled] for spectrum in row] for row in rows])
    return PairedPower(
        quantity=key[0], redshift=key[1], k=first.k[filled], modes=first.modes[filled], seeds=seeds,
        powers=np.moveaxis(powers[:, :2], 1, 0).copy(), difference=powers[:, 2],
    )  # fmt: skip


def summary(study: StudyConfig, results: list[PairedPower]) -> dict[str, Any]:
    """Number of pairs and, at the largest scale, the ratio of phi at ``measure.redshift`` and of the cubes."""
    found: dict[str, Any] = {"pairs": len(results[0].seeds), "k_hmpc": float(results[0].k[0])}
    for spectrum in results:
        if spectrum.quantity != "phi" or spectrum.redshift == study.measure.redshift:
            found[f"ratio_{spectrum.quantity}"] = float(spectrum.ratio[0])
            error = float(spectrum.ratio_error[0])
            found[f"ratio_{spectrum.quantity}_error"] = error if np.isfinite(error) else None
    return found
