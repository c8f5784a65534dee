"""What training finds: nothing where there is nothing to find, and the same again from other initial weights."""

from __future__ import annotations

import numpy as np

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, Result, at_chance, one_retraining, tells
from weakfield.audit.records import Verdict
from weakfield.dataset.pairs import flip_half

SHUFFLE_SEED = 7_301


def labels_shuffled(audit: AuditRun) -> Result:
    """Train the same network on labels that mean nothing."""
    random = np.random.default_rng(SHUFFLE_SEED)
    shuffled = {part: flip_half(cubes, random) for part, cubes in audit.cubes.items()}
    scores = audit.retrain("labels_shuffled", shuffled)
    return Result(
        audit.unpaired_auc(scores),
        "test AUC between universes, of a network trained on shuffled labels",
        at_chance(audit, scores),
        scores=scores,
        p=alarms.of_knowing(audit, scores),
    )


LABELS_SHUFFLED = Control(
    name="labels_shuffled",
    question="Does the training find labels that carry no information?",
    expectation="Labels exchanged within half of the pairs of every part: the AUC must be 0.5.",
    how="A network is trained, chosen and tested on pairs of which half have their labels exchanged.",
    verdicts=(
        "Clean: at chance, in an interval that ends below the AUC of the network. Shortcut: above chance, so that"
        " seeds leak between the parts or the test part took part in a choice."
    ),
    blind="A leak that needs true labels, such as hyper-parameters chosen on test seeds earlier.",
    run=labels_shuffled,
    uses=(),
    needs=one_retraining,
    least=1,
)


def other_weights(audit: AuditRun) -> Result:
    """Train the same network from other initial weights, for as many epochs as the audit allows."""
    again = audit.retrain("other_weights", audit.cubes)
    network = audit.scores()
    difference = audit.auc_difference(again, network)
    verdict: Verdict = "inconclusive"
    if tells(audit, network):
        if tells(audit, again) and difference.low <= 0 <= difference.high:
            verdict = "clean"
        elif audit.retraining.epochs == audit.study.training.epochs and difference.high < 0:
            verdict = "shortcut"
    return Result(
        difference,
        "test AUC of a network trained from other initial weights minus that of the network",
        verdict,
        remark=(
            f"AUC {audit.auc(again)} after {audit.retraining.epochs} epochs, {audit.auc(network)} of the network"
            f" after {audit.study.training.epochs}"
            + (f"; paired accuracy {audit.paired(again)} and {audit.paired(network)}." if audit.study.paired else ".")
        ),
        scores=again,
        p=max(alarms.of_telling(audit, network), alarms.of_gain(audit, network, again)),
    )


OTHER_WEIGHTS = Control(
    name="other_weights",
    question="Does the result depend on the initial weights, or on the number of epochs that the audit trains for?",
    expectation="The same AUC within its error: what other retrainings find can then be compared with the network.",
    how="The network is trained again on the same cubes with another random seed and the audit's number of epochs.",
    verdicts=(
        "Clean: both tell the theories apart and their AUCs agree. Shortcut: after as many epochs as the network's own"
        " the result does not come back. Inconclusive after fewer: no retraining that finds nothing is then counted."
    ),
    blind="A cause that every training finds.",
    run=other_weights,
    uses=(),
    needs=one_retraining,
    least=1,
)


CONTROLS = (LABELS_SHUFFLED, OTHER_WEIGHTS)
