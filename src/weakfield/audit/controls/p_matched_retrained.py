"""Each GR cube rescaled to the power of its twin at every |k|; a network trained again on such pairs."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, one_retraining, tells
from weakfield.audit.controls.p_matched import matched


def run(context: Context) -> Result:
    cubes = context.all_altered(matched(context.dim, finest=True))
    scores = context.retrain("p_matched_retrained", cubes)
    network = context.scores()
    difference = context.auc_difference(scores, network)
    verdict: Verdict = "inconclusive"
    if tells(context, scores):
        verdict = "clean"
    elif tells(context, network) and difference.high < 0:
        verdict = "shortcut"
    return Result(
        context.unpaired_auc(scores),
        "test AUC between universes of a network trained on pairs of equal P(k)",
        verdict,
        remark=f"Twins of equal power are ordered in {context.paired(scores)} of the seeds.",
        scores=scores,
    )


CONTROL = Control(
    name="p_matched_retrained",
    question="Is there anything to learn when twins have the same power spectrum?",
    expectation="An AUC or paired accuracy above 0.5, if the theories differ beyond P(k) by enough for these seeds.",
    how="All parts are matched in power at every |k|, and a network is trained on them.",
    verdicts=(
        "Clean: it tells the theories apart. Shortcut: it does not, and its AUC is below that of the network, so that"
        " the result is P(k)."
    ),
    blind="What a network of this size cannot learn from this many seeds.",
    run=run,
    needs=one_retraining,
    least=1,
)
