"""How easily chance raises an alarm, and Holm's correction of the alarms of an audit for the number of its questions.

Every control whose verdict can be ``shortcut`` gives the probability ``p``, one-sided, with which its alarm is raised
where nothing is wrong. An alarm that needs several findings (the network tells the theories apart, and lives on less
than half of it) has the largest of their probabilities: it is raised only if all are (Berger 1982, intersection-union).
Probabilities of an AUC above chance are the larger of two: the share of bootstrap resamples on the wrong side, and that
of exchanges within pairs that do as well, which is exact for few seeds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weakfield.audit.audit_run import AuditRun
from weakfield.audit.records import ControlRow
from weakfield.learning import Scores
from weakfield.learning.metrics import paired_accuracy, resampled_auc, resampled_unpaired_auc
from weakfield.learning.scores import CHANCE, FEWEST_SEEDS, bootstrap_weights
from weakfield.learning.significance import chance_of_auc, chance_of_order

#: probability that an audit of a study in which nothing is wrong raises any alarm
ALPHA = 0.05


def corrected(rows: Sequence[ControlRow]) -> tuple[ControlRow, ...]:
    """The rows with alarms that chance does not explain, whatever the number of questions (Holm 1979).

    The rows with a ``p`` are the family. From the smallest on, p times the number of questions that are left is the
    probability ``p_family``, and never below that of the one before. An alarm with one above ``ALPHA`` becomes
    inconclusive, and its remark says so. Rows without ``p`` stay as they are.
    """
    family = sorted((row.p, place) for place, row in enumerate(rows) if row.p is not None)
    found, least = list(rows), 0.0
    for rank, (p, place) in enumerate(family):
        least = max(least, min(1.0, p * (len(family) - rank)))
        row = rows[place].model_copy(update={"p_family": least})
        if row.verdict == "shortcut" and least > ALPHA:
            said = (
                f"Asked alone, this would be an alarm; among {len(family)} questions chance raises one like it with"
                f" probability {least:.2g}."
            )
            row = row.model_copy(update={"verdict": "inconclusive", "remark": f"{row.remark} {said}".strip()})
        found[place] = row
    return tuple(found)


def tail(beyond: np.ndarray) -> float:
    """Share of resamples that are on the other side of a line, never 0: one more, of one more."""
    return float((1 + np.count_nonzero(beyond)) / (1 + len(beyond)))


def of_knowing(audit: AuditRun, scores: Scores) -> float:
    """Probability of so large an AUC between universes for a classifier that knows nothing."""
    if len(scores.seeds) < FEWEST_SEEDS:
        return 1.0
    weights = bootstrap_weights(len(scores.seeds), audit.study.audit.bootstrap)
    return max(tail(resampled_unpaired_auc(scores, weights) <= CHANCE), chance_of_auc(scores))


def of_telling(audit: AuditRun, scores: Scores) -> float:
    """Probability that a classifier that knows nothing passes ``contract.tells``: either of two tests, so doubled."""
    ordered = chance_of_order(paired_accuracy(scores), len(scores.seeds))
    return min(1.0, 2 * min(of_knowing(audit, scores), ordered)) if len(scores.seeds) >= FEWEST_SEEDS else 1.0


def of_learning(audit: AuditRun) -> float:
    """Probability that a retraining that finds nothing counts (``contract.learns``) though there is nothing to find."""
    again = audit.retrained("other_weights")
    return 1.0 if again is None else of_telling(audit, again)


def of_less(audit: AuditRun, part: np.ndarray, whole: np.ndarray | None = None) -> float:
    """Probability of an alarm because less than half of the network's logit difference (seeds,) is left in ``part``."""
    return _of_share(audit, part, whole, more=False)


def of_more(audit: AuditRun, part: np.ndarray, whole: np.ndarray | None = None) -> float:
    """Probability of an alarm because a suspect gives more than half of the network's logit difference (seeds,)."""
    return _of_share(audit, part, whole, more=True)


def of_gain(audit: AuditRun, better: Scores, worse: Scores) -> float:
    """Probability that the AUC of one classifier lies above that of another by the draw of the test seeds alone."""
    weights = bootstrap_weights(len(better.distinct), audit.study.audit.bootstrap)
    return tail(resampled_auc(better, weights) <= resampled_auc(worse, weights))


def of_anything(drawn: np.ndarray) -> float:
    """Probability, two-sided, that resamples all but exclude 0 where it is the truth."""
    return min(1.0, 2 * min(tail(drawn <= 0), tail(drawn >= 0)))


def _of_share(audit: AuditRun, part: np.ndarray, whole: np.ndarray | None, more: bool) -> float:
    network = audit.scores()
    drawn = audit.resampled_ratio(part, network.gr - network.newton if whole is None else whole)
    return max(of_telling(audit, network), tail(drawn <= CHANCE if more else drawn >= CHANCE))
