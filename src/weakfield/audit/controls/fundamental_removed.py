"""The shell of k_F taken out, and the network trained again without it."""

from __future__ import annotations

from torch import Tensor

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, learns, one_retraining, said, tells
from weakfield.fourier.filters import stop_band

#: the 18 modes |n|^2 = 1 and 2
SHELL = (0.5, 1.5)


def run(context: Context) -> Result:
    def change(pair: Tensor) -> Tensor:
        return stop_band(pair, *SHELL, context.dim)

    again = context.retrain("fundamental_removed", context.all_altered(change))
    share = context.share(context.score(context.altered(change)))
    verdict: Verdict = "inconclusive"
    if tells(context, context.scores()):
        if tells(context, again):
            verdict = "clean"
        elif learns(context) and share.high < 0.5:
            verdict = "shortcut"
    return Result(
        context.paired(again),
        "paired accuracy of a network retrained without the k_F shell",
        verdict,
        remark=f"The network as trained keeps {said(share)} of its logit difference without that shell.",
        scores=again,
        more={"share": share.as_json()},
    )


CONTROL = Control(
    name="fundamental_removed",
    question="Is there anything to learn without the largest waves of the box?",
    expectation="Yes: the shell of k_F holds 18 modes, and is where radiation and gauge matter most.",
    how="The shell 0.5 to 1.5 k_F is taken out of every cube, a network is trained again on the rest.",
    verdicts="Clean: it tells the theories apart. Shortcut: it does not, and the network lost most of its answer.",
    blind="An error of initial conditions that reaches beyond the first shell (low_pass, high_pass).",
    run=run,
    needs=one_retraining,
    least=1,
)
