"""Whether the network knows more than P(k) and B(k1, k2, k3)."""

from __future__ import annotations

import numpy as np

from weakfield.audit.beyond import (
    Evidence,
    answer,
    left_over_difference,
    measured,
    partial_correlation,
    regressed,
    same_twins,
)
from weakfield.audit.context import Context
from weakfield.audit.contract import Control, Result, said, tells
from weakfield.audit.controls.beyond_power import VERDICTS
from weakfield.learning import Scores


def run(context: Context) -> Result:
    box = context.dataset.box_size_mpch
    cubes = context.equal_power[True]
    seen, identical = context.score(cubes), same_twins(cubes)
    at_equal_power = measured(cubes, box, bispectrum=True)
    rest = left_over_difference(seen.gr - seen.newton, at_equal_power[:, 1] - at_equal_power[:, 0])
    # twins' differences without what their bispectra predict, about a Newton cube at 0: only twins can be compared
    freed = Scores(seen.seeds, seen.newton, seen.newton + rest)
    twins = [Evidence("network as trained", freed, identical)]
    found = answer(context, twins)
    network = context.scores()
    features = measured(context.cubes["test"], box, bispectrum=True)
    correlation = partial_correlation(context, network, features)
    whole = regressed(network, features)
    differences = network.gr - network.newton
    left = context.ratio(left_over_difference(differences, features[:, 1] - features[:, 0]), differences)
    paired = context.paired(freed)
    verdict = VERDICTS[found] if found == "yes" or tells(context, network) else "inconclusive"
    return Result(
        paired,
        "paired accuracy at equal P(k), freed of the bispectrum",
        verdict,
        remark=(
            f"Information beyond P(k) and B(k1, k2, k3): {found}. Partial correlation of logit and label given both"
            f" {said(correlation)}; logits freed of both have AUC {said(context.unpaired_auc(whole))} between"
            f" universes; a regression on twins' differences leaves {said(left)} of the logit difference."
            f" {np.shape(features)[-1]} features on {context.test_seeds} seeds."
        ),
        scores=freed,
        more={
            "beyond": found,
            "partial_correlation": correlation.as_json(),
            "regressed": {
                "unpaired_auc": context.unpaired_auc(whole).as_json(),
                "paired_accuracy": context.paired(whole).as_json(),
            },
            "left_of_difference": left.as_json(),
        },
    )


CONTROL = Control(
    name="beyond_bispectrum",
    question="Does the network know more than the power spectrum and the bispectrum?",
    expectation="Nothing is promised: second-order physics is mostly in the bispectrum.",
    how=(
        "Twins of equal power are scored by the network as trained; what differences of their bispectra predict of the"
        " logit difference, by a regression that never saw the seed, is taken off. Beside it the partial correlation of"
        " logit and label given P(k) and B, and the AUC of logits freed of both."
    ),
    verdicts="Clean: yes. Shortcut: no, P(k) and B explain the network. Inconclusive: not at this sample size.",
    blind="Triangles finer than the few shells used, or beyond two thirds of the Nyquist wavenumber, count as beyond.",
    run=run,
)
