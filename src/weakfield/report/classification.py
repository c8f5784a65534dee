"""What the networks reached: scores beside their bound, training, calibration, the learning curve."""

from __future__ import annotations

import re

from markupsafe import Markup

from weakfield.base.figures import OTHERS
from weakfield.learning import Scores
from weakfield.learning.baselines import BASELINES
from weakfield.learning.calibration import reliability
from weakfield.learning.losses import judgement
from weakfield.learning.results import Measures, Reliability, TwoSample
from weakfield.learning.scores import CHANCE, FEWEST_SEEDS
from weakfield.learning.training import kept_plugins
from weakfield.report.learning_figures import (
    BCE_LABEL,
    ROC_RESAMPLES,
    learning_curves,
    reliability_curves,
    roc,
    score_distributions,
    seeds_curve,
)
from weakfield.report.numbers import interval
from weakfield.report.page import Picture, absent, render
from weakfield.report.run_results import RunResults

LABELS = {"cnn": "network, mean removed", "cnn_meankept": "network, mean kept"}
BASELINE_LABELS = {name: baseline.label for name, baseline in BASELINES.items()}
#: baselines that have a curve of their own in figures; the table lists all
DRAWN = ("mean", "variance", "log_pk", "pk_bk")
#: baselines whose scores are shown beside those of the networks
SHOWN = ("mean", "log_pk", "pk_bk")
MEASURES = {
    "auc": "AUC",
    "unpaired_auc": "AUC between universes",
    "accuracy": "accuracy",
    "paired_accuracy": "paired accuracy",
    "average_precision": "average precision",
    "calibrated_ece": "calibration error",
}
#: what a loss is, for every choice of ``training.loss``; a user's own keeps its name
LOSSES = {
    "bce": BCE_LABEL,
    "cross_entropy": "cross-entropy  [nats per cube]",
    "mse": "squared error of the probability",
    "pair": "cross-entropy of the order  [nats per pair]",
}
#: one colour per classifier in all figures, none of them the colour of a theory
COLOURS = {
    "cnn": OTHERS[0],
    "cnn_meankept": OTHERS[1],
    "log_pk": OTHERS[2],
    "pk_bk": OTHERS[3],
    "mean": OTHERS[4],
    "variance": OTHERS[5],
}
#: a p-value below which two samples are said to differ
SIGNIFICANT = 0.05


def label(name: str) -> str:
    """The name of a network or a baseline as readers see it."""
    return LABELS.get(name) or BASELINE_LABELS.get(name, name)


def colours() -> dict[str, str]:
    """``COLOURS`` by the names that readers see."""
    return {label(name): colour for name, colour in COLOURS.items()}


def tests(results: RunResults) -> dict[str, Measures]:
    """Test results by the label of the classifier: networks, then baselines."""
    found = {label(name): model.metrics.test for name, model in results.models.items()}
    if results.models:
        found |= {label(name): measures for name, measures in results.main_model.metrics.baselines.items()}
    return found


def classification(results: RunResults) -> Markup:
    """Table of test scores beside their bound, and what they say about the cube mean."""
    if not results.models:
        return absent("classifier", "train")
    main = results.main_model.metrics
    return render(
        "classification.html",
        tests=tests(results),
        measures=measures_of(results),
        bounded="unpaired_auc" if results.study.paired else "auc",
        paired=results.study.paired,
        bounds=[model.metrics for model in results.models.values() if model.metrics.bound is not None],
        main=main,
        plain_point=plain_point(results),
        bound=bound_note(results),
        two_sample=two_sample_note(main.two_sample),
        left_out=main.left_out,
    )


def measures_of(results: RunResults) -> dict[str, str]:
    """``MEASURES`` that a study has; of cubes that are not paired, all are of different universes."""
    of_pairs = ("unpaired_auc", "paired_accuracy")
    return {key: name for key, name in MEASURES.items() if results.study.paired or key not in of_pairs}


def plain_point(results: RunResults) -> str:
    """What the cube mean reveals and what is left without it, in words that the numbers allow."""
    found = tests(results)
    mean, power = (found.get(label(name)) for name in ("mean", "log_pk"))
    kept, removed = (found.get(label(name)) for name in ("cnn_meankept", "cnn"))
    if (few := few_seeds(results)) is not None:
        return few
    sentences = []
    if mean is not None:
        sentences.append(_with_mean(mean, kept, imported=results.study.classes is not None))
    if removed is not None:
        sentences.append(_without_mean(removed, power))
    return " ".join(sentences)


def few_seeds(results: RunResults) -> str | None:
    """A sentence where there are so few test seeds that they can decide nothing, whatever the scores are."""
    seeds = len(results.main_model.metrics.seeds.test)
    if seeds >= FEWEST_SEEDS:
        return None
    return (
        f"With {seeds} test seed{'s' * (seeds > 1)} nothing can be told from chance: a perfect order of so few pairs"
        f" happens by chance too often; at least {FEWEST_SEEDS} are needed."
    )


def _with_mean(mean: Measures, kept: Measures | None, imported: bool) -> str:
    monopole = f"the mean alone, a single number, has AUC {interval(mean['auc'])}"
    network = f" and the network {interval(kept['auc'])}" if kept is not None else ""
    start = f"With the cube mean kept, {monopole}{network}: "
    if not _above_chance(mean):
        return start + "here the monopole does not tell the theories apart."
    reason = ", because Newtonian gravity leaves the mean of the potential at zero and relativity does not"
    if kept is None:
        return start + f"a classifier can win by the monopole{'' if imported else reason}."
    if _above_chance(kept):
        return start + f"any classifier wins by the monopole{'' if imported else reason}."
    return start + "the monopole gives the theory away, though this network did not learn to use it."


def _without_mean(removed: Measures, power: Measures | None) -> str:
    start = f"With it removed the network has to work and reaches {interval(removed['auc'])}"
    if _above_chance(removed):
        text = start + ", above chance."
    else:
        text = start + ", not distinguishable from chance on this many seeds."
    paired = removed.get("paired_accuracy")
    if paired is not None and paired.low > CHANCE and paired.value > removed["auc"].value:
        text += (
            " Within a pair, where cosmic variance cancels, it scores the GR cube above the Newtonian one in"
            f" {100 * paired.value:.0f} % of the test seeds."
        )
    if power is not None:
        text += f" Logistic regression on log P(k) reaches {interval(power['auc'])}; "
        if removed["auc"].value > power["auc"].value:
            text += "the audit says whether the network's lead over it is significant."
        else:
            text += "the network does not do better, so it shows nothing beyond the power spectrum."
    return text


def _above_chance(test: Measures) -> bool:
    return test["unpaired_auc"].low > CHANCE


def bound_note(results: RunResults) -> str:
    """What the bound means, with the numbers of the main network; empty where there is none."""
    main = results.main_model.metrics
    bound = main.bound
    if bound is None:
        return ""
    reached = main.test["unpaired_auc"]
    text = (
        f"The bound: were the fields Gaussian with the mean spectra of the training seeds, no score of a single cube"
        f" could have an AUC between universes above {interval(bound.auc)} from all {bound.modes} modes, or"
        f" {interval(bound.auc_shells)} from the {bound.modes_shells} modes that log P(k) sees; the noise of the"
        f" spectra alone would give {bound.null:.2f}. The network's {interval(reached)} "
    )
    if few_seeds(results) is not None:
        return text + "cannot be compared with it on so few test seeds."
    if reached.low > bound.auc.high:
        return text + "lies above it: it uses what is not in the power spectrum, or what is not physics."
    if reached.high < bound.auc.low:
        return text + "stays below: it has not found all that the spectra hold."
    return text + "agrees with it within errors."


def two_sample_note(found: TwoSample | None) -> str:
    """What the test of two samples says; empty where there were too few seeds for it."""
    if found is None:
        return ""
    text = (
        f"As two samples (PQMass): the test cubes of the theories, by P(k), B and wavelets in {found.cells} Voronoi"
        f" cells, differ by a chi² of {interval(found.chi2)} for each degree of freedom, averaged over tessellations;"
        f" exchanging the members of random pairs gives {interval(found.chance)}, and as much in"
        f" {interval(found.p_value)} of the exchanges. "
    )
    if found.p_value.high < SIGNIFICANT:
        return text + "The two sets of cubes differ."
    return (
        text + "The two sets of cubes cannot be told from one; unlike a classifier, this test looks for no direction."
    )


def classifiers(results: RunResults) -> dict[str, Scores]:
    """Test scores by the label of the classifier, in the order of ``tests``."""
    found = {label(name): model.test_scores for name, model in results.models.items()}
    if results.models:
        main = results.main_model
        found |= {label(name): main.scores[name]["test"] for name in main.metrics.baselines}
    return found


def training(results: RunResults) -> Markup:
    """Learning curves with a description of what they show, ROC curves, calibration, score distributions."""
    models = results.models
    if not models:
        return absent("training", "train")
    scores = classifiers(results)
    shown = {label(name): scores[label(name)] for name in (*models, *SHOWN) if label(name) in scores}
    networks = {label(name): scores[label(name)] for name in models}
    baselines = {label(name): scores[label(name)] for name in DRAWN if label(name) in scores}
    histories = {label(name): model.history for name, model in models.items()}
    drawn = score_distributions(shown, joined=results.study.paired)
    reliabilities = reliability_curves(_reliabilities(results, scores), colours())
    return render(
        "training.html",
        histories=Picture.of(learning_curves(histories, *_loss(results)), "Loss and validation AUC by epoch", True),
        fits=fits_in_words(results),
        curve=results.learning_curve,
        learning_curve=_learning_curve(results),
        roc=Picture.of(
            roc([networks, baselines], colours()), "ROC curves on the test seeds, precision and recall", True
        ),
        resamples=ROC_RESAMPLES,
        reliability=Picture.of(reliabilities, "Reliability curves on the test seeds", True),
        temperatures=", ".join(f"{model.metrics.temperature:.3g} ({label(name)})" for name, model in models.items()),
        confusion=confusion_table(results),
        paired=results.study.paired,
        scores=Picture.of(drawn, "Logits of the test cubes of both theories", True),
    )


def _loss(results: RunResults) -> tuple[str, float]:
    """The label of the axis of the loss, and the loss of a network that knows nothing."""
    settings = results.study.training
    chance = judgement(settings, kept_plugins(results.study, results.folder)).chance
    return LOSSES.get(settings.loss, f"loss  [{settings.loss}]"), chance


def fits_in_words(results: RunResults) -> list[str]:
    """What the loss curves show for each network."""
    found = {}
    for name, model in results.models.items():
        fit, at_chance = model.metrics.fit, model.metrics.at_chance
        silent = at_chance is not None and fit.verdict not in ("chance", "underfitting")
        found[label(name)] = f"{at_chance}; nothing is said of how it fits." if silent else fit.words
    words = {name: re.sub(r"-(?=\d)", "\N{MINUS SIGN}", text) for name, text in found.items()}
    return [f"{name[0].upper()}{name[1:]}: {text}" for name, text in words.items()]


def _reliabilities(results: RunResults, scores: dict[str, Scores]) -> dict[str, Reliability]:
    """Reliabilities of the networks as the train stage left them, and of two baselines from their scores."""
    found = {label(name): model.metrics.reliability for name, model in results.models.items()}
    for name in ("log_pk", "pk_bk"):
        if label(name) in scores:
            rows = reliability(scores[label(name)])
            found[label(name)] = Reliability(raw=rows, calibrated=rows)
    return found


def confusion_table(results: RunResults) -> Markup:
    """How the cubes of each theory were classified by every network; empty where that is not known."""
    theories = {"newton": "Newton", "gr": "GR"}
    rows = [
        (f"{label(name)}: {theories[theory]}", called["newton"], called["gr"])
        for name, model in results.models.items()
        for theory, called in model.metrics.confusion.items()
    ]
    return render("confusion.html", rows=rows)


def _learning_curve(results: RunResults) -> Picture | None:
    """The figure of scores against the number of training seeds, where such a curve was asked for."""
    if results.learning_curve is None:
        return None
    bound = results.main_model.metrics.bound
    points = results.learning_curve.points
    baselines = {name: label(name) for name in ("log_pk", "pk_bk") if all(name in p.baselines for p in points)}
    drawn = seeds_curve(results.learning_curve, baselines, bound.auc.value if bound else None, colours())
    return Picture.of(drawn, "AUC and loss by number of training seeds", True)
