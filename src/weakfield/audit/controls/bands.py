"""Where in k the information sits: tests that remove bands, single shells and planes of modes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from torch import Tensor

from weakfield.audit import alarms
from weakfield.audit.audit_run import AuditRun
from weakfield.audit.contract import Control, Result, blamed, learns, one_retraining, said, survives, tells
from weakfield.audit.records import BandCurve, BandPoint, Side, Verdict
from weakfield.config import StudyConfig
from weakfield.dataset import PARTS
from weakfield.fourier import forward, half_axis_weights, nyquist_modes, squared_wavenumbers, wavenumber_axes
from weakfield.fourier.altered import power_groups
from weakfield.fourier.filters import high_pass, low_pass, stop_band, without_plane
from weakfield.learning import Estimate, Scores
from weakfield.learning.classifiers import logistic

FILTERS: dict[Side, Callable[[Tensor, float, int], Tensor]] = {"low": low_pass, "high": high_pass}
SIDES: dict[Side, str] = {"low": "below", "high": "above"}


def cuts(n: int) -> list[float]:
    """Cuts in units of k_F, between shells: 1.5, 2.5, 4.5, 8.5 ... below the Nyquist wavenumber N/2."""
    return [2.0**power + 0.5 for power in range(16) if 2**power + 0.5 < n / 2]


def resolved_cut(n: int) -> float:
    """The cut nearest to half of the Nyquist wavenumber; above it the lattice shapes the fields."""
    return min(cuts(n), key=lambda cut: abs(cut - n / 4))


def retrainings(study: StudyConfig) -> int:
    """One retraining at the resolved cut; with ``full``, one at every cut."""
    return len(cuts(study.simulation.grid)) if study.audit.full else 1


def power_scores(audit: AuditRun, cut: float, side: Side) -> Scores:
    """Logistic regression on ln P(k) of the shells below or above a cut."""
    groups = power_groups(audit.dataset.grid, False, audit.dim)
    length = np.sqrt(squared_wavenumbers(audit.dataset.grid, audit.dim))
    below = [length[groups.index == group].mean() < cut for group in range(groups.count)]
    inside = [group for group, low in enumerate(below) if low == (side == "low")]
    rows = {part: audit.log_powers[part][..., inside] for part in PARTS}
    return logistic(rows, {part: audit.cubes[part].seeds for part in PARTS})["test"]


def pass_filter(audit: AuditRun, side: Side) -> Result:
    """Keep the modes on one side of several cuts; the row is about the resolved one."""
    n, control = audit.dataset.grid, f"{side}_pass"
    middle, points, seen = resolved_cut(n), {}, {}
    for cut in sorted(cuts(n), key=lambda cut: cut != middle):  # the resolved cut is the first to use the budget

        def change(pair: Tensor, cut: float = cut) -> Tensor:
            return FILTERS[side](pair, cut, audit.dim)

        seen[cut] = audit.score(audit.altered(change))
        points[cut] = BandPoint(
            cut_hmpc=cut * 2 * np.pi / audit.dataset.box_size_mpch,
            share=audit.share(seen[cut]),
            network=audit.reached(seen[cut]),
            log_pk=audit.reached(power_scores(audit, cut, side)),
        )
        if audit.may_retrain:
            again = audit.retrain(control, audit.all_altered(change), at=f"cut{cut:g}")
            points[cut] = points[cut].model_copy(update={"retrained": audit.reached(again)})
    point = points[middle]
    if audit.study.paired:
        words = [
            f"As trained the network orders twins in {point.network.paired_accuracy} of the seeds",
            f"log P(k) of these shells in {point.log_pk.paired_accuracy}",
        ]
        if point.retrained is not None:
            words.append(f"a network retrained on them in {point.retrained.paired_accuracy}")
    else:
        words = [
            f"The AUC between universes is {point.network.unpaired_auc} as trained",
            f"{point.log_pk.unpaired_auc} of log P(k) of these shells",
        ]
        if point.retrained is not None:
            words.append(f"{point.retrained.unpaired_auc} of a network retrained on them")
    curve = BandCurve(side=side, resolved_hmpc=point.cut_hmpc, points=tuple(points[cut] for cut in cuts(n)))
    return Result(
        point.share,
        f"share of the network's logit difference from modes {SIDES[side]} {point.cut_hmpc:.3g} h/Mpc",
        resolved_verdict(audit, side, point.share),
        remark=", ".join(words) + ".",
        scores=seen[middle],
        p=(alarms.of_less if side == "low" else alarms.of_more)(audit, seen[middle].gr - seen[middle].newton),
        more={"curve": curve},
    )


def resolved_verdict(audit: AuditRun, side: Side, share: Estimate) -> Verdict:
    """Clean if the network surely relies on resolved modes, those below the cut; a shortcut if it surely does not."""
    found = blamed(audit, share)
    if side == "low" and found != "inconclusive":
        return "clean" if found == "shortcut" else "shortcut"
    return found


LOW_PASS = Control(
    name="low_pass",
    question="Does the network live on scales that the lattice resolves?",
    expectation="Modes below half the Nyquist wavenumber must carry at least half of its logit difference.",
    how=(
        "The test cubes keep the modes below a cut, for several cuts: a curve of what the network as trained makes of"
        " them, of logistic regression on log P(k) of these shells, and of networks retrained on such cubes (at half"
        " the Nyquist wavenumber; with --full at every cut)."
    ),
    verdicts=(
        "By the share of the logit difference at half the Nyquist wavenumber. Clean: surely more than half of it comes"
        " from resolved modes. Shortcut: surely less."
    ),
    blind="Filtered cubes are new to the network as trained; where information sits is what the retrained curve shows.",
    run=partial(pass_filter, side="low"),
    uses=(),
    needs=retrainings,
)
HIGH_PASS = replace(
    LOW_PASS,
    name="high_pass",
    question="Does the network live on scales that the lattice shapes?",
    expectation=(
        "Modes above half the Nyquist wavenumber, where the equations are those of the lattice, must carry less than"
        " half of its logit difference."
    ),
    of_classes="Modes above half the Nyquist wavenumber must carry less than half of its logit difference.",
    how=LOW_PASS.how.replace("below a cut", "above a cut"),
    run=partial(pass_filter, side="high"),
)


#: the 18 modes |n|^2 = 1 and 2
SHELL = (0.5, 1.5)


def fundamental_removed(audit: AuditRun) -> Result:
    """Remove the shell of k_F and train the network again without it."""

    def change(pair: Tensor) -> Tensor:
        return stop_band(pair, *SHELL, audit.dim)

    again = audit.retrain("fundamental_removed", audit.all_altered(change))
    seen = audit.score(audit.altered(change))
    share = audit.share(seen)
    verdict: Verdict = "inconclusive"
    if tells(audit, audit.scores()):
        if tells(audit, again):
            verdict = "clean"
        elif learns(audit) and share.high < 0.5:
            verdict = "shortcut"
    reached, quantity = (
        (audit.paired(again), "paired accuracy")
        if audit.study.paired
        else (audit.unpaired_auc(again), "test AUC between universes")
    )
    return Result(
        reached,
        f"{quantity} of a network retrained without the k_F shell",
        verdict,
        remark=f"The network as trained keeps {said(share)} of its logit difference without that shell.",
        scores=again,
        more={"share": share},
        p=max(alarms.of_less(audit, seen.gr - seen.newton), alarms.of_learning(audit)),
    )


FUNDAMENTAL_REMOVED = Control(
    name="fundamental_removed",
    question="Is there anything to learn without the largest waves of the box?",
    expectation="Yes: the shell of k_F holds 18 modes, and is where radiation and gauge matter most.",
    of_classes="Yes: the shell of k_F holds 18 modes, of which all boxes hold equally few.",
    how="The shell 0.5 to 1.5 k_F is taken out of every cube, a network is trained again on the rest.",
    verdicts="Clean: it tells the theories apart. Shortcut: it does not, and the network lost most of its answer.",
    blind="An error of initial conditions that reaches beyond the first shell (low_pass, high_pass).",
    run=fundamental_removed,
    needs=one_retraining,
    least=1,
    uses=("other_weights",),
)


#: |n| = 1 and no other mode
DIPOLE = (0.5, 1.2)


def dipole_removed(audit: AuditRun) -> Result:
    """Remove the six modes of the fundamental wavelength along the axes."""
    scores = audit.score(audit.altered(lambda pair: stop_band(pair, *DIPOLE, audit.dim)))
    share = audit.share(scores)
    return Result(
        share,
        "share of the network's logit difference left without the modes |n| = 1",
        survives(audit, scores, share),
        remark=audit.ordered(scores, "Twins are still ordered"),
        scores=scores,
        p=alarms.of_less(audit, scores.gr - scores.newton),
    )


DIPOLE_REMOVED = Control(
    name="dipole_removed",
    question="Does the network's answer hang on the dipole of the box, six modes?",
    expectation="At least half of its logit difference must stay without them.",
    how="The six modes |n| = 1 are taken out of the test cubes; the network, as trained, scores what is left.",
    verdicts="Clean: more than half of the logit difference stays. Shortcut: less than half does.",
    blind="Cubes without a dipole are new to the network; fundamental_removed trains again.",
    run=dipole_removed,
)


def plane_power(audit: AuditRun) -> np.ndarray:
    """Power of Newton test cubes on the plane k_x = 0 over that on k_y = 0 and k_z = 0, by seed; 1 if isotropic.

    Powers are relative to the mean power of modes of the same |k|, so that every mode counts alike; modes on the axes
    are left out.
    """
    n, dim = audit.dataset.grid, audit.dim
    groups, nyquist = power_groups(n, True, dim), nyquist_modes(n, dim)
    weight = np.broadcast_to(half_axis_weights(n), nyquist.shape)
    on_plane = [np.broadcast_to(axis == 0, nyquist.shape) for axis in wavenumber_axes(n, dim)]
    single = (sum(plane.astype(int) for plane in on_plane) == 1) & ~nyquist
    ratios = []
    for newton, _ in audit.cubes["test"].values:
        power = forward(newton[0], dim).abs().square().numpy()
        index = groups.index.ravel() + 1
        means = np.bincount(index, (weight * power).ravel()) / np.bincount(index, weight.ravel())
        relative = power / np.maximum(means, np.finfo(float).tiny)[groups.index + 1]
        # on k_x = 0 both k and -k are stored, elsewhere only one of them: the weights count every mode once
        level = [float(np.average(relative[single & p], weights=weight[single & p])) for p in on_plane]
        ratios.append(level[-1] / np.mean(level[:-1]))
    return np.array(ratios)


def noise_plane(audit: AuditRun) -> Result:
    """Remove the plane k_x = 0, where the generator of the reference program loses half of the variance."""
    plain = audit.scores()
    left = []
    for axis in range(audit.dim):
        scores = audit.score(audit.altered(lambda pair, axis=axis: without_plane(pair, axis, audit.dim)))  # type: ignore[misc]
        left.append(scores.gr - scores.newton)
    whole = plain.gr - plain.newton
    lost = left[-1] - np.mean(left[:-1], axis=0)
    difference = audit.ratio(lost, whole)
    # a network need not treat the axes alike: a loss with only one of the other planes removed is not the generator's
    # flaw
    own_taste = audit.ratio(left[0] - left[-2], whole)
    taste = max(abs(own_taste.low), abs(own_taste.high))
    powers, ones = plane_power(audit), np.ones(len(plain.seeds))
    ratio = audit.ratio(powers, ones)
    p = max(
        alarms.of_telling(audit, plain),
        alarms.of_anything(audit.resampled_ratio(powers - 1, ones)),
        alarms.tail(audit.resampled_ratio(lost, whole) >= -taste),
    )
    verdict: Verdict = "inconclusive"
    if tells(audit, plain):
        if ratio.low <= 1 <= ratio.high or difference.low > -taste:
            verdict = "clean"
        elif difference.high < -taste:
            verdict = "shortcut"
    return Result(
        difference,
        "logit difference left without the plane k_x = 0 minus that without k_y = 0 or k_z = 0, share of the whole",
        verdict,
        remark=(
            f"The study's noise is '{audit.study.simulation.noise}'; modes on the plane k_x = 0 have {said(ratio)} of"
            " the power of those on k_y = 0 and k_z = 0."
        ),
        more={"power_ratio": ratio},
        p=p,
    )


NOISE_PLANE = Control(
    name="noise_plane",
    question="Does the plane k_x = 0 of the noise generator play a part of its own?",
    expectation="None: what the network loses without it must be what it loses without the planes k_y = 0 and k_z = 0.",
    how=(
        "One plane at a time is taken out of the test cubes; the network as trained scores what is left. The power on"
        " the planes is compared too: with noise 'gevolution' it is half on k_x = 0."
    ),
    verdicts=(
        "Clean: the plane has the power of the others, or its loss costs no more than that of the others differs."
        " Shortcut: it has not, and the network loses more without it."
    ),
    blind="A quirk that both theories share and that no network can use to tell them apart is harmless and not seen.",
    run=noise_plane,
    asks_of="simulations",
)


CONTROLS = (
    LOW_PASS,
    HIGH_PASS,
    FUNDAMENTAL_REMOVED,
    DIPOLE_REMOVED,
    NOISE_PLANE,
)
