"""The network on another output of the same universes."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed


def run(context: Context) -> Result:
    study = context.study
    used = sorted(context.dataset.channels.redshifts)
    late = used[0]
    early = used[1] if len(used) > 1 else study.dataset.redshifts[0]
    # a sample of the earliest output alone has none before it
    stored = [z for z in study.simulation.snapshot_redshifts if z != late and (z < early or late >= early)]
    if stored:  # the nearest of the study's own outputs
        other = min(stored, key=lambda z: abs(z - late))
        place = Elsewhere(study, f"z = {other:g}", redshifts=_instead(context, late, other), folder=context.folder)
    else:
        other = (early + late) / 2
        grown = changed(study, "simulation", snapshot_redshifts=(*study.simulation.snapshot_redshifts, other))
        place = Elsewhere(grown, f"z = {other:g}", redshifts=_instead(context, late, other))
    return transfer(context, "other_redshift", [place])


def _instead(context: Context, late: float, other: float) -> tuple[float, ...]:
    """The data set's outputs with another in the place of the latest that a sample is made of."""
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
