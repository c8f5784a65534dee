"""The network on universes grown with other steps in time."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, one_retraining
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed


def run(context: Context) -> Result:
    study, own = context.study, context.study.simulation.step_limit_hubble
    limits = {limit for limit in study.audit.step_limits if limit != own}
    if limits and min(limits) > own:  # nothing is learned of steps that are too long from longer ones
        limits.add(own / 2)
    places = [
        Elsewhere(changed(study, "simulation", step_limit_hubble=limit), f"steps of {limit:g} Hubble times")
        for limit in sorted(limits, reverse=True)
    ]
    if not places:
        return CONTROL.not_run("audit.step_limits names no step limit but that of the study.")
    return transfer(context, "step_limit", places, reverse=True)


CONTROL = Control(
    name="step_limit",
    question="Does the result survive steps in time that are small enough?",
    expectation="The network must tell the theories apart at the finest step limit as at that of the study.",
    how=(
        "The test seeds are grown at other step limits (audit.step_limits, and half of the study's own if none of them"
        " is finer) and the network as trained scores them; at the finest all seeds are grown, and a network trained"
        " there is tested on the study's cubes."
    ),
    verdicts="Clean: at least half of the logit difference stays at the finest steps. Shortcut: more than half goes.",
    blind="An error in time that all these step limits share.",
    run=run,
    needs=one_retraining,
)
