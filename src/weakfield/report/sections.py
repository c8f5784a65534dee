"""The simulated universes on the page: study, slices, spectra, data set, provenance. Each function is one section."""

from __future__ import annotations

from html import escape
from math import pi

import numpy as np
from numpy.typing import NDArray

from weakfield.config import THEORIES
from weakfield.dataset import PARTS
from weakfield.dataset.description import DatasetDescription
from weakfield.dataset.wording import samples_in_words
from weakfield.report.html import absent, figure, image, paragraph, ranges, scientific, table
from weakfield.report.material import Material
from weakfield.report.slider import slider
from weakfield.spectra.measure import read_member
from weakfield.spectra.paired import PairedPower

#: snapshots are stored in single precision: no error of a ratio of powers is believed below this
PRECISION = 1e-7
PROVIDERS = {"camb": "CAMB", "eisenstein-hu": "the Eisenstein-Hu fit", "file": "a table"}


def study_paragraph(material: Material) -> str:
    """What was run, in one paragraph."""
    study, simulation = material.study, material.study.simulation
    fundamental = 2 * pi / simulation.box_size_mpch
    outputs = " and ".join(f"{z:g}" for z in sorted(simulation.snapshot_redshifts, reverse=True))
    whole = len(material.pairs)
    asked = study.seeds.count
    count = f"{whole} random seeds" if whole == asked else f"{whole} of {asked} random seeds"
    again = ", and twice more with every initial mode times \N{MINUS SIGN}1" if study.seeds.inverted else ""
    return paragraph(
        f"{study.name}: {count} ({ranges(list(material.pairs) or list(study.seeds.all))}), each grown twice, under"
        f" Newtonian gravity and under weak-field general relativity{again}, from z ="
        f" {simulation.initial_redshift:g} in a periodic box of {simulation.box_size_mpch:g} Mpc/h with"
        f" {simulation.grid}\N{SUPERSCRIPT THREE} cells of {simulation.cell_size_mpch:g} Mpc/h (k from"
        f" {fundamental:.3g} to {fundamental * simulation.grid / 2:.3g}"
        f" h/Mpc); the potential \N{GREEK CAPITAL LETTER PHI} was kept at z = {outputs}. Initial spectra come from"
        f" {PROVIDERS[simulation.transfer]}; h = {study.cosmology.h:g}, \N{GREEK CAPITAL LETTER OMEGA}_m ="
        f" {study.cosmology.Omega_m:.3f}, A_s = {scientific(study.cosmology.a_s, 4)}, n_s = {study.cosmology.n_s:g}.",
        "study",
    )


def slices(material: Material) -> str:
    """The planes of one pair under a slider."""
    if not material.pairs:
        return absent("snapshots", "simulate")
    study = material.study
    seed = next(iter(material.pairs))
    pair = {theory: read_member(study, material.folder, seed, theory)[study.measure.redshift] for theory in THEORIES}
    cubes: dict[str, NDArray[np.float64]] = {theory: pair[theory].phi.numpy() for theory in THEORIES}
    difference = cubes["gr"] - cubes["newton"]
    mean = float(difference.mean())
    cubes["difference"] = difference - mean
    scatter = float(difference.std() / cubes["newton"].std())
    panels, note = slider(cubes, study.simulation.box_size_mpch)
    caption = (
        f"The potential of seed {seed} at z = {pair['newton'].redshift:.4g} in planes of constant z, both theories on"
        f" one colour scale, and their difference, less its mean of {scientific(mean)}, on its own. The two universes"
        f" share every random number: the rms of that difference is {scientific(scatter)} of the rms of"
        f" \N{GREEK CAPITAL LETTER PHI}. {note}"
    )
    return figure(panels, caption.strip())


def spectra(material: Material) -> str:
    """Spectra of phi of both theories and their ratio."""
    chosen = [s for s in material.spectra if s.quantity == "phi"]
    path = material.folder.spectra / "spectra_phi.png"
    if not chosen or not path.exists():
        return absent("power spectra", "measure")
    first = next(s for s in chosen if s.redshift == material.study.measure.redshift)
    caption = (
        "Above: power spectrum of the potential (Newton in N-body gauge, GR in Poisson gauge), mean over seeds; error"
        " bars are the standard error of that mean, that is cosmic variance; lines: linear theory and a non-linear fit."
        f" {_apart()} Middle, where the seeds' initial modes are known: each seed over linear theory with its own"
        " modes, in which cosmic variance cancels; what is missing from 1 the mesh loses. Below: ratio of the two"
        " theories, taken seed by seed and then averaged; error bars are the standard error of this paired mean, grey"
        " is the cosmic variance of as many pairs of unrelated universes."
    )
    return paragraph(_ratio_sentence(first)) + figure(image(path.read_bytes(), "Power spectra of phi", True), caption)


def difference_spectra(material: Material) -> str:
    """Spectra of the growth-scaled difference cubes."""
    chosen = [s for s in material.spectra if s.quantity == "difference_cube"]
    path = material.folder.spectra / "spectra_difference_cube.png"
    if not chosen or not path.exists():
        return absent("spectra of difference cubes", "measure")
    early, late = material.study.dataset.redshifts
    phi, growth = "\N{GREEK CAPITAL LETTER PHI}", "D_\N{GREEK CAPITAL LETTER PHI}"
    text = (
        f"A difference cube is {phi}({early:g})/{growth}({early:g}) \N{MINUS SIGN} {phi}({late:g})/{growth}({late:g})"
        f" with {growth}(z) = (1 + z) D(z): the linear field, common to both times, cancels."
        f" {_ratio_sentence(chosen[0])}"
    )
    caption = (
        f"Power of the difference cubes of z = {early:g} and z = {late:g}, mean over seeds with its standard error,"
        " with what linear theory leaves (dotted) and the power of the second order (solid), and"
        f" the ratio of the theories with the standard error of the paired mean. {_apart()}"
    )
    return paragraph(text) + figure(image(path.read_bytes(), "Power spectra of the difference cubes"), caption)


def dataset(material: Material) -> str:
    """The split by seed and the normalisation."""
    data = material.dataset
    if data is None:
        return absent("data set", "dataset")
    rows = []
    for part in PARTS:
        seeds = data["seeds"][part]
        images = 2 * len(seeds) * len(data["redshifts"]) * 3 * data["grid"]
        rows.append([part, str(len(seeds)), str(2 * len(seeds)), f"{images:,}", escape(ranges(seeds))])
    mean = "kept" if data["keep_mean"] else "removed"
    scale = data["normalisation"][f"mean_{mean}"]
    sample = samples_in_words(DatasetDescription.read(data, "dataset.json"))
    text = (
        f"A sample is {sample}. Both members of a pair are always in the same part, so no seed that was"
        " trained on is tested on. Cubes are centred and scaled by numbers from the training part alone (rms"
        f" {scientific(scale['std'])} with the mean {mean}). Slices of a cube are not independent: the sample size is"
        " the number of seeds."
    )
    if data["partial"]:
        text += f" It is built of {len(data['files'])} of the {data['pairs_of_study']} pairs of the study."
    head = ("part", "pairs", "cubes", "slices of \N{GREEK CAPITAL LETTER PHI}", "seeds")
    return paragraph(text) + table(head, rows, numbers=(1, 2, 3))


def provenance(material: Material) -> str:
    """Versions, commit, times, and the settings as TOML."""
    found, rows = material.provenance, []
    if found is not None:
        named = [f"{name} {version}" for name, version in found["versions"].items() if version]
        start = found["starts"][-1] if found["starts"] else {}
        machine = found["machine"]
        rows = [
            ["versions", escape(", ".join(named))],
            ["commit", escape(found["git_commit"] or "not in a git working tree")],
            ["started", escape(str(start.get("time", "unknown")))],
            ["machine", escape(f"{machine['type']}, {machine['system']}, {machine['cores']} cores")],
        ]
    times = ", ".join(f"{stage} {_duration(seconds)}" for stage, seconds in material.seconds.items())
    rows.append(["time", escape(times) or "unknown"])
    if material.dataset is not None:
        rows.append(["data set", f"fingerprint {escape(material.dataset['fingerprint'])}"])
    settings = (
        f"<details><summary>Settings of the study</summary><pre>{escape(material.study.to_toml())}</pre></details>"
    )
    missing = "" if found is not None else paragraph("No provenance.json: versions and times are not known.", "absent")
    return missing + table(("what", "value"), rows) + settings


def _ratio_sentence(spectrum: PairedPower) -> str:
    """Where the ratio departs most significantly from 1, and what the pairing is worth."""
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
    return text + f". Without the pairing the error bars would be {_rounded(gain)} times as long (median over shells)."


def _ratio_of(spectrum: PairedPower, shell: int) -> str:
    """``1.0046 +- 0.0009``: two significant digits of the error."""
    value, error = float(spectrum.ratio[shell]), float(spectrum.ratio_error[shell])
    if error < PRECISION:
        return f"{value:.6f} (error below {scientific(PRECISION, 1)})"
    digits = max(1 - int(np.floor(np.log10(error))), 2)
    return f"{value:.{digits}f} \N{PLUS-MINUS SIGN} {error:.{digits}f}"


def _rounded(value: float) -> str:
    """Two significant digits, without an exponent."""
    return f"{float(f'{value:.1e}'):,.10g}"


def _apart() -> str:
    return "The two theories are set apart by 3 % in k so that both can be seen."


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
