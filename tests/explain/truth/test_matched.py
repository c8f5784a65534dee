"""The matched filter of C1 against its definition, by brute force, and by its derivatives."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from helpers.analytic import noise
from weakfield.explain.triangle_basis import triangle_basis
from weakfield.explain.truth.matched import MatchedFilter
from weakfield.explain.truth.quantities import filter_parts, filter_triangles, shapes, template_parts
from weakfield.fourier.half_axis import half_axis_weights, squared_wavenumbers
from weakfield.fourier.quadratic import second_order_fields
from weakfield.fourier.shells import shells
from weakfield.mesh import fft
from weakfield.spectra.theory.relativistic import growing_mode_difference

KERNEL = growing_mode_difference().parts[None]


def power(n):
    return n**-3.0


def known(n, unit=1.0):
    return MatchedFilter(n, KERNEL, power, unit)


@pytest.mark.parametrize("n", [8, 9])
def test_the_filter_is_the_field_times_its_own_c1_over_the_power(n):
    field, filter_ = noise(n, n, n), known(n)
    inside = torch.from_numpy(shells(n, filter_.band).index == 0)
    modes = fft.forward(field) / n**3 * inside
    c1 = -4.0 * second_order_fields(modes).theta_0  # Einstein-de Sitter
    squares = np.maximum(squared_wavenumbers(n), 1)
    terms = (c1.conj() * modes).real.numpy() / power(np.sqrt(squares)) * half_axis_weights(n)
    assert float(filter_(field[None, None])) == pytest.approx(terms.sum(), rel=1e-10)
    assert float(known(n, 4.0)(field[None, None])) == pytest.approx(terms.sum() / 4, rel=1e-10)


def test_its_gradient_in_closed_form_is_that_of_autograd():
    field, filter_ = noise(8, 8, 8).requires_grad_(), known(8, 3.0)
    (expected,) = torch.autograd.grad(filter_(field[None, None]).sum(), field)
    torch.testing.assert_close(filter_.gradient(field.detach()), expected, rtol=1e-9, atol=1e-12)


def test_triangles_by_brute_force():
    n, edges = 6, (0.5, 1.2, 2.0)  # N / 3 = 2 ends the filter
    field, filter_, basis = noise(n, n, n), known(n), triangle_basis(n, 3, edges)
    f = np.fft.fftn(field.numpy()) / n**3
    vectors = [v for v in product((-1, 0, 1), repeat=3) if any(v)]
    vectors = [v for v in vectors if np.linalg.norm(v) < 2]
    shell = {v: int(np.searchsorted(edges, np.linalg.norm(v), side="right")) - 1 for v in vectors}
    expected = np.zeros(len(basis.triangles))
    for first, second in product(vectors, vectors):
        third = tuple(-a - b for a, b in zip(first, second, strict=True))
        if third in shell:
            k = [float(np.linalg.norm(v)) for v in (first, second, third)]
            row = np.flatnonzero((basis.triangles == sorted((shell[first], shell[second], shell[third]))).all(axis=1))
            expected[row] += (f[first] * f[second] * f[third]).real * float(KERNEL(*k)) / power(k[2])
    found = filter_.by_triangle(field, basis)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)
    assert found.sum() == pytest.approx(float(filter_(field[None, None])), rel=1e-9)


def test_parts_add_up_to_the_difference_of_the_answers():
    n = 9
    field, change, filter_ = noise(n, n, n), 0.3 * noise(n, n, n, seed=2), known(n)
    whole = float(filter_((field + change)[None, None]) - filter_(field[None, None]))
    parts = filter_parts(filter_, field, change)
    triangles = filter_triangles(filter_, field, change, triangle_basis(n, 3, (0.5, 1.5, 2.5, 3.0)))
    for found in (parts.shells.sum(), float(parts.cells.sum()), parts.blocks().sum(), triangles.sum()):
        assert found == pytest.approx(whole, rel=1e-9)
    assert parts.inside.tolist() == [True, True, True, False]  # the filter ends at N / 3
    own = parts.ranks({"a": 2 * parts.shells}, {"a": parts.cells**3})
    assert own == {name: {"a": pytest.approx(1.0)} for name in ("shells", "cells")} | {"blocks": own["blocks"]}


def test_the_template_weighs_each_mode_by_its_variance():
    n = 8
    field, change = noise(n, n, n), noise(n, n, n, seed=2)
    shell = shells(n)
    one, other = (shell.sums((fft.forward(f) / n**3).abs().numpy() ** 2) for f in (field, change))
    np.testing.assert_allclose(template_parts(field, change).shells, other / (one / shell.modes), rtol=1e-9)


def test_shapes_of_triangles():
    sides = np.array([[9.0, 9.0, 2.0], [5.0, 5.0, 5.0], [6.0, 3.5, 3.0], [7.0, 6.0, 5.0], [6.0, 4.4, 2.0]])
    index = np.array([[0, 3, 3], [2, 2, 2], [0, 0, 2], [1, 2, 3], [0, 1, 2]])
    found = {name: np.flatnonzero(which).tolist() for name, which in shapes(sides, index).items()}
    assert found == {"squeezed": [0, 4], "equilateral": [1], "folded": [2]}
