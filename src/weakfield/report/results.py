"""Parts of the page about classifiers: the bound beside their results, confusion, calibration, the learning curve."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from weakfield.base.figures import OTHERS
from weakfield.learning.baselines import BASELINES
from weakfield.learning.calibration import reliability
from weakfield.report.html import cell, figure, image, interval, paragraph, render, table
from weakfield.report.learning_figures import ROC_RESAMPLES, reliability_curves, roc, seeds_curve
from weakfield.report.material import Material

LABELS = {"cnn": "network, mean removed", "cnn_meankept": "network, mean kept"}
#: baselines that have a curve of their own in figures; the table has all
DRAWN = ("mean", "variance", "log_pk", "pk_bk")
MEASURES = {
    "auc": "AUC",
    "unpaired_auc": "AUC between universes",
    "accuracy": "accuracy",
    "paired_accuracy": "paired accuracy",
    "average_precision": "average precision",
    "calibrated_ece": "calibration error",
}


#: one colour a classifier in all figures, none of them that of a theory
COLOURS = {
    "cnn": OTHERS[0],
    "cnn_meankept": OTHERS[1],
    "log_pk": OTHERS[2],
    "pk_bk": OTHERS[3],
    "mean": "#56B4E9",
    "variance": "#8B5A2B",
}


def colours() -> dict[str, str]:
    """``COLOURS`` by what people read."""
    return {label(name): colour for name, colour in COLOURS.items()}


def label(name: str) -> str:
    """What people read for a network or a baseline."""
    return LABELS.get(name) or (BASELINES[name].label if name in BASELINES else name)


def score_table(material: Material, tests: Mapping[str, dict[str, Any]]) -> str:
    """All classifiers with their measures on the test seeds, and below each network's mean what bounds them."""
    rows = [
        [escape(name), *(cell(test[key]) if key in test else "" for key in MEASURES)] for name, test in tests.items()
    ]
    for model in material.models.values():
        bound = model.metrics.get("bound")
        if bound is not None:
            kept = "mean kept" if model.metrics["mean_kept"] else "mean removed"
            text = f"<i>bound, Gaussian fields, {kept}</i>"
            rows.append([text, "", cell(bound["auc"]), *[""] * (len(MEASURES) - 2)])
    return table(("classifier", *MEASURES.values()), rows)


def score_note(material: Material) -> str:
    """How the table is to be read."""
    first = next(iter(material.models.values())).metrics
    seeds = len(first["seeds"]["test"])
    text = (
        f"On {seeds} test seeds; in brackets 95 % bootstrap intervals over seeds. AUC: how often a GR cube scores above"
        " a Newton cube; between universes: without its own twin, which is no independent draw; accuracy: share of"
        " cubes on the right side of 0 (every seed brings both theories, so that it is the balanced accuracy too);"
        " paired accuracy: share of seeds whose GR cube scores above its Newtonian twin; average precision: area under"
        " the curve of precision over recall. Chance is 0.5 in each. Calibration error: mean distance between the"
        " probability given and the share of GR, after a temperature fitted on the validation seeds; 0 is perfect."
    )
    if "slices" in first:
        low, high = first["slices"]["per_cube"]
        count = str(low) if low == high else f"{low} to {high}"
        text += (
            f" The network scores parts of cubes; the score of a cube is the mean logit of its {count} parts. A single"
            f" part has AUC {interval(first['slices']['test']['auc'])}, its error over seeds, not parts."
        )
    return text


def bound_note(material: Material) -> str:
    """What the bound says, with the numbers of the main network; empty where there is none."""
    first = next(iter(material.models.values())).metrics
    bound = first.get("bound")
    if bound is None:
        return ""
    reached = first["test"]["unpaired_auc"]
    text = (
        f"The bound: were the fields Gaussian with the mean spectra of the training seeds, no score of a single cube"
        f" could have an AUC between universes above {interval(bound['auc'])} from all {bound['modes']} modes, or"
        f" {interval(bound['auc_shells'])} from the {bound['modes_shells']} modes that log P(k) sees; the noise of the"
        f" spectra alone would give {bound['null']:.2f}."
    )
    if reached["low"] > bound["auc"]["high"]:
        return text + (
            f" The network's {interval(reached)} lies above it: it uses what is not in the power spectrum, or what is"
            " no physics."
        )
    if reached["high"] < bound["auc"]["low"]:
        return text + f" The network's {interval(reached)} stays below: it has not found all that the spectra hold."
    return text + f" The network's {interval(reached)} agrees with it within errors."


def confusion_table(material: Material) -> str:
    """How many cubes of each theory were called what, for every network."""
    rows = []
    for name, model in material.models.items():
        for theory, called in model.metrics.get("confusion", {}).items():
            shown = {"newton": "Newton", "gr": "GR"}[theory]
            shares = [f"{entry['count']:g}: {cell(entry)}" for entry in (called["newton"], called["gr"])]
            rows.append([f"{escape(label(name))}: {shown}", *shares])
    return table(("true theory", "called Newton", "called GR"), rows) if rows else ""


def curves(material: Material, classifiers: Mapping[str, Any]) -> str:
    """ROC and precision-recall curves, then reliability and the table of confusion."""
    networks = {label(name): classifiers[label(name)] for name in material.models}
    baselines = {label(name): classifiers[label(name)] for name in DRAWN if label(name) in classifiers}
    reliabilities = {label(name): model.metrics["reliability"] for name, model in material.models.items()}
    for name in ("log_pk", "pk_bk"):
        if label(name) in classifiers:
            rows = [row.as_json() for row in reliability(classifiers[label(name)], ROC_RESAMPLES)]
            reliabilities[label(name)] = {"raw": rows, "calibrated": rows}
    temperatures = ", ".join(
        f"{model.metrics['temperature']:.3g} ({label(name)})" for name, model in material.models.items()
    )
    return "".join(
        [
            "<h3>ROC curves</h3>",
            figure(
                image(
                    render(roc([networks, baselines], colours())),
                    "ROC curves on the test seeds, precision and recall",
                    True,
                ),
                f"Test seeds. Bands are pointwise 95 % intervals from {ROC_RESAMPLES} bootstrap resamples of the seeds."
                " The AUC of the legend is the area under the curve. Right: precision against recall of the networks.",
            ),
            "<h3>Calibration</h3>",
            figure(
                image(
                    render(reliability_curves(reliabilities, colours())), "Reliability curves on the test seeds", True
                ),
                "Share of GR cubes among test cubes given a probability, in ten bins, with 95 % intervals over seeds."
                f" Left: as scored; right: logits divided by the temperature that fits the validation seeds best,"
                f" {temperatures}. Baselines come with theirs.",
            ),
            confusion_table(material),
        ]
    )


def fit_words(material: Material) -> str:
    """What the loss curves show of each network, in words."""
    found = {label(name): model.metrics.get("fit") for name, model in material.models.items()}
    sentences = {name: re.sub(r"-(?=\d)", "\N{MINUS SIGN}", fit["words"]) for name, fit in found.items() if fit}
    return "".join(paragraph(f"{name[0].upper()}{name[1:]}: {words}") for name, words in sentences.items())


def learning_curve(material: Material) -> str:
    """The figure against the number of training seeds; empty where no curve was asked for."""
    curve = material.learning_curve
    if curve is None:
        return ""
    bound = next(iter(material.models.values())).metrics.get("bound")
    drawing = seeds_curve(
        curve,
        {name: label(name) for name in ("log_pk", "pk_bk")},
        bound["auc"]["value"] if bound else None,
        colours(),
    )
    epochs = ", ".join(f"{point['epochs']} with {point['seeds']}" for point in curve["points"])
    return "<h3>More seeds?</h3>" + figure(
        image(render(drawing), "AUC and loss by number of training seeds", True),
        f"The main network and two baselines trained with fewer seeds, tested on the same {curve['test_seeds']}; 95 %"
        " intervals over test seeds. Sets of training seeds are nested. Epochs make the number of steps about the same:"
        f" {epochs}. Where the training part (dashed) does much better than the test part, more seeds would help.",
    )
