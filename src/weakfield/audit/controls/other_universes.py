"""The trained network on universes of other settings, and a network trained on those and tested on the study's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, NotRun, Result, one_retraining, survives
from weakfield.audit.universes import Refused, changed, cubes_of, grow_pairs
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import PARTS, Pairs, PairTensor, Part
from weakfield.learning import Estimate, Scores
from weakfield.pairs.manifest import settings_hash

#: step limit [Hubble times] that the staggered mesh needs, whatever limit is enough for the spectral one
STAGGERED_STEP = 0.04
#: distance from the last seed of the study to seeds that nobody has looked at
GAP = 1_000_000


@dataclass(frozen=True)
class Elsewhere:
    """Other universes: the study that grows them, and what they are called.

    ``seeds`` are given where they are not the test seeds of the study, ``redshifts``, the outputs that a sample is made
    of, where they are not the study's, and ``folder`` where the pairs are already there.
    """

    study: StudyConfig
    label: str
    seeds: tuple[int, ...] | None = None
    redshifts: tuple[float, ...] | None = None
    folder: RunFolder | None = None


def grown(audit: AuditRun, control: str, place: Elsewhere, seeds: Sequence[int]) -> PairTensor:
    """The cubes of ``seeds`` in that place."""
    folder = place.folder or grow_pairs(audit, control, place.study, seeds)
    return cubes_of(audit, place.study, folder, seeds, place.redshifts)


def transfer(audit: AuditRun, control: str, places: Sequence[Elsewhere], reverse: bool = False) -> Result:
    """Show the network, as trained, the test seeds of every place; the row is about the last one.

    With ``reverse`` a network is also trained on the last place, of which all parts are grown, and tested on the
    study's own test cubes. The share compares two sums over seeds of the logit differences of pairs: there and here.
    """

    rows, words = [], []
    for place in places:
        cubes = grown(audit, control, place, place.seeds or audit.dataset.part("test"))
        scores = audit.score(cubes)
        share = _share(audit, scores, place)
        rows.append({"label": place.label, "share": share, **dict(audit.reached(scores))})
        words.append(
            f"{place.label}: twins in order in {audit.paired(scores)}, AUC between universes"
            f" {audit.unpaired_auc(scores)}"
        )
    remark = "; ".join(words) + "."
    if reverse and audit.may_retrain:
        there: dict[Part, Pairs] = {part: grown(audit, control, places[-1], audit.dataset.part(part)) for part in PARTS}
        # a network trained with other settings, such as a coarser last step limit, is not this one
        at = f"trained_{settings_hash(places[-1].study)}"
        back = audit.retrain(control, there | {"test": audit.cubes["test"]}, at)
        remark += (
            f" Trained on {places[-1].label} and tested on the study's own cubes: twins in order in"
            f" {audit.paired(back)}, AUC between universes {audit.unpaired_auc(back)}."
        )
        rows.append({"label": f"trained on {places[-1].label}, tested here", **dict(audit.reached(back))})
    return Result(
        share,
        f"logit difference of twins in {places[-1].label}, share of that in the study",
        survives(audit, scores, share),
        remark=remark,
        scores=scores,
        more={"transfer": rows},
        p=alarms.of_less(audit, *_differences(audit, scores, places[-1])),
    )


def _share(audit: AuditRun, scores: Scores, place: Elsewhere) -> Estimate:
    """The share in ``transfer``: with the same seeds both sums are resampled together, else only the one there."""
    return audit.ratio(*_differences(audit, scores, place))


def _differences(audit: AuditRun, scores: Scores, place: Elsewhere) -> tuple[np.ndarray, np.ndarray]:
    """Logit differences of pairs there, and those here that they are compared with, (seeds,)."""
    own = audit.scores()
    here = own.gr - own.newton
    return scores.gr - scores.newton, here if place.seeds is None else np.full(len(scores.gr), here.mean())


# ---------------------------------------------------------------------------------------------------------------
# Where to go


def other_steps(audit: AuditRun) -> list[Elsewhere]:
    """Other step limits, the finest last and finer than that of the study."""
    study, own = audit.study, audit.study.simulation.step_limit_hubble
    limits = {limit for limit in study.audit.step_limits if limit != own}
    if limits and min(limits) > own:  # longer steps reveal nothing about steps that are already too long
        limits.add(own / 2)
    if not limits:
        raise NotRun("audit.step_limits names no step limit but that of the study.")
    return [
        Elsewhere(changed(study, "simulation", step_limit_hubble=limit), f"steps of {limit:g} Hubble times")
        for limit in sorted(limits, reverse=True)
    ]


def other_integrator(audit: AuditRun) -> list[Elsewhere]:
    """The other integration of phi in time, where there are two."""
    if audit.study.simulation.mesh == "spectral":
        raise NotRun(
            "On the spectral mesh phi has one clock, the second-order one, so that there is no other to compare with;"
            " step_limit looks at its steps."
        )
    other = "euler" if audit.study.simulation.phi_integrator == "second-order" else "second-order"
    return [Elsewhere(changed(audit.study, "simulation", phi_integrator=other), f"phi_integrator '{other}'")]


def on_the_other_mesh(study: StudyConfig) -> StudyConfig:
    """The study on the other mesh, with the start and steps that go with it; ``Refused`` if its settings forbid it."""
    box = study.simulation
    if box.mesh == "staggered":
        return changed(study, "simulation", mesh="spectral", start="growing-mode", phi_integrator="second-order")
    if box.f_nl != 0:
        raise Refused(f"f_nl is {box.f_nl:g}, which only a growing-mode start on the spectral mesh can have")
    step = min(STAGGERED_STEP, box.step_limit_hubble)
    return changed(study, "simulation", mesh="staggered", start="linear", step_limit_hubble=step)


def other_mesh(audit: AuditRun) -> list[Elsewhere]:
    """The other mesh."""
    other = on_the_other_mesh(audit.study)
    box = other.simulation
    label = f"pairs on the {box.mesh} mesh, {box.start} start, steps of {box.step_limit_hubble:g} Hubble times"
    return [Elsewhere(other, label)]


def mesh(audit: AuditRun) -> Result:
    """Show the network universes grown on the other mesh; a loss on the staggered mesh is not proof of a shortcut."""
    places = other_mesh(audit)
    result = transfer(audit, "mesh", places)
    if places[0].study.simulation.mesh == "staggered" and result.verdict == "shortcut":
        remark = (
            f"{result.remark} The staggered mesh does not hold the second order: that much is lost there says little."
        )
        result = replace(result, verdict="inconclusive", remark=remark)
    return result if places[0].study.simulation.mesh == "spectral" else replace(result, p=None)


def finer_cells(audit: AuditRun) -> list[Elsewhere]:
    """Cells half as wide, averaged onto the study's cells."""
    box = audit.study.simulation
    tiling = None if box.tiling is None else 2 * box.tiling
    finer = changed(
        audit.study, "simulation", grid=2 * box.grid, tiling=tiling, downgrade_factor=2 * box.downgrade_factor
    )
    return [Elsewhere(finer, f"cells of {box.cell_size_mpch / 2:g} Mpc/h")]


def new_seeds(audit: AuditRun) -> list[Elsewhere]:
    """As many seeds as the test part has, far from those of the study."""
    study = audit.study
    seeds = tuple(study.seeds.all[-1] + GAP + i for i in range(audit.test_seeds))
    unsplit = changed(study, "dataset", train=None, validation=None, test=None)
    other = changed(unsplit, "seeds", first=seeds[0], count=len(seeds))
    return [Elsewhere(other, f"seeds from {seeds[0]}", seeds)]


def other_a_s(audit: AuditRun) -> list[Elsewhere]:
    """Another amplitude of the primordial spectrum."""
    a_s = audit.study.cosmology.a_s * audit.study.audit.a_s_factor
    return [Elsewhere(changed(audit.study, "cosmology", a_s=a_s), f"A_s = {a_s:.4g}")]


def other_output(audit: AuditRun) -> list[Elsewhere]:
    """The same universes at another redshift: the nearest output that samples do not hold, or one grown between."""
    study = audit.study
    used = sorted(audit.dataset.channels.redshifts)
    late = used[0]
    early = used[1] if len(used) > 1 else study.dataset.redshifts[0]
    # a sample of only the earliest output has none before it
    stored = [z for z in study.simulation.snapshot_redshifts if z != late and (z < early or late >= early)]
    other = min(stored, key=lambda z: abs(z - late)) if stored else (early + late) / 2
    redshifts = tuple(other if z == late else z for z in audit.dataset.redshifts)
    if stored:
        return [Elsewhere(study, f"z = {other:g}", redshifts=redshifts, folder=audit.folder)]
    outputs = (*study.simulation.snapshot_redshifts, other)
    return [Elsewhere(changed(study, "simulation", snapshot_redshifts=outputs), f"z = {other:g}", redshifts=redshifts)]


def other_density(audit: AuditRun) -> list[Elsewhere]:
    """Another density of dark matter."""
    density = audit.study.cosmology.omega_cdm * audit.study.audit.omega_cdm_factor
    return [Elsewhere(changed(audit.study, "cosmology", omega_cdm=density), f"omega_cdm = {density:.4g}")]


# ---------------------------------------------------------------------------------------------------------------
# The controls


def shown(
    name: str, places: Callable[[AuditRun], Sequence[Elsewhere]], reverse: bool = False
) -> Callable[[AuditRun], Result]:
    """A ``Control.run`` that shows the network the universes of ``places``."""

    def run(audit: AuditRun) -> Result:
        return transfer(audit, name, places(audit), reverse)

    return run


def growing(
    name: str, places: Callable[[AuditRun], Sequence[Elsewhere]], reverse: bool = False
) -> Callable[[AuditRun], None]:
    """A ``Control.grow`` for what ``transfer`` shows the network and, with ``reverse``, trains another on."""

    def grow(audit: AuditRun) -> None:
        there = places(audit)
        for place in there:
            if place.folder is None:
                every = reverse and audit.may_retrain and place is there[-1]
                seeds = audit.dataset.seeds if every else place.seeds or audit.dataset.part("test")
                grow_pairs(audit, name, place.study, seeds)

    return grow


CONTROLS = (
    Control(
        name="step_limit",
        question="Does the result survive steps in time that are small enough?",
        expectation="The network must tell the theories apart at the finest step limit as at that of the study.",
        how=(
            "The test seeds are grown at other step limits (audit.step_limits, and half of the study's own if none of"
            " them is finer) and the network as trained scores them; at the finest all seeds are grown, and a network"
            " trained there is tested on the study's cubes."
        ),
        verdicts=(
            "Clean: at least half of the logit difference stays at the finest steps. Shortcut: more than half goes."
        ),
        blind="An error in time that all these step limits share.",
        run=shown("step_limit", other_steps, reverse=True),
        grow=growing("step_limit", other_steps, reverse=True),
        uses=(),
        asks_of="simulations",
        needs=one_retraining,
    ),
    Control(
        name="phi_integrator",
        question="Is it the clock of phi, Euler or second order, that the network sees?",
        expectation="The network must tell the theories apart whichever integrates phi.",
        how=(
            "All seeds are grown with the other integrator; the network as trained scores the test seeds, and a network"
            " trained there scores the study's own cubes."
        ),
        verdicts=(
            "Clean: at least half of the logit difference stays. Shortcut: more than half goes with the clock."
            " Inconclusive on the spectral mesh, which has the second-order clock alone."
        ),
        blind="An error that both integrators make (step_limit).",
        run=shown("phi_integrator", other_integrator, reverse=True),
        grow=growing("phi_integrator", other_integrator, reverse=True),
        uses=(),
        asks_of="simulations",
        needs=lambda study: 0 if study.simulation.mesh == "spectral" else 1,
    ),
    Control(
        name="mesh",
        question="Is what the network sees a property of one way to put universes on a mesh?",
        expectation=(
            "The network must tell the theories apart on the other mesh too, if it looks at what both show alike."
        ),
        how=(
            "The test seeds are grown from the same noise on the other mesh: of a study on the spectral mesh on the"
            f" staggered one, with a linear start and steps of {STAGGERED_STEP:g} Hubble times at most; of a study on"
            " the staggered mesh on the spectral one, with a growing-mode start and the second-order clock. The network"
            " as trained scores them."
        ),
        verdicts=(
            "Clean: at least half of the logit difference stays. Shortcut, of a study on the staggered mesh: more than"
            " half goes, it is of the lattice or the start. Of a study on the spectral mesh that is inconclusive,"
            " because the staggered one does not hold the second order, where relativity begins (first_order asks what"
            " the answer is made of). Inconclusive also where the study's settings are not for the other mesh, such as"
            " transfer functions that hold one redshift."
        ),
        blind="What both get wrong alike; which of mesh, start and steps a change comes from.",
        run=mesh,
        grow=growing("mesh", other_mesh),
        uses=(),
        asks_of="simulations",
    ),
    Control(
        name="cell_size",
        question="Does the result depend on the size of the cells?",
        expectation="On a finer mesh, seen through the study's cells, the network must find the same difference.",
        how=(
            "The test seeds are grown with twice the cells a side and eight times the particles in the same box, from"
            " the same noise; the fields are averaged onto the study's cells and scored by the network as trained."
        ),
        verdicts=(
            "Clean: at least half of the logit difference stays. Shortcut: more than half goes, it is of the lattice."
        ),
        blind=(
            "Both meshes hold one particle a cell; waves that only the finer start holds are new to the network, and"
            " those close to the study's Nyquist wavenumber are dimmed a little, in both theories, by averaging onto"
            " its cells."
        ),
        run=shown("cell_size", finer_cells),
        grow=growing("cell_size", finer_cells),
        uses=(),
        asks_of="simulations",
    ),
    Control(
        name="other_seeds",
        question="Does the result hold for seeds that nobody has looked at?",
        expectation="The same as on the test seeds.",
        how="As many seeds as the test part has are grown far from the study's and scored by the network as trained.",
        verdicts="Clean: at least half of the logit difference is there too. Shortcut: more than half is not.",
        blind="Anything that all seeds share.",
        run=shown("other_seeds", new_seeds),
        grow=growing("other_seeds", new_seeds),
        uses=(),
        asks_of="simulations",
    ),
    Control(
        name="other_amplitude",
        question="Does the network know the theories in a universe with another amplitude A_s?",
        expectation="It must: relativity is not one value of A_s.",
        how="The test seeds are grown with A_s times audit.a_s_factor and scored by the network as trained.",
        verdicts="Clean: at least half of the logit difference is there. Shortcut: the network learned one amplitude.",
        blind="Second-order effects grow as A_s, so that the difference should grow, not only stay.",
        run=shown("other_amplitude", other_a_s),
        grow=growing("other_amplitude", other_a_s),
        uses=(),
        asks_of="simulations",
    ),
    Control(
        name="other_redshift",
        question="Does the network know the theories at another redshift?",
        expectation="A difference of the same sign; smaller, where it has had less time to grow.",
        how=(
            "Samples are made with another later output of the same seeds, stored by the study or grown again, and"
            " scored by the network as trained."
        ),
        verdicts="Clean: at least half of the logit difference is there. Shortcut: more than half is not.",
        blind=(
            "The real difference depends on redshift: a shortcut here may be physics, and the remark has the numbers."
        ),
        run=shown("other_redshift", other_output),
        grow=growing("other_redshift", other_output),
        uses=(),
        asks_of="simulations",
    ),
    Control(
        name="other_cosmology",
        question="Does the network know the theories in another cosmology?",
        expectation="It must: what separates them is not one cosmology.",
        how=(
            "The test seeds are grown with omega_cdm times audit.omega_cdm_factor and scored by the network as trained."
        ),
        verdicts="Clean: at least half of the logit difference is there. Shortcut: more than half is not.",
        blind="Cosmologies further away.",
        run=shown("other_cosmology", other_density),
        grow=growing("other_cosmology", other_density),
        uses=(),
        asks_of="simulations",
    ),
)
