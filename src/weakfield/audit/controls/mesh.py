"""The network on universes grown on the other mesh, from the start that goes with it."""

from __future__ import annotations

from dataclasses import replace

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result
from weakfield.audit.transfer import Elsewhere, transfer
from weakfield.audit.universes import Refused, changed
from weakfield.config import StudyConfig

#: step limit [Hubble times] that the clock of the staggered mesh needs, whatever the spectral one is content with
STAGGERED_STEP = 0.04


def other_mesh(study: StudyConfig) -> StudyConfig:
    """The study on the mesh it is not on; ``Refused`` where its settings do not allow that."""
    box = study.simulation
    if box.mesh == "staggered":
        return changed(study, "simulation", mesh="spectral", start="growing-mode", phi_integrator="second-order")
    if box.f_nl != 0:
        raise Refused(f"f_nl is {box.f_nl:g}, which only a growing-mode start on the spectral mesh can have")
    step = min(STAGGERED_STEP, box.step_limit_hubble)
    return changed(study, "simulation", mesh="staggered", start="linear", step_limit_hubble=step)


def run(context: Context) -> Result:
    other = other_mesh(context.study)
    box = other.simulation
    label = f"pairs on the {box.mesh} mesh, {box.start} start, steps of {box.step_limit_hubble:g} Hubble times"
    result = transfer(context, "mesh", [Elsewhere(other, label)])
    if box.mesh == "staggered" and result.verdict == "shortcut":
        remark = (
            f"{result.remark} The staggered mesh does not hold the second order: that much is lost there says little."
        )
        result = replace(result, verdict="inconclusive", remark=remark)
    return result


CONTROL = Control(
    name="mesh",
    question="Is what the network sees a property of one way to put universes on a mesh?",
    expectation="The network must tell the theories apart on the other mesh too, if it looks at what both show alike.",
    how=(
        "The test seeds are grown from the same noise on the other mesh: of a study on the spectral mesh on the"
        f" staggered one, with a linear start and steps of {STAGGERED_STEP:g} Hubble times at most; of a study on the"
        " staggered mesh on the spectral one, with a growing-mode start and the second-order clock. The network as"
        " trained scores them."
    ),
    verdicts=(
        "Clean: at least half of the logit difference stays. Shortcut, of a study on the staggered mesh: more than half"
        " goes, it is of the lattice or the start. Of a study on the spectral mesh that is inconclusive, because the"
        " staggered one does not hold the second order, where relativity begins (first_order asks what the answer is"
        " made of). Inconclusive also where the study's settings are not for the other mesh, such as transfer functions"
        " that hold one redshift."
    ),
    blind="What both get wrong alike; which of mesh, start and steps a change comes from.",
    run=run,
)
