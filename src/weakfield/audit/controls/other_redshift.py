"""The network on another output of the same universes."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed


def run(context: Context) -> Result:
    study = context.study
    early, late = study.dataset.redshifts
    stored = [z for z in study.simulation.snapshot_redshifts if z < early and z != late]
    if stored:  # the nearest of the study's own outputs
        other = min(stored, key=lambda z: abs(z - late))
        place = Elsewhere(study, f"z = {other:g}", redshifts=_instead(context, other), folder=context.folder)
    else:
        other = (early + late) / 2
        grown = changed(study, "simulation", snapshot_redshifts=(*study.simulation.snapshot_redshifts, other))
        place = Elsewhere(grown, f"z = {other:g}", redshifts=_instead(context, other))
    return transfer(context, "other_redshift", [place])


def _instead(context: Context, other: float) -> tuple[float, ...]:
    """The data set's outputs with another in the place of the later one."""
    late = context.study.dataset.redshifts[1]
    return tuple(other if z == late else z for z in context.dataset.redshifts)


CONTROL = Control(
    name="other_redshift",
    question="Does the network know the theories at another redshift?",
    expectation="A difference of the same sign; smaller, where it has had less time to grow.",
    how=(
        "Samples are made with another later output of the same seeds, stored by the study or grown again, and scored"
        " by the network as trained."
    ),
    verdicts="Clean: at least half of the logit difference is there. Shortcut: more than half is not.",
    blind="The real difference depends on redshift: a shortcut here may be physics, and the remark has the numbers.",
    run=run,
)
