"""The surrogate on statistics, and its agreement with the response of the logit."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.analytic import TriangleSums, noise
from weakfield.base.errors import BadInput
from weakfield.explain.surrogate import agreement, fit_surrogate, measured, rank_correlation
from weakfield.explain.triangles import triangle_response

EDGES = (0.5, 1.5, 2.5, 3.9)
WEIGHTS, POWERS = {(0, 0, 1): 3.0, (0, 1, 2): -2.0, (1, 1, 1): 1.0}, {0: 0.5}


def pairs(count: int, n: int, dimensions: int):
    shape = (count, 1, *(n,) * dimensions)
    newton = noise(*shape)
    return newton, newton + 0.2 * newton**2


@pytest.mark.parametrize("dimensions", [2, 3])
def test_statistics_are_those_of_the_response(dimensions):
    newton, gr = pairs(2, 8, dimensions)
    network = TriangleSums(8, dimensions, EDGES, WEIGHTS, POWERS)
    found = triangle_response(network, newton, gr, EDGES)
    np.testing.assert_allclose(measured(newton, gr, EDGES), found.statistics, rtol=1e-9, atol=1e-16)


def test_a_logit_of_statistics_is_recovered_and_agrees_with_its_response():
    newton, gr = pairs(60, 8, 3)
    network = TriangleSums(8, 3, EDGES, WEIGHTS, POWERS)
    response = triangle_response(network, newton, gr, EDGES)
    logits = np.stack([network(newton).numpy(), network(gr).numpy()], axis=1)
    found = fit_surrogate(measured(newton, gr, EDGES), logits, range(60), 3, resamples=20)
    assert found.explained > 0.99
    expected = response.weights.value * response.scatter
    # a penalty of 1e-4 of the largest correlation shrinks weights by per cents
    np.testing.assert_allclose(found.weights, expected, atol=0.05 * np.abs(expected).max())
    largest = np.argsort(-np.abs(found.triangles))[:3]
    assert {tuple(response.triangles[row].tolist()) for row in largest} == set(WEIGHTS)
    np.testing.assert_allclose(found.contributions.sum(), found.change, rtol=0.05)
    both = agreement(response, found)
    # the triangles without weight are in random order in both
    assert both.value > 0.4
    assert both.low <= both.value <= both.high


def test_logits_that_have_nothing_to_do_with_the_statistics_choose_nothing():
    newton, gr = pairs(20, 8, 2)
    logits = noise(20, 2, seed=9).numpy()
    found = fit_surrogate(measured(newton, gr, EDGES), logits, range(20), 3, resamples=5)
    assert found.explained < 0.3
    assert rank_correlation(np.zeros(4), np.arange(4.0)) == 0.0


def test_few_seeds_are_refused():
    newton, gr = pairs(3, 8, 2)
    with pytest.raises(BadInput, match="expected at least 5"):
        fit_surrogate(measured(newton, gr, EDGES), np.zeros((3, 2)), [1, 2, 3], 3)
