"""What the networks reached and whether to believe it: verdict, classification, explanation. One section a function."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from weakfield.base.errors import BadInput
from weakfield.learning import Scores
from weakfield.report.figures import (
    ROC_RESAMPLES,
    learning_curves,
    roc,
    saliency_maps,
    saliency_shells,
    score_distributions,
)
from weakfield.report.html import absent, cell, figure, image, interval, minus, paragraph, render, table
from weakfield.report.material import Material

LABELS = {"cnn": "network, mean removed", "cnn_meankept": "network, mean kept"}
BASELINES = {"mean": "cube mean alone", "log_pk": "log P(k) alone"}
CHANCE = 0.5


def verdict(material: Material) -> str:
    """The sentence of the audit, first on the page."""
    if material.audit is None:
        return absent("verdict", "audit")
    return f'<p class="verdict"><b>Verdict of the audit</b>{escape(material.audit["summary"])}</p>'


def classification(material: Material) -> str:
    """Table of test scores, and what they say about the cube mean."""
    rows = [
        [escape(name), *(cell(test[key]) for key in ("auc", "unpaired_auc", "accuracy", "paired_accuracy"))]
        for name, test in tests(material).items()
    ]
    if not rows:
        return absent("classifier", "train")
    seeds = len(next(iter(material.models.values())).metrics["seeds"]["test"])
    head = ("classifier", "AUC", "AUC between universes", "accuracy", "paired accuracy")
    note = (
        f"On {seeds} test seeds; in brackets 95 % bootstrap intervals over seeds. AUC: how often a GR cube scores above"
        " a Newton cube; between universes: without its own twin, which is no independent draw; accuracy: share of"
        " cubes on the right side of 0; paired accuracy: share of"
        " seeds whose GR cube scores above its Newtonian twin. Chance is 0.5 in each."
    )
    return table(head, rows) + paragraph(note, "note") + paragraph(plain_point(material))


def tests(material: Material) -> dict[str, dict[str, Any]]:
    """Test metrics by the name of the classifier: networks, then baselines."""
    models = material.models
    found = {LABELS.get(name, name): model.metrics["test"] for name, model in models.items()}
    if models:
        for name, metrics in next(iter(models.values())).metrics["baselines"].items():
            found[BASELINES.get(name, name)] = metrics
    return found


def plain_point(material: Material) -> str:
    """What the cube mean gives away and what is left without it, in the words that the numbers allow."""
    found = tests(material)
    mean, power = (found.get(BASELINES[name]) for name in ("mean", "log_pk"))
    kept, removed = (found.get(LABELS[name]) for name in ("cnn_meankept", "cnn"))
    sentences = []
    if mean is not None:
        sentences.append(_with_mean(mean, kept))
    if removed is not None:
        sentences.append(_without_mean(removed, power))
    return " ".join(sentences)


def _with_mean(mean: dict[str, Any], kept: dict[str, Any] | None) -> str:
    monopole = f"the mean alone, a single number, has AUC {interval(mean['auc'])}"
    network = f" and the network {interval(kept['auc'])}" if kept is not None else ""
    start = f"With the cube mean kept, {monopole}{network}: "
    if not _above(mean):
        return start + "here the monopole does not tell the theories apart."
    reason = "Newtonian gravity leaves the mean of the potential at zero and relativity does not"
    if kept is None:
        return start + f"a classifier can win by the monopole, because {reason}."
    if _above(kept):
        return start + f"any classifier wins by the monopole, because {reason}."
    return start + "the monopole gives the theory away, though this network did not learn to use it."


def _without_mean(removed: dict[str, Any], power: dict[str, Any] | None) -> str:
    start = f"With it removed the network has to work and reaches {interval(removed['auc'])}"
    if _above(removed):
        text = start + ", above chance."
    else:
        text = start + ", not distinguishable from chance on this many seeds."
    paired = removed["paired_accuracy"]
    if paired["low"] > CHANCE and paired["value"] > removed["auc"]["value"]:
        text += (
            f" Within a pair, where cosmic variance cancels, it puts the GR cube above its twin in"
            f" {100 * paired['value']:.0f} % of the test seeds."
        )
    if power is not None:
        text += f" Logistic regression on log P(k) reaches {interval(power['auc'])}; "
        lead = removed["auc"]["value"] - power["auc"]["value"]
        if lead > 0:
            text += "the audit says whether the network's lead over it is significant."
        else:
            text += "the network does not do better, so it shows nothing beyond the power spectrum."
    return text


def _above(test: dict[str, Any]) -> bool:
    return bool(test["unpaired_auc"]["low"] > CHANCE)


def classifiers(material: Material) -> dict[str, Scores]:
    """Test scores by the name of the classifier, in the order of ``tests``."""
    models = material.models
    found = {LABELS.get(name, name): model.scores["network"]["test"] for name, model in models.items()}
    if models:
        first = next(iter(models.values()))
        for name in first.metrics["baselines"]:
            found[BASELINES.get(name, name)] = first.scores[name]["test"]
    return found


def training(material: Material) -> str:
    """Learning curves, ROC curves and score distributions."""
    if not material.models:
        return absent("training", "train")
    histories = {LABELS.get(name, name): model.history for name, model in material.models.items()}
    scores = classifiers(material)
    first = next(iter(scores))
    return "".join(
        [
            "<h3>Learning curves</h3>",
            figure(
                image(render(learning_curves(histories)), "Loss and validation AUC by epoch", True),
                "Left: loss of the training part (dashed) and of the validation part (solid). Right: AUC on the"
                " validation part. Dots mark the epoch that was kept, the one of smallest validation loss; the test"
                " part had no say. One training each, so no error bars.",
            ),
            "<h3>ROC curves</h3>",
            figure(
                image(render(roc(scores)), "ROC curves on the test seeds"),
                f"Test seeds. The grey band is the pointwise 95 % interval of the first curve ({first}) from"
                f" {ROC_RESAMPLES} bootstrap resamples of the seeds. The AUC of the legend is the"
                " area under the curve.",
            ),
            "<h3>Scores</h3>",
            figure(
                image(render(score_distributions(scores)), "Logits of the test cubes of both theories", True),
                "Logit of every test cube; a line joins the two universes of a seed, and the bars outside count cubes"
                " in bins of logit (longest bar normalised). Each cube is shown, so there are no error bars. Lines that"
                " all rise mean that the pairing gives the theory away even where the two distributions overlap.",
            ),
        ]
    )


def explanation(material: Material) -> str:
    """Saliency of one test pair in cells and by Fourier shell."""
    found = material.explanation
    if found is None:
        return absent("saliency", "explain")
    path = material.folder.explain / "saliency.npz"
    try:
        with np.load(path) as arrays:
            projections = arrays["projections"]
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path} is not readable: {error}; expected the arrays of the explain stage") from error
    pair = found["fourier"]["pair"]
    logit = found["logit"]
    difference = found["logit_difference"]
    total = minus(
        f"Test pair of seed {found['seed']}, {LABELS[found['model']]}: logit {logit['newton']:.4g} (Newton) and"
        f" {logit['gr']:.4g} (GR), a difference of {difference:.3g}. Gradient times input, with the mean of the two"
        f" gradients and the difference of the two cubes, attributes {pair['total']:.3g} of it"
        f"{_share(pair['total'], difference)}. Of that, {pair['mean']:.3g}{_share(pair['mean'], pair['total'])} belongs"
        f" to the cube mean and {pair['rest']:.3g}{_share(pair['rest'], pair['total'])}"
        " to modes in no shell: the corners of the Fourier cube and its Nyquist planes."
    )
    maps = (
        "Signed gradient of the logit with respect to each cell of the normalised cube, summed along z, y and x (rows),"
        " for the Newton cube, the GR cube and their difference (columns, each with its own colour scale). Purple: more"
        " of the field there raises the score for GR. Exact derivatives of one network for one pair, hence no errors."
    )
    shells = (
        "Left: contribution of every Fourier shell to the difference of the logits; the contributions of all modes add"
        " up to gradient times input exactly. Right: power of the gradients by shell. One pair and one network, hence"
        " no error bars."
    )
    return "".join(
        [
            paragraph(total),
            "<h3>By Fourier shell</h3>",
            figure(image(render(saliency_shells(found)), "Attribution by Fourier shell", True), shells),
            "<h3>By cell</h3>",
            figure(image(render(saliency_maps(projections, found["box_size_mpch"])), "Saliency maps", True), maps),
        ]
    )


def _share(part: float, whole: float) -> str:
    """`` (42 %)``, or nothing when the whole is nothing."""
    return f" ({100 * part / whole:.0f} %)" if whole else ""
