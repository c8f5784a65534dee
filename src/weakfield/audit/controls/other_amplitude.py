"""The network on universes with another amplitude of the primordial spectrum."""

from __future__ import annotations

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import changed


def run(context: Context) -> Result:
    a_s = context.study.cosmology.a_s * context.study.audit.a_s_factor
    return transfer(
        context, "other_amplitude", [Elsewhere(changed(context.study, "cosmology", a_s=a_s), f"A_s = {a_s:.4g}")]
    )


CONTROL = Control(
    name="other_amplitude",
    question="Does the network know the theories in a universe with another amplitude A_s?",
    expectation="It must: relativity is not one value of A_s.",
    how="The test seeds are grown with A_s times audit.a_s_factor and scored by the network as trained.",
    verdicts="Clean: at least half of the logit difference is there. Shortcut: the network learned one amplitude.",
    blind="Second-order effects grow as A_s, so that the difference should grow, not only stay.",
    run=run,
)
