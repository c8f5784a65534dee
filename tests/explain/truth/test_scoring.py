"""Every complete method finds what C1 contributes to its matched filter; others do not, and are said not to."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.base.trials import Unsuited
from weakfield.config import StudyConfig
from weakfield.config.explain import ExplainSettings
from weakfield.explain.truth.prediction import Prediction
from weakfield.explain.truth.records import BELIEVED
from weakfield.explain.truth.scoring import KnownPair, judged, known_triangles, scored, unit_of
from weakfield.fourier.shells import shells
from weakfield.spectra.theory.realised import linear_potential

Z = 1.0
METHODS = (
    "gradient",
    "gradient_x_input",
    "integrated",
    "pair_integrated",
    "grad_cam",
    "occlusion",
    "deeplift",
    "guided_grad_cam",
)
#: methods whose parts add up to the difference of the logits, by what they give
COMPLETE = {
    "shells": ("pair_integrated", "occlusion", "amplitude_phase", "gradient_x_input"),
    "blocks": ("pair_integrated", "gradient_x_input", "deeplift", "occlusion"),
    "cells": ("pair_integrated", "gradient_x_input", "deeplift"),
    "triangles": ("response",),
}


def prediction(grid: int, **simulation: object) -> Prediction:
    return Prediction(
        StudyConfig.from_mapping(
            {
                "name": "truth",
                "cosmology": {"t_cmb_kelvin": 0.0},
                "simulation": {"grid": grid, "box_size_mpch": 20.0 * grid, "transfer": "eisenstein-hu", **simulation},
            },
            "the test",
        )
    )


def pairs(of: Prediction, seeds: range) -> list[KnownPair]:
    """Pairs as theory has them: linear phi, and C1 more."""
    found = []
    for seed in seeds:
        newton, c1 = linear_potential(of.theory, of.study.simulation, seed, Z), of.c1(seed, Z)
        found.append(KnownPair.of(seed, newton, newton + c1, c1))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("grid", [16, 32])
def test_every_complete_method_finds_the_truth(grid):
    of, settings = prediction(grid), ExplainSettings(methods=METHODS)
    some = pairs(of, range(1, 9))
    known = of.filter(Z, unit_of(of.filter(Z), some[0]))
    rows = [judged(known, pair, settings) for pair in some[:3]]
    by_triangle = known_triangles(known, some, 4, 1.0)
    truth = scored(Z, range(1, 4), shells(grid).mean_wavenumbers, rows, by_triangle)
    for quantity, names in COMPLETE.items():
        for name in names:
            score = truth.methods[name].rank[quantity]
            assert score.value >= BELIEVED, (quantity, name)
    for shape, share in truth.methods["response"].shares.items():
        assert share.value == pytest.approx(truth.shares[shape].value, abs=0.05)
    for score in truth.measured.rank.values():  # here C1 is all that the pairs differ in
        assert score.value == pytest.approx(1.0)
    assert truth.methods["integrated"].rank["cells"].value < BELIEVED  # it shares out another difference
    assert truth.methods["gradient"].rank["cells"].value < BELIEVED  # and this one none
    assert truth.methods["grad_cam"].rank["cells"].value < BELIEVED  # nor does this one
    assert set(truth.left_out) == {"guided_grad_cam"}  # the filter has no activation
    assert truth.ordered.index("pair_integrated") < truth.ordered.index("integrated")
    # the filter answers relativity with one sign on average, and its answer to the first pair is one
    total = by_triangle[0].sum(axis=1)
    assert total[0] == pytest.approx(1.0, rel=1e-3)
    assert total.mean() > 0
    assert np.sum(truth.shells.value) > 0


def test_pairs_of_another_mesh_have_no_known_truth():
    with pytest.raises(Unsuited, match=r"grown on the staggered mesh from a linear start, expected the spectral mesh"):
        prediction(8, mesh="staggered", start="linear")
