"""What the networks reached and whether to believe it: verdict and classification. One section a function."""

from __future__ import annotations

from html import escape
from typing import Any

from weakfield.learning import Scores, baselines
from weakfield.report import results
from weakfield.report.figures import learning_curves, score_distributions
from weakfield.report.html import absent, figure, image, interval, paragraph, render
from weakfield.report.material import Material

LABELS = results.LABELS
BASELINES = {name: baseline.label for name, baseline in baselines.BASELINES.items()}
CHANCE = 0.5


def verdict(material: Material) -> str:
    """The sentence of the audit, first on the page."""
    if material.audit is None:
        return absent("verdict", "audit")
    return f'<p class="verdict"><b>Verdict of the audit</b>{escape(material.audit["summary"])}</p>'


def classification(material: Material) -> str:
    """Table of test scores beside their bound, and what they say about the cube mean."""
    found = tests(material)
    if not found:
        return absent("classifier", "train")
    notes = [paragraph(results.score_note(material), "note"), paragraph(plain_point(material))]
    bound = results.bound_note(material)
    return results.score_table(material, found) + "".join(notes) + (paragraph(bound) if bound else "")


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
    """Learning curves with what they show in words, ROC curves, calibration, score distributions."""
    if not material.models:
        return absent("training", "train")
    histories = {LABELS.get(name, name): model.history for name, model in material.models.items()}
    scores = classifiers(material)
    drawn = [*material.models, *results.DRAWN[:1], *results.DRAWN[2:]]
    shown = {results.label(name): scores[results.label(name)] for name in drawn if results.label(name) in scores}
    return "".join(
        [
            "<h3>Learning curves</h3>",
            figure(
                image(render(learning_curves(histories)), "Loss and validation AUC by epoch", True),
                "Left: loss of the training part (dashed) and of the validation part (solid). Right: AUC on the"
                " validation part. Dots mark the epoch that was kept, the one of smallest validation loss; the test"
                " part had no say. One training each, so no error bars.",
            ),
            results.fit_words(material),
            results.learning_curve(material),
            results.curves(material, scores),
            "<h3>Scores</h3>",
            figure(
                image(render(score_distributions(shown)), "Logits of the test cubes of both theories", True),
                "Logit of every test cube; a line joins the two universes of a seed, and the bars outside count cubes"
                " in bins of logit (longest bar normalised). Each cube is shown, so there are no error bars. Lines that"
                " all rise mean that the pairing gives the theory away even where the two distributions overlap.",
            ),
        ]
    )
