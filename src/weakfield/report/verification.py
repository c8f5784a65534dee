"""Bispectra, the simulation's own spectra, significance of the difference: each function is one section of the page."""

from __future__ import annotations

from math import isfinite

from markupsafe import Markup

from weakfield.report.numbers import minus
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults
from weakfield.spectra.paired import PairedPower
from weakfield.spectra.paired_bispectrum import PairedBispectrum
from weakfield.spectra.parity import Estimate, Parity, sentence
from weakfield.spectra.significance import FEWEST

QUANTITIES = {
    "phi": "potential",
    "difference_cube": "growth-scaled difference cubes",
    "phi_written": "potential, as the simulation wrote it",
    "delta_written": "density, as the simulation wrote it",
}


def bispectra(results: RunResults) -> Markup:
    """Equilateral, squeezed and all triangles of the potential and of the difference cubes."""
    if not results.bispectra:
        return absent("bispectra", "measure")
    alts = {name: f"Bispectra, {QUANTITIES[name]}" for name in ("phi", "difference_cube")}
    return render("bispectra.html", pictures=_saved(results, "bispectra", alts))


def written(results: RunResults) -> Markup:
    """The spectra that the simulation wrote while it ran, beside linear theory and the non-linear fit."""
    if not results.spectra:
        return absent("spectra", "measure")
    alts = {"phi_written": "Spectra files: potential", "delta_written": "Spectra files: density"}
    return render("verification.html", pictures=_saved(results, "spectra", alts))


def _saved(results: RunResults, kind: str, alts: dict[str, str]) -> dict[str, Picture]:
    """The figures that the measure stage has saved, by quantity."""
    paths = {name: results.folder.spectra / f"{kind}_{name}.png" for name in alts}
    return {name: Picture.read(path, alts[name], True) for name, path in paths.items() if path.exists()}


def significance(results: RunResults) -> Markup:
    """One row per statistic: sigma of one pair, and of all the pairs that judge it."""
    if not results.spectra and not results.bispectra:
        return absent("significance", "measure")
    return render("significance.html", rows=significance_rows(results), fewest=FEWEST)


def significance_rows(results: RunResults) -> list[tuple[str, str, str, str, str, int]]:
    """Statistic, field, redshift, sigma of one pair and of all, and the number of judging pairs, where it is known."""
    found: list[tuple[str, PairedPower | PairedBispectrum]] = [("P(k)", result) for result in results.spectra]
    found += [("bispectrum", result) for result in results.bispectra]
    rows = []
    for name, result in found:
        total = result.significance
        if isfinite(total.ensemble):
            redshift = "" if result.quantity == "difference_cube" else f"{result.redshift:g}"
            sigmas = (minus(f"{total.one_pair:.1f}"), minus(f"{total.ensemble:.1f}"), total.judges)
            rows.append((name, QUANTITIES[result.quantity], redshift, *sigmas))
    return rows


def relativity(results: RunResults) -> Markup:
    """Even and odd part of GR - Newton beside relativity's own part, where seeds have their inverses."""
    path = results.folder.spectra / "parity.png"
    inverted = results.study.seeds.inverted
    if inverted and not (results.parities and path.exists()):
        return absent("even and odd parts", "measure")
    picture = Picture.read(path, "Even and odd part of GR minus Newton", True) if path.exists() else None
    return render(
        "relativity.html",
        picture=picture if results.parities else None,
        sentences=[sentence(parity) for parity in results.parities],
        rows=[_parity_row(parity) for parity in results.parities],
        seeds=len(results.parities[0].seeds) if results.parities else 0,
    )


def _parity_row(parity: Parity) -> tuple[str, ...]:
    found = (parity.response, parity.correlation, parity.odd_over_predicted, parity.even_over_odd)
    band = (f"{parity.redshift:g}", f"below {parity.limit:.2g}", str(parity.modes[-1]))
    return (*band, *(_of_band(estimate) for estimate in found))


def _of_band(estimate: Estimate) -> str:
    value, error = float(estimate.value[-1]), float(estimate.error[-1])
    if not isfinite(value):
        return "unknown"
    return minus(f"{value:.3g}" + (f" \N{PLUS-MINUS SIGN} {error:.1g}" if isfinite(error) else ""))
