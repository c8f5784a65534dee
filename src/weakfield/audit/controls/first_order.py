"""The even and the odd part of GR - Newton in the initial modes: what is of second order, and what is of first."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, Result, said, tells
from weakfield.audit.records import Verdict
from weakfield.audit.universes import finished, inverses, snapshots_of
from weakfield.config import THEORIES, Inverse, RunFolder
from weakfield.dataset import PairTensor
from weakfield.learning import Scores
from weakfield.learning.scores import CHANCE

#: most test seeds used: for each of them that has no pair of its inverse, one is grown
SEEDS = 16


def with_one_parity(twins: tuple[Tensor, Tensor], inverse: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(Newton + even part, Newton + odd part) of GR - Newton of a seed; both parts added to Newton's cube give GR.

    ``twins`` are Newton and GR of the seed, ``inverse`` those of its inverse: another universe, of which only the
    difference is used. The even part is half the sum of the two differences; the odd part is half of the first minus
    the second.
    """
    newton, gr = twins
    upright, inverted = gr - newton, inverse[1] - inverse[0]
    return newton + (upright + inverted) / 2, newton + (upright - inverted) / 2


def parted(audit: AuditRun, seeds: list[int]) -> tuple[PairTensor, PairTensor, np.ndarray]:
    """(Newton, Newton + odd) and (Newton + even, GR) as the network sees cubes, and squares of the parts (seeds, 2).

    The parts are computed from the samples that the study makes from its files (mean of squares: even, odd), in double
    precision. Everything done to a cube except noise is linear, so it does not matter whether the parts are computed
    before or after it; a factor that the study applies to one theory is then counted where it belongs, at first order.
    """
    dataset, study = audit.dataset, audit.study
    first, second, sizes = [], [], []
    folders = inverses(audit, "first_order", seeds)
    for seed in seeds:
        newton, gr = (dataset.raw(seed, theory) for theory in THEORIES)
        newton_there, gr_there = (
            dataset.raw_of(snapshots_of(study, folders[seed], Inverse(seed), theory, dataset.redshifts), seed, theory)
            for theory in THEORIES
        )
        even, odd = with_one_parity((newton, gr), (newton_there, gr_there))
        sizes.append([_square(part - newton, audit.keep_mean) for part in (even, odd)])
        cubes = [finished(audit, newton, seed, "newton")]
        cubes += [finished(audit, raw, seed, "gr") for raw in (odd, even, gr)]
        first.append(torch.stack(cubes[:2]))
        second.append(torch.stack(cubes[2:]))
    return PairTensor(seeds, torch.stack(first)), PairTensor(seeds, torch.stack(second)), np.array(sizes)


def inverses_of_some(audit: AuditRun) -> dict[int, RunFolder]:
    """Where the inverses of the first test seeds lie."""
    return inverses(audit, "first_order", audit.dataset.part("test")[:SEEDS])


def first_order(audit: AuditRun) -> Result:
    """Show the network Newton cubes plus the even, or the odd, part of GR - Newton in the initial modes."""
    seeds = audit.dataset.part("test")[:SEEDS]
    with_odd, with_even, sizes = parted(audit, seeds)
    first, second = audit.score(with_odd), audit.score(with_even)
    whole = second.gr - first.newton
    # averages the two orders in which the parts can be added to Newton, so that the two shares add up to 1
    odd = 0.5 * ((first.gr - first.newton) + (second.gr - second.newton))
    share, left = audit.ratio(odd, whole), audit.ratio(whole - odd, whole)
    gap = audit.ratio(whole, np.ones(len(whole)))
    even_alone = Scores(first.seeds, first.newton, second.newton)
    size = audit.ratio(sizes[:, 1], sizes.sum(1))
    remark = (
        f"The even part gives {said(left)}. Newton plus the odd part scores above Newton in {audit.paired(first)} of"
        f" {len(seeds)} seeds, Newton plus the even part in {audit.paired(even_alone)}. Of the square of GR - Newton"
        f" in these samples the odd part is {said(size)}."
    )
    verdict: Verdict = "inconclusive"
    if not tells(audit, audit.scores()) or gap.low <= 0 <= gap.high:
        remark += (
            f" The logit difference of twins, {said(gap)}, is not distinguishable from what chance gives: there is"
            " nothing to share out."
        )
    elif share.low > CHANCE:
        verdict = "shortcut"
    elif share.high < CHANCE:
        verdict = "clean"
    return Result(
        share,
        "share of the network's logit difference that the odd part of GR - Newton gives",
        verdict,
        remark=remark,
        scores=first,
        more={
            "even": left,
            "logit_difference": gap,
            "odd_of_square": size,
            "seeds": len(seeds),
        },
        p=max(alarms.of_more(audit, odd, whole), alarms.of_anything(audit.resampled_ratio(whole, np.ones(len(whole))))),
    )


def _square(part: Tensor, keep_mean: bool) -> float:
    """Mean square of the cells, about the mean of each channel where the network does not see that mean."""
    values = part.numpy()
    if not keep_mean:
        values = values - values.mean(axis=(-3, -2, -1), keepdims=True)
    return float((values**2).mean())


FIRST_ORDER = Control(
    name="first_order",
    question=(
        "Does the network's answer follow what is of first order in GR - Newton, where the two theories agree, or what"
        " is of second order, where relativity begins?"
    ),
    expectation=(
        "In a fair pair the first order cancels: nearly all of the logit difference must come from the even part, and"
        " the share of the odd part be near 0."
    ),
    how=(
        "The inverse of a seed is the same universe with every initial wave upside down, crests for troughs. What is"
        " of first order in the waves changes its sign with them, what is of second order does not: half the sum of"
        " GR - Newton of both is the even part (second order, fourth), half the difference the odd part (first order,"
        " third). The network as trained is shown Newton plus either part; the share of the odd one is the mean over"
        f" the two orders of adding them. The inverses of up to {SEEDS} test seeds are those of the run"
        " (seeds.inverted); where it has none they are grown."
    ),
    verdicts=(
        "Clean: the odd part gives less than half of the logit difference. Shortcut: it gives more than half, so that"
        " the network lives on an error of mesh, clock or start rather than on anything relativity could have done."
        " Inconclusive also when the logit difference of twins is not distinguishable from zero."
    ),
    blind=(
        "Errors of even order, such as a second order that the mesh or the steps get wrong (mesh, step_limit). Third"
        " order is odd too, and real; it is small on large scales."
    ),
    run=first_order,
    asks_of="simulations",
    grow=inverses_of_some,
    uses=(),
    reads_inverses=True,
)


CONTROLS = (FIRST_ORDER,)
