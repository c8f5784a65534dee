"""Sections of the page that are written for imported cubes: what they are, how they look, their spectra."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from weakfield.config import THEORIES
from weakfield.config.classes import ClassSettings
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults
from weakfield.report.slider import slider
from weakfield.report.universes import ratio_sentence
from weakfield.report.verification import significance_rows
from weakfield.spectra.significance import FEWEST

#: anchors of the sections that a page of imported cubes has; the others are about simulations of weakfield's own
SHOWN = (
    *("slices", "spectra", "significance", "dataset", "classification"),
    *("training", "audit", "saliency", "provenance"),
)


def sections(classes: ClassSettings) -> tuple[tuple[str, str, Callable[[RunResults], Markup]], ...]:
    """Anchor, heading and content of the sections that have another content here than on other pages."""
    one_seed = "Two cubes of one seed" if classes.paired else "A cube of each class"
    return (
        ("slices", one_seed, slices),
        ("spectra", "Spectra", spectra),
        ("significance", "How sure is the difference of the spectra?", significance),
    )


def heading(classes: ClassSettings) -> Markup:
    """The two classes, each in its colour."""
    first, second = classes.names
    return Markup('<span class="n">{}</span> or <span class="g">{}</span>').format(first, second)


def study_paragraph(results: RunResults) -> Markup:
    """What was imported, in one paragraph."""
    study, box = results.study, results.study.simulation
    cubes = next(iter(results.pairs.values())).manifest.imported if results.pairs else None
    return render(
        "imported_study.html",
        study=study,
        box=box,
        count=len(results.pairs),
        paired=study.paired,
        sources=[cubes[theory] for theory in THEORIES] if cubes else None,
        fundamental=2 * pi / box.box_size_mpch,
    )


def slices(results: RunResults) -> Markup:
    """The planes of one cube of each class with a slider and, of paired ones, of their difference."""
    if not results.pairs:
        return absent("cubes", "simulate")
    study = results.study
    seed, pair = next(iter(results.pairs.items()))
    cubes: dict[str, NDArray[np.float64]] = {theory: pair.phi(theory).values.astype(float) for theory in THEORIES}
    difference = cubes["gr"] - cubes["newton"]
    mean, rms = float(difference.mean()), float(cubes["newton"].std())
    if study.paired:
        cubes["difference"] = difference - mean
    return render(
        "imported_slices.html",
        slider=slider(cubes, study.simulation.box_size_mpch),
        seed=seed,
        paired=study.paired,
        mean=mean,
        scatter=float(difference.std()) / rms if rms > 0 else None,
    )


def spectra(results: RunResults) -> Markup:
    """Power spectra and bispectra of both classes and their ratio, seed by seed."""
    if not results.study.paired:
        return render("imported_spectra.html", paired=False)
    chosen = [s for s in results.spectra if s.quantity == "phi"]
    powers, triangles = (results.folder.spectra / f"{kind}_phi.png" for kind in ("spectra", "bispectra"))
    if not chosen or not powers.exists():
        return absent("spectra", "measure")
    return render(
        "imported_spectra.html",
        paired=True,
        ratio=ratio_sentence(chosen[0]),
        powers=Picture.read(powers, "Power spectra of both classes", True),
        triangles=Picture.read(triangles, "Bispectra of both classes", True) if triangles.exists() else None,
    )


def significance(results: RunResults) -> Markup:
    """One row per statistic: sigma of one pair, and of all the pairs that judge it."""
    rows = [(name, redshift, *sigmas) for name, _, redshift, *sigmas in significance_rows(results)]
    return render("imported_significance.html", rows=rows, fewest=FEWEST, paired=results.study.paired)
