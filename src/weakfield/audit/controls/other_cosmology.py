"""The network on universes with another density of dark matter."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed


def run(context: Context) -> Result:
    density = context.study.cosmology.omega_cdm * context.study.audit.omega_cdm_factor
    study = changed(context.study, "cosmology", omega_cdm=density)
    return transfer(context, "other_cosmology", [Elsewhere(study, f"omega_cdm = {density:.4g}")])


CONTROL = Control(
    name="other_cosmology",
    question="Does the network know the theories in another cosmology?",
    expectation="It must: what separates them is not one cosmology.",
    how="The test seeds are grown with omega_cdm times audit.omega_cdm_factor and scored by the network as trained.",
    verdicts="Clean: at least half of the logit difference is there. Shortcut: more than half is not.",
    blind="Cosmologies further away.",
    run=run,
)
