"""Newton cubes multiplied by a number."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, said, tells
from weakfield.audit.surrogates import rescale

FACTORS = (0.9, 0.99)


def spread(cube: Tensor) -> float:
    """Root mean square about the mean."""
    return float(cube.double().numpy().std())


def run(context: Context) -> Result:
    network = context.scores()
    scaled = context.score(
        context.altered(lambda pair: torch.stack([pair[0], rescale(pair[0], spread(pair[1]) / spread(pair[0]))]))
    )
    share = context.share(scaled)
    rows, words = [], []
    for factor in FACTORS:
        scores = context.score(
            context.altered(lambda pair, factor=factor: torch.stack([pair[0], rescale(pair[0], factor)]))  # type: ignore[misc]
        )
        answer = context.share(scores)
        rows.append(
            {"factor": factor, "share": answer.as_json(), "unpaired_auc": context.unpaired_auc(scores).as_json()}
        )
        words.append(f"times {factor:g} it moves by {said(answer)} of that difference")
    verdict: Verdict = "inconclusive"
    if tells(context, network):
        verdict = "shortcut" if share.low > 0.5 else "clean" if share.high < 0.5 else "inconclusive"
    return Result(
        share,
        "share of the network's logit difference that the overall amplitude gives",
        verdict,
        remark=f"Newton cubes rescaled to the rms of their GR twins; {', '.join(words)}.",
        scores=scaled,
        more={"factors": rows},
    )


CONTROL = Control(
    name="amplitude_rescaled",
    question="Is one number, the overall amplitude of a cube, what the network sees?",
    expectation="A Newton cube with the amplitude of its GR twin must not be worth half of the logit difference.",
    how="Newton test cubes are multiplied to the rms of their twins, and by 0.9 and 0.99; the network scores them.",
    verdicts="Clean: the amplitude gives less than half of the logit difference. Shortcut: it gives more.",
    blind="Amplitudes that differ by scale (p_matched, low_pass, high_pass).",
    run=run,
)
