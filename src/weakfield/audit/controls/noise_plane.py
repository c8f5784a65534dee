"""The plane k_x = 0, where the generator of the reference program loses half of the variance."""

from __future__ import annotations

import numpy as np

from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, Verdict, said, tells
from weakfield.fourier import forward, half_axis_weights, nyquist_modes, wavenumber_axes
from weakfield.fourier.altered import power_groups
from weakfield.fourier.filters import without_plane


def plane_power(context: Context) -> np.ndarray:
    """Power of Newton test cubes on the plane k_x = 0 over that on k_y = 0 and k_z = 0, by seed; 1 if isotropic.

    Relative to the mean power of modes of the same |k|, so that every mode counts alike; axes are left out.
    """
    n, dim = context.dataset.grid, context.dim
    groups, nyquist = power_groups(n, True, dim), nyquist_modes(n, dim)
    weight = np.broadcast_to(half_axis_weights(n), nyquist.shape)
    on_plane = [np.broadcast_to(axis == 0, nyquist.shape) for axis in wavenumber_axes(n, dim)]
    single = (sum(plane.astype(int) for plane in on_plane) == 1) & ~nyquist
    ratios = []
    for newton, _ in context.cubes["test"].values:
        power = forward(newton[0], dim).abs().square().numpy()
        index = groups.index.ravel() + 1
        means = np.bincount(index, (weight * power).ravel()) / np.bincount(index, weight.ravel())
        relative = power / np.maximum(means, np.finfo(float).tiny)[groups.index + 1]
        # on k_x = 0 both k and -k are stored, elsewhere one of them: weights count every mode once
        level = [float(np.average(relative[single & p], weights=weight[single & p])) for p in on_plane]
        ratios.append(level[-1] / np.mean(level[:-1]))
    return np.array(ratios)


def run(context: Context) -> Result:
    plain = context.scores()
    left = []
    for axis in range(context.dim):
        scores = context.score(context.altered(lambda pair, axis=axis: without_plane(pair, axis, context.dim)))  # type: ignore[misc]
        left.append(scores.gr - scores.newton)
    whole = plain.gr - plain.newton
    difference = context.ratio(left[-1] - np.mean(left[:-1], axis=0), whole)
    # a network need not treat the axes alike: what it loses with one of the other planes and not another is no quirk
    own_taste = context.ratio(left[0] - left[-2], whole)
    taste = max(abs(own_taste.low), abs(own_taste.high))
    ratio = context.ratio(plane_power(context), np.ones(len(plain.seeds)))
    verdict: Verdict = "inconclusive"
    if tells(context, plain):
        if ratio.low <= 1 <= ratio.high or difference.low > -taste:
            verdict = "clean"
        elif difference.high < -taste:
            verdict = "shortcut"
    return Result(
        difference,
        "logit difference left without the plane k_x = 0 minus that without k_y = 0 or k_z = 0, share of the whole",
        verdict,
        remark=(
            f"The study's noise is '{context.study.simulation.noise}'; modes on the plane k_x = 0 have {said(ratio)} of"
            " the power of those on k_y = 0 and k_z = 0."
        ),
        more={"power_ratio": ratio.as_json()},
    )


CONTROL = Control(
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
    run=run,
)
