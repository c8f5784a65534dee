"""The simulated universes on the page: study, slices, spectra, data set, provenance. Each function is one section."""

from __future__ import annotations

from math import pi

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from weakfield.config import THEORIES
from weakfield.dataset import PARTS
from weakfield.dataset.wording import samples_in_words
from weakfield.report.numbers import duration, ranges, rounded, scientific
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults
from weakfield.report.slider import slider
from weakfield.spectra.paired import PairedPower

#: snapshots are stored in single precision, so an error of a ratio of powers below this is not believed
PRECISION = 1e-7
#: where initial spectra come from, for every choice of ``simulation.transfer``
PROVIDERS = {
    "camb": "CAMB",
    "class": "CLASS",
    "eisenstein-hu": "the Eisenstein-Hu fit",
    "file": "a table of transfer functions",
    "spectrum": "a file with the power spectrum of matter",
}


def study_paragraph(results: RunResults) -> Markup:
    """What was run, in one paragraph."""
    study = results.study
    whole, asked = len(results.pairs), study.seeds.count
    outputs = sorted(study.simulation.snapshot_redshifts, reverse=True)
    return render(
        "study.html",
        study=study,
        simulation=study.simulation,
        cosmology=study.cosmology,
        seeds=f"{whole} random seeds" if whole == asked else f"{whole} of {asked} random seeds",
        numbers=ranges(list(results.pairs) or list(study.seeds.all)),
        fundamental=2 * pi / study.simulation.box_size_mpch,
        outputs=" and ".join(f"{z:g}" for z in outputs),
        provider=None if study.simulation.initial_conditions == "snapshot" else PROVIDERS[study.simulation.transfer],
    )


def slices(results: RunResults) -> Markup:
    """The planes of one pair with a slider."""
    if not results.pairs:
        return absent("snapshots", "simulate")
    study = results.study
    seed, pair = next(iter(results.pairs.items()))
    potentials = {theory: pair.phi(theory, study.measure.redshift) for theory in THEORIES}
    cubes: dict[str, NDArray[np.float64]] = {theory: phi.values.astype(float) for theory, phi in potentials.items()}
    difference = cubes["gr"] - cubes["newton"]
    mean = float(difference.mean())
    cubes["difference"] = difference - mean
    return render(
        "slices.html",
        slider=slider(cubes, study.simulation.box_size_mpch),
        seed=seed,
        redshift=potentials["newton"].attrs["redshift"],
        mean=mean,
        scatter=float(difference.std() / cubes["newton"].std()),
    )


def spectra(results: RunResults) -> Markup:
    """Spectra of phi of both theories and their ratio."""
    chosen = [s for s in results.spectra if s.quantity == "phi"]
    path = results.folder.spectra / "spectra_phi.png"
    if not chosen or not path.exists():
        return absent("power spectra", "measure")
    first = next(s for s in chosen if s.redshift == results.study.measure.redshift)
    return render("spectra.html", ratio=ratio_sentence(first), picture=Picture.read(path, "Power spectra of phi", True))


def difference_spectra(results: RunResults) -> Markup:
    """Spectra of the growth-scaled difference cubes."""
    chosen = [s for s in results.spectra if s.quantity == "difference_cube"]
    path = results.folder.spectra / "spectra_difference_cube.png"
    if not chosen or not path.exists():
        return absent("spectra of difference cubes", "measure")
    early, late = (f"{z:g}" for z in results.study.dataset.redshifts)
    picture = Picture.read(path, "Power spectra of the difference cubes")
    return render("difference.html", ratio=ratio_sentence(chosen[0]), picture=picture, early=early, late=late)


def dataset(results: RunResults) -> Markup:
    """The split by seed and the normalisation."""
    data = results.dataset
    if data is None:
        return absent("data set", "dataset")
    rows = []
    for part in PARTS:
        seeds = data.seeds.part(part)
        slices = 2 * len(seeds) * len(data.redshifts) * 3 * data.grid  # two theories, every redshift, three axes
        rows.append([part, len(seeds), 2 * len(seeds), f"{slices:,}", ranges(seeds)])
    return render(
        "dataset.html",
        data=data,
        sample=samples_in_words(data),
        data_paired=results.study.paired,
        scale=data.normalisation.mean_kept if data.keep_mean else data.normalisation.mean_removed,
        rows=rows,
    )


def provenance(results: RunResults) -> Markup:
    """Versions, commit, times, and the settings as TOML."""
    found, rows = results.provenance, []
    if found is not None:
        machine = found.machine
        rows = [
            ("versions", ", ".join(f"{name} {version}" for name, version in found.versions.items() if version)),
            ("commit", found.git_commit or "not in a git working tree"),
            ("started", found.starts[-1].time if found.starts else "unknown"),
            ("machine", f"{machine.type}, {machine.system}, {machine.cores} cores"),
        ]
    times = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in results.seconds.items())
    rows.append(("time", times or "unknown"))
    if results.dataset is not None:
        rows.append(("data set", f"fingerprint {results.dataset.fingerprint}"))
    return render("provenance.html", known=found is not None, rows=rows, settings=results.study.to_toml())


def ratio_sentence(spectrum: PairedPower) -> str:
    """Where the ratio departs most significantly from 1, and how much the pairing helps."""
    if len(spectrum.seeds) < 2:
        return "A single pair gives a ratio without an error."
    error = np.maximum(spectrum.ratio_error, PRECISION)
    significance = np.abs(spectrum.ratio - 1) / error
    text = f"At the largest scale, k = {spectrum.k[0]:.3g} h/Mpc, GR over Newton is {_ratio_of(spectrum, 0)}"
    best = int(np.argmax(significance))
    if significance[best] <= 3:
        text += "; no shell departs from 1 by more than three standard errors"
    elif best > 0:
        text += (
            f"; the departure from 1 is most significant at k = {spectrum.k[best]:.3g} h/Mpc,"
            f" {_ratio_of(spectrum, best)}"
        )
    else:
        text += ", and nowhere is the departure from 1 more significant"
    gain = float(np.median(spectrum.ratio_error_unpaired / error))
    return text + f". Without the pairing the error bars would be {rounded(gain)} times as long (median over shells)."


def _ratio_of(spectrum: PairedPower, shell: int) -> str:
    """``1.0046 +- 0.0009``: two significant digits of the error."""
    value, error = float(spectrum.ratio[shell]), float(spectrum.ratio_error[shell])
    if error < PRECISION:
        return f"{value:.6f} (error below {scientific(PRECISION, 1)})"
    digits = max(1 - int(np.floor(np.log10(error))), 2)
    return f"{value:.{digits}f} \N{PLUS-MINUS SIGN} {error:.{digits}f}"
