"""The network on universes grown with the other integration of phi in time."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed
from weakfield.config import StudyConfig


def needs(study: StudyConfig) -> int:
    """One retraining, where there are two clocks."""
    return 0 if study.simulation.mesh == "spectral" else 1


def run(context: Context) -> Result:
    if context.study.simulation.mesh == "spectral":
        return CONTROL.not_run(
            "On the spectral mesh phi has one clock, the second-order one, so that there is no other to compare with;"
            " step_limit looks at its steps."
        )
    other = "euler" if context.study.simulation.phi_integrator == "second-order" else "second-order"
    study = changed(context.study, "simulation", phi_integrator=other)
    return transfer(context, "phi_integrator", [Elsewhere(study, f"phi_integrator '{other}'")], reverse=True)


CONTROL = Control(
    name="phi_integrator",
    question="Is it the clock of phi, Euler or second order, that the network sees?",
    expectation="The network must tell the theories apart whichever integrates phi.",
    how=(
        "All seeds are grown with the other integrator; the network as trained scores the test seeds, and a network"
        " trained there scores the study's own cubes."
    ),
    verdicts=(
        "Clean: at least half of the logit difference stays. Shortcut: more than half goes with the clock. Inconclusive"
        " on the spectral mesh, which has the second-order clock alone."
    ),
    blind="An error that both integrators make (step_limit).",
    run=run,
    needs=needs,
)
