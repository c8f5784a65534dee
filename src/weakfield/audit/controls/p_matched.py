"""Each GR cube rescaled shell by shell to the power of its twin; the network as trained."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, said, survival_verdict


def run(context: Context) -> Result:
    scores, finest = (context.score(context.equal_power[which]) for which in (False, True))
    share, left = context.share(scores), context.share(finest)
    return Result(
        share,
        "share of the network's logit difference left at equal P(k)",
        survival_verdict(context, scores, share),
        remark=(
            f"Twins of equal power are ordered in {context.paired(scores)} of the seeds. With the power of every |k|"
            f" matched, not of shells, {said(left)} of the logit difference is left, twins are ordered in"
            f" {context.paired(finest)}."
        ),
        scores=scores,
        more={"finest": {"share": left.as_json(), "paired_accuracy": context.paired(finest).as_json()}},
    )


CONTROL = Control(
    name="p_matched",
    question="What does the network still see when twins have the same power spectrum?",
    expectation="At least half of its logit difference, if it looks beyond P(k).",
    how=(
        "The modes of each GR test cube are rescaled, in shells of k_F, corners and Nyquist planes included, to the"
        " power of the Newtonian twin; the network as trained scores both. Once more with a shell for every |k|."
    ),
    verdicts="Clean: more than half is left. Shortcut: P(k) explains more than half.",
    blind="Power that varies inside a shell or with direction; p_matched_retrained asks what there is to learn.",
    run=run,
)
