"""The head of the page: three sentences and four figures that a person remembers, before any section."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from weakfield.learning.results import Measures
from weakfield.learning.scores import CHANCE
from weakfield.report.attribution_figures import shell_spectrum
from weakfield.report.audit_figures import verdicts
from weakfield.report.auditing import counts
from weakfield.report.classification import label, tests
from weakfield.report.explanation import nothing_to_explain
from weakfield.report.learning_figures import beside_baselines
from weakfield.report.numbers import interval, minus, sentence
from weakfield.report.page import Picture, render
from weakfield.report.run_results import RunResults
from weakfield.spectra.parity import sentence as of_parity


@dataclass(frozen=True)
class Shown:
    """A figure of the head; the section ``anchor`` says more."""

    picture: Picture
    caption: str
    anchor: str


def head(results: RunResults) -> Markup:
    """Three sentences (are the universes told apart, what survives the controls, is theory met) and four figures."""
    figures = [shown for draw in FIGURES if (shown := draw(results)) is not None]
    missing = None
    if nothing_to_explain(results) is not None:
        missing = "There is no figure of what the network saw: it does not tell the theories apart on the test seeds."
    sentences = [told_apart(results), survives(results), theory(results)]
    return render("head.html", sentences=sentences, figures=figures, missing=missing)


# ---------------------------------------------------------------------------------------------------------------
# Three sentences


def told_apart(results: RunResults) -> str:
    """Whether the universes differ to the network, by how much, beside the best baseline and the bound."""
    if not results.models:
        return "Whether a network tells the two universes apart is not known: the stage 'train' has not been run."
    main = results.main_model.metrics
    area, ordered = main.test["unpaired_auc"], main.test["paired_accuracy"]
    seeds, within = f"on {len(main.seeds.test)} test seeds the network", area.low <= CHANCE
    if main.at_chance is not None:
        text = main.at_chance
    elif within:
        text = (
            f"{seeds} tells the two universes of a seed apart, pairs in the right order {interval(ordered)}, and not a"
            f" universe seen alone: AUC between universes {interval(area)}"
        )
    else:
        text = (
            f"{seeds} tells the two universes apart: AUC between universes {interval(area)}, pairs in the right order"
            f" {interval(ordered)}"
        )
    by = "paired_accuracy" if within and main.at_chance is None else "unpaired_auc"
    if (best := best_baseline(main.baselines, main.mean_kept, by)) is not None:
        found = main.baselines[best]
        text += (
            f"; the best baseline, {label(best)}, has an AUC of {interval(found['unpaired_auc'])} and orders"
            f" {interval(found['paired_accuracy'])} of the pairs"
        )
    if main.bound is not None:
        text += f"; Gaussian fields with these spectra allow an AUC of {interval(main.bound.auc)} at most"
    return sentence(text)


def best_baseline(baselines: dict[str, Measures], mean_kept: bool, by: str = "unpaired_auc") -> str | None:
    """The baseline that is best ``by`` a measure, among those that see no more than the network."""
    known = {name: found for name, found in baselines.items() if mean_kept or name != "mean"}
    return max(known, key=lambda name: known[name][by].value, default=None)


def survives(results: RunResults) -> str:
    """What the controls leave of that."""
    if results.audit is None:
        return "Whether that is to be believed is not known: the stage 'audit' has not been run."
    controls = results.audit.controls
    if nothing_to_explain(results) is not None:
        meaning = "there is no result that they could explain away"
    elif any(row.verdict == "shortcut" for row in controls):
        meaning = "what raises an alarm explains the result, or part of it, by something simpler than the physics"
    elif any(row.verdict == "clean" for row in controls):
        meaning = "nothing simpler than the physics was found that explains the result"
    else:
        meaning = "nothing is known for or against the result"
    return f"{counts(controls)[:-1]}: {meaning}."


def theory(results: RunResults) -> str:
    """Whether the simulations do what theory says: relativity's own part where inverses are known, else the power."""
    if results.parities:
        return of_parity(min(results.parities, key=lambda parity: parity.redshift))
    known = [one for one in results.spectra if one.quantity == "phi" and np.isfinite(one.response[:, 0]).all()]
    if not known:
        return "Whether the simulations do what theory says was not measured."
    late = min(known, key=lambda one: one.redshift)
    newton, gr = (
        f"{value:.4f}" + (f" \N{PLUS-MINUS SIGN} {error:.4f}" if np.isfinite(error) else "")
        for value, error in zip(late.response[:, 0], late.response_error[:, 0], strict=True)
    )
    return minus(
        f"On the largest scale, k = {late.k[0]:.3g} h/Mpc at z = {late.redshift:g}, the power of the potential is"
        f" {newton} (Newton) and {gr} (GR) of what linear theory makes of the same initial modes; relativity's own part"
        " was not measured, which takes the inverse of each seed (seeds.inverted)."
    )


# ---------------------------------------------------------------------------------------------------------------
# Four figures


def against_theory(results: RunResults) -> Shown | None:
    """GR - Newton beside relativity's own part; where no seed has its inverse, the spectra beside linear theory."""
    choices = (
        ("parity", "relativity", "GR \N{MINUS SIGN} Newton, its even and its odd part, beside relativity's own part."),
        (
            "spectra_difference_cube",
            "difference",
            "Power of the difference cubes beside theory; below, GR over Newton.",
        ),
        ("spectra_phi", "spectra", "Power of the potential beside theory; below, GR over Newton."),
    )
    for name, anchor, caption in choices:
        path = results.folder.spectra / f"{name}.png"
        if path.exists() and (results.parities if name == "parity" else results.spectra):
            return Shown(Picture.read(path, caption), caption, anchor)
    return None


def against_baselines(results: RunResults) -> Shown | None:
    """The networks beside baselines and bound."""
    if not results.models:
        return None
    found = {
        name: measures
        for name, measures in tests(results).items()
        if {"unpaired_auc", "paired_accuracy"} <= {*measures}
    }
    bound = results.main_model.metrics.bound
    drawn = beside_baselines(found, {label(name) for name in results.models}, None if bound is None else bound.auc)
    caption = "Networks (squares) and baselines (circles) on the test seeds, 95 % intervals. Dotted: chance."
    if bound is not None:
        caption += " Dashed: the bound of Gaussian fields."
    return Shown(Picture.of(drawn, "Networks beside baselines"), caption, "classification")


def controls_say(results: RunResults) -> Shown | None:
    """The verdicts of all controls."""
    if results.audit is None or not results.audit.controls:
        return None
    picture = Picture.of(verdicts(results.audit.controls), "Verdicts of the controls")
    return Shown(picture, "What the controls say, alarms corrected for the number of questions.", "audit")


def seen(results: RunResults) -> Shown | None:
    """Attribution by shell, of a network that tells something apart."""
    found = results.explanation
    if found is None or found.bands is None or nothing_to_explain(results) is not None:
        return None
    bands = found.bands
    drawn = shell_spectrum(bands.k_hmpc, bands.attributed.shells, bands.occluded.shells)
    caption = (
        f"What each Fourier shell contributes to the logit of GR \N{MINUS SIGN} Newton, {len(found.seeds)} test pairs."
    )
    return Shown(Picture.of(drawn, "Attribution by Fourier shell"), caption, "saliency")


FIGURES: tuple[Callable[[RunResults], Shown | None], ...] = (against_theory, against_baselines, controls_say, seen)
