"""Second-order kernels against values done by hand and identities of perturbation theory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakfield.spectra.theory.kernels import DOT, F2, F2_AB, PER_C, ZELDOVICH, A, B, C, Kernel, potential_kernel

sides = st.floats(0.05, 5.0)
cosines = st.floats(-0.99, 0.99)


def third(k1: float, k2: float, cosine: float) -> float:
    return float(np.sqrt(k1**2 + k2**2 + 2 * k1 * k2 * cosine))


@pytest.mark.parametrize(
    ("k1", "k2", "k3", "value"),
    # equilateral: 5/7 - 1/2 + 1/14; parallel, equal: 5/7 + 1 + 2/7; parallel, k and 2k: 5/7 + 5/4 + 2/7; 3, 4, 5
    [(1, 1, 1, 2 / 7), (1, 1, 2, 2), (1, 2, 3, 2.25), (3, 4, 5, 5 / 7)],
)
def test_f2_by_hand(k1, k2, k3, value):
    assert F2(k1, k2, k3) == pytest.approx(value, rel=1e-14)


@given(sides, sides, cosines)
def test_f2_is_its_textbook_form_and_symmetric(k1, k2, cosine):
    k3 = third(k1, k2, cosine)
    textbook = 5 / 7 + cosine / 2 * (k1 / k2 + k2 / k1) + 2 / 7 * cosine**2
    # sums of terms up to (k1/k2)^2 = 1e4 cancel to order one
    assert F2(k1, k2, k3) == pytest.approx(textbook, rel=1e-8, abs=1e-8)
    assert F2(k2, k1, k3) == pytest.approx(float(F2(k1, k2, k3)), rel=1e-10, abs=1e-8)


def test_mean_of_f2_over_directions_is_17_over_21():
    cosine, weight = np.polynomial.legendre.leggauss(4)
    assert 0.5 * weight @ F2(0.7, 1.3, np.sqrt(0.49 + 1.69 + 2 * 0.91 * cosine)) == pytest.approx(17 / 21, rel=1e-12)


def test_no_mass_moves_over_large_distances():
    # momentum conservation: F2 falls as k3^2 for opposite sides, so that halving k3 quarters it
    near, far = (float(F2(1.0, np.sqrt(1 + k**2), k)) for k in (1e-2, 2e-2))
    assert far / near == pytest.approx(4, rel=1e-3)  # next order k3^2 = 4e-4
    assert float(ZELDOVICH(1.0, 1.0, 1e-3)) == pytest.approx(0, abs=1e-6)


def test_displaced_particles_by_hand():
    # (k.k1)(k.k2) / 2 of unit sides: equilateral (1/2)(1/2)/2, parallel 2 * 2 / 2
    assert ZELDOVICH(1, 1, 1) == pytest.approx(1 / 8)
    assert ZELDOVICH(1, 1, 2) == pytest.approx(2)


@given(sides, sides, cosines)
def test_algebra_of_kernels_is_that_of_their_values(k1, k2, cosine):
    k = (k1, k2, third(k1, k2, cosine))
    a, b, c = (side**2 for side in k)
    built = (2.0 - 3 * A) * (B - C / 4) + DOT * PER_C - 1.0
    dot = (c - a - b) / 2
    assert float(built(*k)) == pytest.approx((2 - 3 * a) * (b - c / 4) + dot / c - 1, rel=1e-7, abs=1e-7)
    assert float(built.swapped(*k)) == pytest.approx((2 - 3 * b) * (a - c / 4) + dot / c - 1, rel=1e-7, abs=1e-7)


def test_sum_of_kernels_with_and_without_a_shift():
    one, two = Kernel({None: A + B, 2.0: C}), Kernel({2.0: C * 3, 5.0: A})
    k = (1.0, 2.0, 2.5)
    c = 6.25
    assert (one + two * 0.5)(*k) == pytest.approx(5 + c / (c + 2) * 2.5 + 0.5 / (c + 5))


def test_potential_kernel_is_f2_through_poisson():
    contrast, k = 0.3, (0.5, 0.8, 1.0)
    one, two, three = (contrast / side**2 for side in k)
    assert potential_kernel(contrast)(*k) == pytest.approx(float(-F2(*k) * three / (one * two)), rel=1e-13)
    assert F2_AB(*k) > 0
