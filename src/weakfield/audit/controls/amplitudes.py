"""Amplitudes and phases of the modes: which of them the network follows, and whether training can find an amplitude."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, Result, blamed, one_retraining, said, tells
from weakfield.dataset import PARTS, Pairs, PairTensor, Part
from weakfield.fourier.altered import randomise_phases, swap_amplitudes
from weakfield.learning import Scores

#: numbers by which Newton cubes are multiplied
FACTORS = (0.9, 0.99)
PHASE_SEED = 4_177


def spread(cube: Tensor) -> float:
    """Root mean square about the mean."""
    return float(cube.double().numpy().std())


def amplitude_rescaled(audit: AuditRun) -> Result:
    """Show the network Newton cubes multiplied by a number."""

    def against_rescaled(factor: Callable[[Tensor, Tensor], float]) -> Scores:
        return audit.score(audit.altered(lambda pair: torch.stack([pair[0], factor(pair[0], pair[1]) * pair[0]])))

    scaled = against_rescaled(lambda newton, gr: spread(gr) / spread(newton))
    share = audit.share(scaled)
    rows, words = [], []
    for number in FACTORS:
        scores = against_rescaled(lambda newton, gr, number=number: number)  # type: ignore[misc]
        answer = audit.share(scores)
        rows.append({"factor": number, "share": answer, "unpaired_auc": audit.unpaired_auc(scores)})
        words.append(f"times {number:g} it moves by {said(answer)} of that difference")
    return Result(
        share,
        "share of the network's logit difference that the overall amplitude gives",
        blamed(audit, share),
        remark=f"Newton cubes rescaled to the rms of their GR twins; {', '.join(words)}.",
        scores=scaled,
        p=alarms.of_more(audit, scaled.gr - scaled.newton),
        more={"factors": rows},
    )


AMPLITUDE_RESCALED = Control(
    name="amplitude_rescaled",
    question="Is one number, the overall amplitude of a cube, what the network sees?",
    expectation="A Newton cube with the amplitude of its GR twin must not be worth half of the logit difference.",
    how="Newton test cubes are multiplied to the rms of their twins, and by 0.9 and 0.99; the network scores them.",
    verdicts="Clean: the amplitude gives less than half of the logit difference. Shortcut: it gives more.",
    blind="Amplitudes that differ by scale (p_matched, low_pass, high_pass).",
    run=amplitude_rescaled,
    asks_of="pairs",
)


def swapped(audit: AuditRun) -> PairTensor:
    """Test pairs whose member 0 has Newton's amplitudes and GR's phases, and member 1 the reverse."""
    cubes = audit.cubes["test"]
    pairs = []
    for newton, gr in cubes.values:
        gr_amplitudes, newton_amplitudes = swap_amplitudes(gr, newton, audit.dim)
        pairs.append(torch.stack([newton_amplitudes, gr_amplitudes]))
    return PairTensor(cubes.seeds, torch.stack(pairs))


def amplitude_phase_swap(audit: AuditRun) -> Result:
    """Show the network the amplitudes of one member of a pair with the phases of the other."""
    plain, mixed = audit.scores(), audit.score(swapped(audit))
    whole = plain.gr - plain.newton
    # averages the two orders in which amplitudes and phases can change from Newton to GR, so that the two parts add up
    amplitudes = 0.5 * ((mixed.gr - plain.newton) + (plain.gr - mixed.newton))
    share = audit.ratio(amplitudes, whole)
    phases = audit.ratio(whole - amplitudes, whole)
    return Result(
        share,
        "share of the network's logit difference that follows the amplitudes",
        blamed(audit, share),
        remark=(
            f"The phases carry {said(phases)}. With GR's amplitudes and Newton's phases a cube scores above its"
            f" counterpart in {audit.paired(mixed)} of the seeds."
        ),
        scores=mixed,
        p=alarms.of_more(audit, amplitudes),
        more={"phases": phases},
    )


AMPLITUDE_PHASE_SWAP = Control(
    name="amplitude_phase_swap",
    question="Does the verdict follow the amplitudes of the modes, that is the power, or their phases?",
    expectation="Physics beyond P(k) sits in the phases: they must carry at least half of the logit difference.",
    how=(
        "Within each test pair every mode gets the amplitude of one twin and the phase of the other, both ways; the"
        " network as trained scores both. The share of the amplitudes is the mean over the two orders of change."
    ),
    verdicts="Clean: the phases carry more than half. Shortcut: the amplitudes do, P(k) explains the network.",
    blind="Amplitudes hold more than P(k): their scatter within a shell counts as amplitude here (p_matched).",
    run=amplitude_phase_swap,
    asks_of="pairs",
)


def without_phases(audit: AuditRun, part: Part) -> PairTensor:
    """The cubes of a part with phases of white noise, drawn by seed."""
    cubes = audit.cubes[part]
    pairs = [
        randomise_phases(pair, np.random.default_rng([PHASE_SEED, seed]), audit.dim)
        for seed, pair in zip(cubes.seeds, cubes.values, strict=True)
    ]
    return PairTensor(cubes.seeds, torch.stack(pairs))


def phases_randomised(audit: AuditRun) -> Result:
    """Give both members of a pair the same random phases, so that they differ only in their amplitudes.

    Cubes that are not paired get them in twos as well: it matters only that phases know nothing of the class.
    """
    cubes: dict[Part, Pairs] = {part: without_phases(audit, part) for part in PARTS}
    scores = audit.score(cubes["test"])
    share = audit.share(scores)
    remark, more = audit.ordered(scores), {}
    if audit.may_retrain:
        again, own = audit.retrain("phases_randomised", cubes), audit.scores()
        there, here = (f"{audit.unpaired_auc(one)}" for one in (again, own))
        remark += f" A network trained on random phases has AUC {there} between universes"
        if audit.study.paired:
            remark += f" and orders twins in {audit.paired(again)}; with phases kept {here} and {audit.paired(own)}."
        else:
            remark += f"; with phases kept {here}."
        more = {"retrained": audit.reached(again)}
    return Result(
        share,
        "share of the network's logit difference left with random phases",
        blamed(audit, share),
        remark=remark.strip(),
        scores=scores,
        more=more,
        p=alarms.of_more(audit, scores.gr - scores.newton),
    )


PHASES_RANDOMISED = Control(
    name="phases_randomised",
    question="Is the power spectrum, with all structure destroyed, enough for the network?",
    expectation="It must not be: with random phases less than half of the logit difference may stay.",
    how=(
        "Every mode keeps its amplitude and gets the phase of white noise, the same in both twins. The network as"
        " trained scores such cubes, and another is trained on them."
    ),
    verdicts="Clean: less than half of the logit difference stays. Shortcut: more than half does.",
    blind="Random-phase cubes are Gaussian, and new to the network: its logits there may mean little.",
    run=phases_randomised,
    uses=(),
    needs=one_retraining,
)


def rescaling_found(audit: AuditRun) -> Result:
    """Train networks to tell Newton cubes from Newton cubes times a number."""
    rows, words = [], []
    for factor in FACTORS:

        def change(pair: Tensor, factor: float = factor) -> Tensor:
            return torch.stack([factor * pair[0], pair[0]])

        scores = audit.retrain("rescaling_found", audit.all_altered(change), at=f"{factor:g}")
        rows.append({"factor": factor, "unpaired_auc": audit.unpaired_auc(scores)})
        ordered = f", twins in order in {audit.paired(scores)}" if audit.study.paired else ""
        words.append(f"{factor:g}: AUC {audit.unpaired_auc(scores)}{ordered}")
        if factor == FACTORS[0]:
            largest = scores
    return Result(
        audit.unpaired_auc(largest),
        f"test AUC between universes of a network trained on Newton against Newton times {FACTORS[0]:g}",
        "clean" if tells(audit, largest) else "inconclusive",
        remark="Factor " + "; ".join(words) + ".",
        scores=largest,
        more={"factors": rows},
    )


RESCALING_FOUND = Control(
    name="rescaling_found",
    question="Would the training find a difference that is surely there?",
    expectation="An amplitude changed by ten per cent must be found; what is found of one per cent is its sensitivity.",
    how="A network is trained to tell Newton cubes from Newton cubes times 0.9, another for 0.99.",
    verdicts="Clean: it finds ten per cent. Inconclusive: it does not, so that its silence elsewhere means nothing.",
    blind="Sensitivity to anything but amplitude.",
    run=rescaling_found,
    needs=lambda study: len(FACTORS),
    least=len(FACTORS),
    uses=(),
)


CONTROLS = (
    AMPLITUDE_RESCALED,
    RESCALING_FOUND,
    AMPLITUDE_PHASE_SWAP,
    PHASES_RANDOMISED,
)
