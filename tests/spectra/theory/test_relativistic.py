"""The relativistic second order against the equations it solves, known solutions and limits."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.spectra.theory.kernels import F2_AB, PER_C, ZELDOVICH
from weakfield.spectra.theory.relativistic import (
    CHI,
    FLUX,
    GRADIENT_SQUARED,
    GROWTH,
    POTENTIAL_LAPLACIAN,
    THETA_0,
    growing_mode_difference,
    linear_start_difference,
    newtonian_transient,
)

TRIANGLE = (0.7, 1.1, 1.5)


class SecondOrder:
    """phi = C1 + C2 tau^-5 + GROWTH tau^2 of one pair of modes, and what the constraints say of its matter.

    Written out anew from the Hamiltonian and the momentum constraint of a^2 [-e^(2 psi) dtau^2 + e^(-2 phi) dx^2].
    """

    def __init__(self, constant: float, decaying: float, k: tuple[float, float, float] = TRIANGLE) -> None:
        self.constant, self.decaying, self.c = constant, decaying, k[2] ** 2
        self.growth, self.chi, self.flux = (float(kernel(*k)) for kernel in (GROWTH, CHI, FLUX))
        self.gradient, self.laplacian = (float(kernel(*k)) for kernel in (GRADIENT_SQUARED, POTENTIAL_LAPLACIAN))

    def phi(self, tau: float) -> float:
        return self.constant + self.decaying * tau**-5 + self.growth * tau**2

    def rate(self, tau: float) -> float:
        return -5 * self.decaying * tau**-6 + 2 * self.growth * tau

    def contrast(self, tau: float) -> float:
        """Second order of the contrast of particle numbers in coordinate volumes."""
        H = 2 / tau
        left = -(4 * self.c + 30 * H**2) * self.phi(tau) - 12 * H * self.rate(tau)
        right = 4 * self.laplacian + 10 / 3 * self.gradient - 12 * H**2 * self.chi - 75 * H**2
        return (left - right) / (6 * H**2)

    def velocity(self, tau: float) -> float:
        """Second order of the potential of u_i / a."""
        H = 2 / tau
        momentum = -H * (self.phi(tau) - self.chi) + H / 2 - self.rate(tau) + H * (tau**2 / 6 * self.flux - 1)
        return momentum / (1.5 * H**2)


@pytest.mark.parametrize(("constant", "decaying"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.4)])
def test_matter_of_the_solution_is_conserved(constant, decaying):
    # delta' + d_i [v2_i + 3 varphi v1_i + delta1 v1_i] = 0, v1 = -(tau/3) grad varphi, delta1 = (tau^2/6) lap - 5:
    # the equation of motion of dust, which was not used to find the solution
    solution, tau, step = SecondOrder(constant, decaying), 1.7, 1e-4
    rate = (solution.contrast(tau + step) - solution.contrast(tau - step)) / (2 * step)
    transport = solution.c * (-solution.velocity(tau) + tau / 2 - 5 * tau / 6 + tau**3 / 18 * solution.flux)
    assert rate + transport == pytest.approx(0, abs=1e-7)  # the terms are of order one, the difference of order step^2


def test_newtonian_growth_is_f2():
    # lap phi = (6 / tau^2) delta, delta1 = (tau^2 / 6) lap varphi
    for k in (TRIANGLE, (1, 1, 1), (1, 2, 2.2)):
        assert float(GROWTH(*k)) == pytest.approx(float((F2_AB * PER_C)(*k)) / -6, rel=1e-12)


def test_start_obeys_both_constraints_of_displaced_particles():
    H = 1.3
    tau, k = 2 / H, TRIANGLE
    a, b, c = (side**2 for side in k)
    dot = (c - a - b) / 2

    def displaced(gauge: float) -> float:
        return (dot + a) * (dot + b) / 2 * (tau**2 / 6 + gauge / a) * (tau**2 / 6 + gauge / b)

    newton = displaced(0) * -6 / tau**2 / c
    phi = newton + float(linear_start_difference(H, 1.0)(*k))
    step = 1e-5  # of the growth: dtau / tau = step / 2
    slopes = [
        float((kernel(H, 1 + step)(*k) - kernel(H, 1 - step)(*k)) / step / tau)
        for kernel in (linear_start_difference, newtonian_transient)
    ]
    rate = sum(slopes) + 2 * tau * float(GROWTH(*k))
    solution = SecondOrder(0, 0)
    solution.phi, solution.rate = lambda _: phi, lambda _: rate
    assert solution.contrast(tau) == pytest.approx(displaced(5), rel=1e-6)  # slope: error of order step^2
    assert solution.velocity(tau) == pytest.approx(0, abs=1e-6)


def test_solution_of_matarrese_mollerach_and_bruni():
    # their metric 1 - 2 varphi - phi2, 1 + 2 varphi + psi2: phi2 / 2 = (2/3) varphi^2 - 4 Theta_0,
    # psi2 / 2 = (8/3) varphi^2 + 6 Theta_0; the exponential adds varphi^2 or takes it
    theta = float(THETA_0(*TRIANGLE))
    ours = float(growing_mode_difference(a_nl=0.0)(*TRIANGLE))
    assert ours == pytest.approx(2 / 3 - 4 * theta + 1)
    assert ours - float(CHI(*TRIANGLE)) == pytest.approx(8 / 3 + 6 * theta - 1)


def test_equilateral_by_hand():
    # a = b = c = 1, k1.k2 = -1/2: Psi_0 = 3/8, (grad)^2 = 1/2, Theta_0 = -(3/8 - 1/6) = -5/24
    assert float(THETA_0(1, 1, 1)) == pytest.approx(-5 / 24)
    assert float(growing_mode_difference()(1, 1, 1)) == pytest.approx(5 / 6)
    assert float(growing_mode_difference(a_nl=3.0)(1, 1, 1)) == pytest.approx(5 / 6 - 10 / 3)
    assert float(CHI(1, 1, 1)) == pytest.approx(25 / 12)


def test_squeezed_growing_mode_by_hand():
    # two short modes into a long one: Psi_0 -> k^2/2, (grad)^2 -> k^2, Theta_0 -> -(k^2/6) / k_L^2
    long = 1e-3
    assert float(growing_mode_difference()(1, 1, long)) == pytest.approx(2 / 3 / long**2, rel=1e-5)
    # a long and a short mode into a short one: Theta_0 is of order mu^2, bounded
    assert abs(float(growing_mode_difference()(long, 1, 1 - 0.4 * long))) < 4


def test_squeezed_linear_start_moves_the_short_mode():
    # deep inside the horizon the long mode displaces by 5 grad lap^-1 varphi_L, of which 3/5 stays as growing mode:
    # 2 K -> -5 (k_L.k_S) / k_L^2 (3/5 + 2/5 growth^-5/2) as k_L -> 0
    long, H = 1e-4, 1e-9
    cosine = 0.6
    k3 = np.sqrt(1 + long**2 + 2 * long * cosine)
    for growth in (1.0, 4.0):
        expected = -5 * cosine / long * (0.6 + 0.4 * growth**-2.5)
        assert 2 * float(linear_start_difference(H, growth)(long, 1, k3)) == pytest.approx(expected, rel=1e-2)


def test_transient_starts_from_displaced_particles_and_dies():
    H = 0.8
    square = 4 / H**2
    a, b, c = (side**2 for side in TRIANGLE)
    start = float(newtonian_transient(H, 1.0)(*TRIANGLE)) + square * float(GROWTH(*TRIANGLE))
    assert start == pytest.approx(-square / 6 * float(ZELDOVICH(*TRIANGLE)) * a * b / c)
    late = [float(newtonian_transient(H, growth)(*TRIANGLE)) for growth in (1e3, 1e4)]
    assert late[0] == pytest.approx(late[1], rel=1e-6)  # constant, while the growing mode goes with the scale factor
