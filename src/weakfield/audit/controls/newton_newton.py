"""Two Newtonian runs of every seed that differ in floating-point precision only."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, null_verdict, one_retraining, said
from weakfield.audit.universes import changed, grow_newton, newton_twins
from weakfield.base.progress import bar
from weakfield.config import StudyConfig


def other_precision(study: StudyConfig) -> StudyConfig:
    """The study in single precision (in double when it is in single itself)."""
    precision = "single" if study.simulation.precision == "double" else "double"
    return changed(study, "simulation", precision=precision)


def run(context: Context) -> Result:
    folders, study = {}, other_precision(context.study)
    with bar("second Newtonian runs", len(context.dataset.seeds)) as progress:
        for seed in context.dataset.seeds:
            folders[seed] = grow_newton(context, "newton_newton", study, seed)
            progress.advance()
    cubes = {part: newton_twins(context, context.cubes[part].seeds, folders) for part in context.cubes}
    scores = context.retrain("newton_newton", cubes)
    apart = float((cubes["test"].values[:, 1] - cubes["test"].values[:, 0]).double().numpy().std())
    response = context.share(context.score(cubes["test"]))
    return Result(
        context.unpaired_auc(scores),
        "test AUC between universes, double against single precision",
        null_verdict(context, scores),
        remark=(
            f"The two runs differ by {apart:.1e} of the standard deviation of the cubes; a network trained on them puts"
            f" the second above its twin in {context.paired(scores)} of the seeds, and the study's network answers"
            f" with {said(response)} of its logit difference between the theories."
        ),
        scores=scores,
        more={"response": response.as_json()},
    )


CONTROL = Control(
    name="newton_newton",
    question="Does the network tell two Newtonian runs of a seed apart that differ in rounding only?",
    expectation="One run in double, one in single precision: the AUC must be 0.5.",
    how=(
        "Every seed is grown once more under Newton in the other precision; a network is trained to tell the two apart,"
        " and the study's network is shown both."
    ),
    verdicts=(
        "Clean: at chance. Shortcut: above chance between universes, so that rounding alone is learnable."
        " Inconclusive also when twins are told apart but universes are not: rounding of single precision has a"
        " direction, which both members of a real pair share."
    ),
    blind="Rounding that differs between the equations of the two theories at the same precision.",
    run=run,
    needs=one_retraining,
    least=1,
)
