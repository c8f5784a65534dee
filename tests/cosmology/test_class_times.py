"""Tables through the times at which CLASS keeps its perturbations."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pytest

from weakfield.config import CosmologySettings, SimulationSettings
from weakfield.cosmology import Background, transfer_history
from weakfield.cosmology.background import HUBBLE_LENGTH_MPCH
from weakfield.cosmology.transfer.class_times import sampled_spline, sampling_times, through_class_times

Array = npt.NDArray[np.float64]

THESIS = CosmologySettings()
BOX = SimulationSettings(grid=8, box_size_mpch=5120.0, mesh="staggered", start="linear")


def test_times_of_a_universe_of_matter() -> None:
    """a = tau^2 has aH = 2 / tau, so every time is 1.05 times the one before, and the last is today."""
    tau = np.geomspace(0.05, 1.0, 200)
    times = sampling_times(0.1, tau**2, tau)
    np.testing.assert_allclose(times[1:-1] / times[:-2], 1.05, rtol=1e-6)
    assert times[0] == 0.1
    assert times[-1] == 1.0
    assert times[-2] < 1.0 <= 1.05 * times[-2] * (1 + 1e-6)


def test_slopes_at_the_ends_are_those_of_parabolas() -> None:
    """For a cubic: f' - (x1 - x0) (x2 - x0), as f - p = (x - x0) (x - x1) (x - x2)."""
    x = np.array([0.0, 1.0, 3.0, 4.0, 4.5])
    spline = sampled_spline(x, np.stack([x**2, x**3], axis=1))
    np.testing.assert_allclose(spline(2.0)[0], 4.0, rtol=1e-14)  # a parabola is kept
    np.testing.assert_allclose(spline(0.0, 1), [0.0, 0.0 - 1.0 * 3.0], atol=1e-13)
    np.testing.assert_allclose(spline(4.5, 1), [9.0, 3 * 4.5**2 - 0.5 * 1.5], rtol=1e-14)


def test_values_hold_and_the_first_derivative_does_not() -> None:
    """tau^-5, steps h = ln 1.05 in ln tau: the first slope is a parabola's, (4 r - r^2 - 3) / 2h, r = 1.05^-5."""
    tau = np.geomspace(0.05, 1.0, 400)
    a, columns = through_class_times({"phi": tau[:, None] ** -5, "psi": np.log(tau)[:, None]}, tau**2, tau, 99.0)
    assert a[0] == pytest.approx(1.0 / (1.015 * 99.0 + 2.01))
    assert a[-1] == 1.0
    np.testing.assert_allclose(columns["psi"][:, 0], 0.5 * np.log(a), atol=1e-9)
    np.testing.assert_allclose(columns["phi"][:, 0], a**-2.5, rtol=1e-3)
    slope = np.gradient(np.log(columns["phi"][:, 0]), np.log(a), edge_order=2)[0]
    h, r = np.log(1.05), 1.05**-5
    parabola = (4.0 * r - r**2 - 3.0) / (2.0 * h)
    assert slope / -2.5 == pytest.approx(parabola / -5.0, abs=1e-4)
    assert parabola / -5.0 < 0.985


def _curvature_change(settings: SimulationSettings) -> Array:
    """zeta's relative change over the last hundredth before z = 100, which is the gauge velocity V, on three scales."""

    def curvature(a: float) -> tuple[Array, Array]:
        f = transfer_history(settings, THESIS).at(a)
        assert f.phi is not None
        hubble = np.sqrt(Background(THESIS, 1.0).density(a)) / HUBBLE_LENGTH_MPCH
        return f.k_hmpc, f.phi + hubble * f.theta["tot"] / (THESIS.h * f.k_hmpc**2)

    a = 1.0 / 101.0
    (k, now), (_, before) = curvature(a), curvature(0.99 * a)
    return np.interp([1.3e-3, 2e-3, 2.5e-3], k, now - before)


@pytest.mark.slow
def test_the_gauge_velocity_of_camb_is_larger_through_them() -> None:
    coarse, fine = (_curvature_change(BOX.model_copy(update={"transfer_nodes": nodes})) for nodes in ("class", "fine"))
    assert coarse[0] / fine[0] == pytest.approx(1.024, abs=0.004)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("classy") is None, reason="classy is not installed (pip install weakfield[class])")
def test_camb_through_them_is_class() -> None:
    linked = BOX.model_copy(update={"transfer_nodes": "class"})
    camb, code = (_curvature_change(linked.model_copy(update={"transfer": name})) for name in ("camb", "class"))
    np.testing.assert_allclose(camb, code, rtol=5e-4)
