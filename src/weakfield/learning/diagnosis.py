"""Under- and overfitting named in words, from the curves of training and validation and the error of their gap.

Nothing is named of a network that is at chance on the validation part: its gap is that of any guess.

The gap is the loss of the validation part minus that of the training part, both of the kept network in eval mode and
without augmentation; its error comes from bootstraps over the seeds of both parts. Anything smaller than two standard
errors of the gap is not named.
"""

from __future__ import annotations

import numpy as np

from weakfield.learning.losses import BCE, Judgement, Terms
from weakfield.learning.metrics import evaluate
from weakfield.learning.results import Diagnosis, History
from weakfield.learning.scores import Array, Scores, bootstrap_weights, interval, resampled_mean, tells_apart

STANDARD_ERRORS = 2.0


def diagnose(
    history: History,
    train: Scores,
    validation: Scores,
    resamples: int,
    loss: Judgement = BCE,
    paired: bool = True,
) -> Diagnosis:
    """Diagnose what the history of a training shows.

    ``loss`` is the loss of the training; cubes that are not ``paired`` have no pairs to order. ``underfitting``: not
    even the training part is told apart better than by chance. ``chance``: the validation part is not, neither between
    universes nor within pairs. ``overfitting``: the training part is told apart better than the validation part; or
    the validation loss rose after the kept epoch while the training loss went on falling. ``unfinished``: the kept
    epoch is among the last and the validation loss was still falling. Otherwise ``neither``.
    """
    terms, chance, unit = loss.terms, loss.chance, loss.unit
    known, known_drawn = _loss(terms, train, resamples)
    unknown, unknown_drawn = _loss(terms, validation, resamples)
    gap = interval(unknown - known, unknown_drawn - known_drawn)
    error = float(np.std(unknown_drawn - known_drawn))
    least = STANDARD_ERRORS * error
    rows, best = history.epochs, history.best_epoch
    if float(np.quantile(known_drawn, 0.975)) >= chance:
        said = (
            f"Underfitting: the loss of the training part itself, {known:.3f}, is not below the {chance:.3f} of"
            " guessing by more than its error, so the network has learnt nothing; more steps, another learning rate or"
            " a larger network may."
        )
        return Diagnosis(verdict="underfitting", gap=gap, words=said)
    found = evaluate(validation, resamples, paired)
    if not tells_apart(found["unpaired_auc"], found.get("paired_accuracy"), len(validation.distinct)):
        where = "neither between universes nor within pairs, " if paired else ""
        said = (
            f"At chance: on {len(validation.distinct)} validation seeds the network does not tell the theories apart,"
            f" {where}so that the curves say nothing of how it fits."
        )
        return Diagnosis(verdict="chance", gap=gap, words=said)
    sentences: list[str] = []
    if gap.low > 0:
        sentences.append(
            f"Overfitting: the training part is known better than the validation part, by {gap.value:.3f} {unit}"
            f" ({gap.low:.3f} to {gap.high:.3f}); more seeds or more regularisation would help."
        )
    rise = rows[-1].validation_loss - rows[best].validation_loss
    if rise > least and rows[-1].train_loss < rows[best].train_loss:
        sentences.append(
            f"After epoch {rows[best].epoch + 1}, the one that is kept, training overfits: the validation loss rises"
            f" by {rise:.3f} (error {error:.3f}) while the training loss falls on."
        )
    if sentences:
        return Diagnosis(verdict="overfitting", gap=gap, words=" ".join(sentences))
    quarter = max(1, len(rows) // 4)
    falling = rows[max(best - quarter, 0)].validation_loss - rows[best].validation_loss
    if best >= len(rows) - max(1, len(rows) // 20) and falling > least:
        said = (
            f"Unfinished: the validation loss was still falling when training ended, by {falling:.3f} (error"
            f" {error:.3f}) in the last {quarter} epochs; more epochs would help."
        )
        return Diagnosis(verdict="unfinished", gap=gap, words=said)
    said = (
        f"Neither under- nor overfitting: the gap between validation and training loss is {gap.value:.3f} {unit}"
        f" ({gap.low:.3f} to {gap.high:.3f})."
    )
    return Diagnosis(verdict="neither", gap=gap, words=said)


def _loss(terms: Terms, scores: Scores, resamples: int) -> tuple[float, Array]:
    values = terms(scores)
    weights = bootstrap_weights(len(scores.distinct), resamples)
    return float(values.mean()), resampled_mean(scores, values, weights)
