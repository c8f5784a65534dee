"""Natural cubic splines: ends, reproduction, refusal to extrapolate."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.base.errors import BadInput
from weakfield.cosmology import natural_spline


def test_three_nodes_by_hand() -> None:
    # through (0,0), (1,1), (2,0) with free ends: 1.5 x - 0.5 x^3 on the first interval
    spline = natural_spline([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])
    x = np.linspace(0.0, 1.0, 11)
    np.testing.assert_allclose(spline(x), 1.5 * x - 0.5 * x**3, atol=1e-15)
    assert float(spline(1.25)) == pytest.approx(float(spline(0.75)), rel=1e-14)


def test_a_line_is_exact() -> None:
    nodes = np.array([1.0, 2.0, 5.0, 7.0])
    np.testing.assert_allclose(natural_spline(nodes, 3 * nodes - 1)(np.array([[1.5, 6.9]])), [[3.5, 19.7]], rtol=1e-14)


@pytest.mark.parametrize("x", [0.999, 7.001, np.nan])
def test_outside_is_refused(x: float) -> None:
    spline = natural_spline([1.0, 2.0, 7.0], [0.0, 1.0, 2.0], name="d_cdm of table.dat")
    with pytest.raises(BadInput, match=r"d_cdm of table\.dat"):
        spline(x)


def test_nodes_must_ascend() -> None:
    with pytest.raises(BadInput, match="ascending"):
        natural_spline([1.0, 3.0, 2.0], [0.0, 1.0, 2.0])
