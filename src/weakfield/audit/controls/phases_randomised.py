"""Random phases, the same for twins: only the amplitudes are left."""

from __future__ import annotations

import numpy as np
import torch

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, one_retraining, tells
from weakfield.dataset import PARTS, Pairs, PairTensor, Part
from weakfield.fourier.altered import randomise_phases

PHASE_SEED = 4_177


def without_phases(context: Context, part: Part) -> PairTensor:
    """The cubes of a part with phases of white noise, drawn by seed."""
    cubes = context.cubes[part]
    pairs = [
        randomise_phases(pair, np.random.default_rng([PHASE_SEED, seed]), context.dim)
        for seed, pair in zip(cubes.seeds, cubes.values, strict=True)
    ]
    return PairTensor(cubes.seeds, torch.stack(pairs))


def run(context: Context) -> Result:
    cubes: dict[Part, Pairs] = {part: without_phases(context, part) for part in PARTS}
    scores = context.score(cubes["test"])
    share = context.share(scores)
    verdict: Verdict = "inconclusive"
    if tells(context, context.scores()):
        verdict = "shortcut" if share.low > 0.5 else "clean" if share.high < 0.5 else "inconclusive"
    remark, more = f"Twins are ordered in {context.paired(scores)} of the seeds.", {}
    if context.may_retrain:
        again = context.retrain("phases_randomised", cubes)
        remark += (
            f" A network trained on random phases has AUC {context.unpaired_auc(again)} between universes and orders"
            f" twins in {context.paired(again)}; with phases kept {context.unpaired_auc(context.scores())} and"
            f" {context.paired(context.scores())}."
        )
        more = {
            "retrained": {
                "unpaired_auc": context.unpaired_auc(again).as_json(),
                "paired_accuracy": context.paired(again).as_json(),
            }
        }
    return Result(
        share,
        "share of the network's logit difference left with random phases",
        verdict,
        remark=remark,
        scores=scores,
        more=more,
    )


CONTROL = Control(
    name="phases_randomised",
    question="Is the power spectrum, with all structure destroyed, enough for the network?",
    expectation="It must not be: with random phases less than half of the logit difference may stay.",
    how=(
        "Every mode keeps its amplitude and gets the phase of white noise, the same in both twins. The network as"
        " trained scores such cubes, and another is trained on them."
    ),
    verdicts="Clean: less than half of the logit difference stays. Shortcut: more than half does.",
    blind="Random-phase cubes are Gaussian, and new to the network: its logits there may mean little.",
    run=run,
    needs=one_retraining,
)
