"""Amplitudes of one twin with the phases of the other."""

from __future__ import annotations

import torch

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, said, tells
from weakfield.dataset import PairTensor
from weakfield.fourier.altered import swap_amplitudes


def swapped(context: Context) -> PairTensor:
    """Test pairs whose member 0 has Newton's amplitudes and GR's phases, and member 1 the reverse."""
    cubes = context.cubes["test"]
    pairs = []
    for newton, gr in cubes.values:
        gr_amplitudes, newton_amplitudes = swap_amplitudes(gr, newton, context.dim)
        pairs.append(torch.stack([newton_amplitudes, gr_amplitudes]))
    return PairTensor(cubes.seeds, torch.stack(pairs))


def run(context: Context) -> Result:
    plain, mixed = context.scores(), context.score(swapped(context))
    whole = plain.gr - plain.newton
    # the two orders in which amplitudes and phases can change from Newton to GR, averaged: the two parts add up
    amplitudes = 0.5 * ((mixed.gr - plain.newton) + (plain.gr - mixed.newton))
    share = context.ratio(amplitudes, whole)
    phases = context.ratio(whole - amplitudes, whole)
    verdict: Verdict = "inconclusive"
    if tells(context, plain):
        verdict = "shortcut" if share.low > 0.5 else "clean" if share.high < 0.5 else "inconclusive"
    return Result(
        share,
        "share of the network's logit difference that follows the amplitudes",
        verdict,
        remark=(
            f"The phases carry {said(phases)}. With GR's amplitudes and Newton's phases a cube scores above its"
            f" counterpart in {context.paired(mixed)} of the seeds."
        ),
        scores=mixed,
        more={"phases": phases.as_json()},
    )


CONTROL = Control(
    name="amplitude_phase_swap",
    question="Does the verdict follow the amplitudes of the modes, that is the power, or their phases?",
    expectation="Physics beyond P(k) sits in the phases: they must carry at least half of the logit difference.",
    how=(
        "Within each test pair every mode gets the amplitude of one twin and the phase of the other, both ways; the"
        " network as trained scores both. The share of the amplitudes is the mean over the two orders of change."
    ),
    verdicts="Clean: the phases carry more than half. Shortcut: the amplitudes do, P(k) explains the network.",
    blind="Amplitudes hold more than P(k): their scatter within a shell counts as amplitude here (p_matched).",
    run=run,
)
