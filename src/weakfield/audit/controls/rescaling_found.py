"""What difference of amplitude the training could find: Newton against Newton times a number."""

from __future__ import annotations

import torch
from torch import Tensor

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, tells
from weakfield.audit.controls.amplitude_rescaled import FACTORS
from weakfield.audit.surrogates import rescale
from weakfield.config import StudyConfig


def needs(study: StudyConfig) -> int:
    return len(FACTORS)


def run(context: Context) -> Result:
    rows, said, scores = [], [], None
    for factor in FACTORS:

        def change(pair: Tensor, factor: float = factor) -> Tensor:
            return torch.stack([rescale(pair[0], factor), pair[0]])

        scores = context.retrain("rescaling_found", context.all_altered(change), at=f"{factor:g}")
        rows.append({"factor": factor, "unpaired_auc": context.unpaired_auc(scores).as_json()})
        said.append(f"{factor:g}: AUC {context.unpaired_auc(scores)}, twins in order in {context.paired(scores)}")
        if factor == FACTORS[0]:
            largest = scores
    return Result(
        context.unpaired_auc(largest),
        f"test AUC between universes of a network trained on Newton against Newton times {FACTORS[0]:g}",
        "clean" if tells(context, largest) else "inconclusive",
        remark="Factor " + "; ".join(said) + ".",
        scores=largest,
        more={"factors": rows},
    )


CONTROL = Control(
    name="rescaling_found",
    question="Would the training find a difference that is surely there?",
    expectation="An amplitude changed by ten per cent must be found; what is found of one per cent is its sensitivity.",
    how="A network is trained to tell Newton cubes from Newton cubes times 0.9, another for 0.99.",
    verdicts="Clean: it finds ten per cent. Inconclusive: it does not, so that its silence elsewhere means nothing.",
    blind="Sensitivity to anything but amplitude.",
    run=run,
    needs=needs,
    least=len(FACTORS),
)
