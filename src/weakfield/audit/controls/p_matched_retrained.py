"""Each GR cube rescaled to the power of its twin at every |k|; a network trained again on such pairs."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, learns, one_retraining, tells
from weakfield.fourier.altered import match_power


def run(context: Context) -> Result:
    def change(pair: Tensor) -> Tensor:
        newton, gr = pair
        return torch.stack([match_power(member, newton, True, context.dim) for member in (newton, gr)])

    scores = context.retrain("p_matched_retrained", context.all_altered(change))
    network = context.scores()
    difference = context.auc_difference(scores, network)
    verdict: Verdict = "inconclusive"
    if tells(context, scores):
        verdict = "clean"
    elif learns(context) and difference.high < 0:
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
