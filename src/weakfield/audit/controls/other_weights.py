"""The same training from other initial weights, with the audit's number of epochs."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, one_retraining, tells


def run(context: Context) -> Result:
    again = context.retrain("other_weights", context.cubes)
    network = context.scores()
    difference = context.auc_difference(again, network)
    verdict: Verdict = "inconclusive"
    if tells(context, network):
        if tells(context, again) and difference.low <= 0 <= difference.high:
            verdict = "clean"
        elif context.retraining.epochs == context.study.training.epochs and difference.high < 0:
            verdict = "shortcut"
    return Result(
        difference,
        "test AUC of a network trained from other initial weights minus that of the network",
        verdict,
        remark=(
            f"AUC {context.auc(again)} after {context.retraining.epochs} epochs, {context.auc(network)} of the network"
            f" after {context.study.training.epochs}; paired accuracy {context.paired(again)} and"
            f" {context.paired(network)}."
        ),
        scores=again,
    )


CONTROL = Control(
    name="other_weights",
    question="Does the result depend on the initial weights, or on the number of epochs that the audit trains for?",
    expectation="The same AUC within its error: what other retrainings find can then be compared with the network.",
    how="The network is trained again on the same cubes with another random seed and the audit's number of epochs.",
    verdicts=(
        "Clean: both tell the theories apart and their AUCs agree. Shortcut: after as many epochs as the network's own"
        " the result does not come back. Inconclusive after fewer: no retraining that finds nothing is then counted."
    ),
    blind="A cause that every training finds.",
    run=run,
    needs=one_retraining,
    least=1,
)
