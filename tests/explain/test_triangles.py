"""Triangle attribution: sums against the spectra, gradients against differences, exact where the logit is a formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.analytic import TriangleSums, noise
from weakfield.base.errors import BadInput
from weakfield.explain.response import Response
from weakfield.explain.triangle_basis import triangle_basis
from weakfield.explain.triangles import gradient_bispectrum, solved, triangle_response
from weakfield.spectra import bispectrum, cross_bispectrum, power_spectrum

EDGES = (0.5, 1.5, 2.5, 3.9)


@pytest.mark.parametrize("n", [8, 9])
def test_sums_are_those_of_the_spectra(n):
    field, basis = noise(n, n, n), triangle_basis(n, 3, EDGES)
    found, measured = basis.statistics(field), bispectrum(field, 1.0, EDGES)
    assert (basis.triangles == measured.triangles).all()
    assert (basis.counts == measured.modes).all()
    np.testing.assert_allclose(found[3:], measured.sums, rtol=1e-10, atol=1e-16)
    np.testing.assert_allclose(found[:3], power_spectrum(field, 1.0, EDGES).sums, rtol=1e-12)


def test_triples_in_a_plane_by_brute_force():
    n, edges = 6, (0.5, 1.1, 2.3)
    field, basis = noise(n, n), triangle_basis(6, 2, (0.5, 1.1, 2.3))
    f = np.fft.fft2(field.numpy()) / n**2
    vectors = [(a, b) for a in range(-2, 3) for b in range(-2, 3)]
    shell = {v: int(np.searchsorted(edges, np.hypot(*v), side="right")) - 1 for v in vectors}
    sums, counts = np.zeros(len(basis.triangles)), np.zeros(len(basis.triangles), dtype=int)
    for first in vectors:
        for second in vectors:
            third = (-first[0] - second[0], -first[1] - second[1])
            sides = [shell[first], shell[second], shell.get(third, 9)]
            row = np.flatnonzero((basis.triangles == sides).all(axis=1))
            if len(row):
                sums[row] += (f[first] * f[second] * f[third]).real
                counts[row] += 1
    np.testing.assert_allclose(basis.statistics(field)[2:], sums, rtol=1e-10, atol=1e-16)
    assert (basis.counts == counts).all()


def test_the_gradient_bispectrum_is_the_cross_bispectrum_in_three_orders():
    n = 8
    field, gradient, basis = noise(n, n, n), noise(n, n, n, seed=2), triangle_basis(n, 3, EDGES)
    found = gradient_bispectrum(basis, gradient, field)[3:]
    wanted = np.zeros(len(found))
    for fields in ((gradient, field, field), (field, gradient, field), (field, field, gradient)):
        cross = cross_bispectrum(*fields, 1.0, EDGES)
        rows = {tuple(sides): value for sides, value in zip(cross.triangles.tolist(), cross.sums, strict=True)}
        wanted += [rows[tuple(sides)] for sides in basis.triangles.tolist()]
    np.testing.assert_allclose(found, wanted * n**3, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_responses_are_derivatives(dimensions):
    n, step = 8, 1e-4
    field, change = noise(*(n,) * dimensions), noise(*(n,) * dimensions, seed=4)
    basis = triangle_basis(n, dimensions, EDGES)
    ahead, behind = (basis.statistics(field + sign * step * change) for sign in (1, -1))
    # a cubic form leaves the third derivative times step^2 / 6
    found = gradient_bispectrum(basis, change, field) / n**dimensions
    np.testing.assert_allclose(found, (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-9 * np.abs(found).max())


@pytest.mark.parametrize(("n", "dimensions"), [(8, 3), (9, 3), (8, 2)])
def test_a_logit_of_powers_and_triangles_is_found_exactly(n, dimensions):
    weights, powers = {(0, 0, 1): 3.0, (0, 1, 2): -2.0, (2, 2, 2): 0.7, (1, 1, 1): 0.2}, {0: 0.5, 2: -1.0}
    network = TriangleSums(n, dimensions, EDGES, weights, powers)
    shape = (3, 1, *(n,) * dimensions)
    newton = noise(*shape)
    gr = newton + 0.2 * newton**2 + 0.1 * noise(*shape, seed=3)
    found = triangle_response(network, newton, gr, EDGES)
    columns = [(s,) for s in range(3)] + [tuple(sides) for sides in found.triangles.tolist()]
    expected = np.array([{**{(s,): w for s, w in powers.items()}, **weights}.get(c, 0.0) for c in columns])
    # normal equations square the condition, here about 1e3
    np.testing.assert_allclose(found.weights.value, expected, atol=1e-9)
    np.testing.assert_allclose(found.remainder, 0, atol=1e-10 * np.abs(found.change).max())
    np.testing.assert_allclose(found.explained.value[1], 1, rtol=1e-12)
    assert found.explained.value[0] < 0.99
    np.testing.assert_allclose(found.shares.value[2], 0, atol=1e-10)
    np.testing.assert_allclose(found.weights.error, 0, atol=1e-8)  # and no seed disagrees
    largest = found.triangles[np.argmax(np.abs(found.resampled(np.ones((1, 3)))[0]))]
    assert tuple(largest) in weights


def test_a_bent_logit_has_the_mean_slope_for_its_weight():
    n, count = 8, 24
    inner = TriangleSums(n, 3, EDGES, {(0, 1, 1): 1.0})
    newton = noise(count, 1, n, n, n)
    scale = float(inner(newton).std())

    class Bent(torch.nn.Module):
        def forward(self, x):
            return torch.tanh(inner(x) / scale)

    gr = newton.flip(0).roll(3, 2)  # other members of the same ensemble
    found = triangle_response(Bent(), newton, gr, EDGES)
    standard = np.abs(found.resampled(np.ones((1, count)))[0])
    assert found.triangles[np.argmax(standard)].tolist() == [0, 1, 1]
    triangle = found.basis.shells + int(np.argmax(standard))
    answers, gradients = Response(Bent()).gradients(newton)
    slope = float((1 - answers**2).mean()) / scale
    # slopes are weighed by the size of the response they multiply; 24 draws leave a tenth
    assert found.weights.value[triangle] == pytest.approx(slope, rel=0.25)
    assert np.sort(standard)[-2] < 0.3 * standard.max()
    assert gradients.shape == newton.shape


def test_only_the_channel_asked_for_is_looked_at():
    inner = TriangleSums(8, 2, EDGES, {(0, 1, 1): 1.0})

    class Second(torch.nn.Module):
        def forward(self, x):
            return inner(x[:, 1:])

    newton, gr = noise(2, 2, 8, 8), noise(2, 2, 8, 8, seed=2)
    found = [triangle_response(Second(), newton, gr, EDGES, channel=c) for c in (0, 1)]
    np.testing.assert_allclose(found[0].weights.value, 0, atol=1e-12)
    np.testing.assert_allclose(found[1].remainder, 0, atol=1e-10)
    with pytest.raises(BadInput, match="channel is 2"):
        triangle_response(Second(), newton, gr, EDGES, channel=2)


def test_seeds_that_repeat_are_one_draw():
    network = TriangleSums(8, 2, EDGES, {(0, 1, 1): 1.0})
    newton, gr = noise(4, 1, 8, 8), noise(4, 1, 8, 8, seed=2)
    found = triangle_response(network, newton, gr, EDGES, seeds=[5, 5, 2, 2])
    assert (found.normal.shape[0], found.weights.seeds) == (2, 2)


def test_weights_that_nothing_fixes_are_zero():
    normal = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    np.testing.assert_allclose(solved(normal, np.array([4.0, 1.0, 1.0])), [2.0, 0.5, 0.5])
    np.testing.assert_allclose(solved(np.zeros((2, 2)), np.zeros(2)), 0)


def test_a_shell_with_the_mean_is_refused():
    with pytest.raises(BadInput, match="the first edge"):
        triangle_response(torch.nn.Flatten(), torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), (0.0, 1.5))
