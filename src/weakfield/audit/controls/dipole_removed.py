"""The six modes of the fundamental wavelength along the axes taken out."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, survival_verdict
from weakfield.fourier.filters import stop_band

#: |n| = 1 and no other mode
DIPOLE = (0.5, 1.2)


def run(context: Context) -> Result:
    scores = context.score(context.altered(lambda pair: stop_band(pair, *DIPOLE, context.dim)))
    share = context.share(scores)
    return Result(
        share,
        "share of the network's logit difference left without the modes |n| = 1",
        survival_verdict(context, scores, share),
        remark=f"Twins are still ordered in {context.paired(scores)} of the seeds.",
        scores=scores,
    )


CONTROL = Control(
    name="dipole_removed",
    question="Does the network's answer hang on the dipole of the box, six modes?",
    expectation="At least half of its logit difference must stay without them.",
    how="The six modes |n| = 1 are taken out of the test cubes; the network, as trained, scores what is left.",
    verdicts="Clean: more than half of the logit difference stays. Shortcut: less than half does.",
    blind="Cubes without a dipole are new to the network; fundamental_removed trains again.",
    run=run,
)
