"""Mass assignment of four orders: hand-computed weights, mass, windows, and the shot noise that particles leave."""

from __future__ import annotations

import numpy as np
import pytest

from weakfield.base.errors import BadInput
from weakfield.fourier.windows import ALIAS_SUMS, WINDOW_ORDERS
from weakfield.mesh.kernels.cpu.splines import paint_spline
from weakfield.spectra import average, paint_density, power_spectrum

WINDOWS = ("ngp", "cic", "tsc", "pcs")


@pytest.mark.parametrize(
    ("order", "position", "expected"),
    [
        (1, 2.4, {2: 1.0}),
        (1, 7.6, {0: 1.0}),
        (2, 2.25, {2: 0.75, 3: 0.25}),
        (3, 2.0, {1: 0.125, 2: 0.75, 3: 0.125}),
        (3, 2.5, {2: 0.5, 3: 0.5}),
        (4, 2.0, {1: 1 / 6, 2: 4 / 6, 3: 1 / 6}),
        (4, 7.5, {6: 1 / 48, 7: 23 / 48, 0: 23 / 48, 1: 1 / 48}),
    ],
)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_weights_by_hand(order, position, expected, axis):
    place = np.full((3, 1), 3.0)
    place[axis] = position
    grid = paint_spline(place, np.ones(1), order, np.zeros((8, 8, 8)))
    others = tuple(a for a in range(3) if a != 2 - axis)  # the arrays are [z, y, x]
    found = grid.sum(axis=others)
    np.testing.assert_allclose(found, [expected.get(site, 0.0) for site in range(8)], atol=1e-15)


@pytest.mark.parametrize("window", WINDOWS)
def test_fourier_transform_of_a_cloud_is_its_window_and_aliases(window):
    """Averaged over where a particle is within a cell, aliases vanish: what is left is prod sinc^p."""
    n, parts, k = 8, 40, np.array([2, -1, 3])
    total = 0.0
    for step in range(parts):
        place = np.full((3, 1), (step + 0.5) / parts) + np.array([[3.0], [1.0], [5.0]])
        grid = paint_spline(place, np.ones(1), WINDOW_ORDERS[window], np.zeros((n, n, n)))
        f = np.fft.fftn(grid)[k[2], k[1], k[0]]
        total += f * np.exp(2j * np.pi * (k @ place[:, 0]) / n) / parts
    expected = np.prod(np.sinc(k / n)) ** WINDOW_ORDERS[window]
    # midpoints on one diagonal: aliases whose components add to zero remain, the largest of relative (k/(n-k))^2p
    assert total.real == pytest.approx(expected, rel=2 * (3 / 5 * 2 / 6) ** WINDOW_ORDERS[window])


@pytest.mark.parametrize(("window", "slope"), [("ngp", 1), ("cic", 2), ("tsc", 3), ("pcs", 4)])
def test_smoothness_rises_with_the_order(window, slope):
    """The unevenness of a regular lattice of particles falls as a power of its spacing: (k / k_alias)^p."""
    residue = []
    for per_cell in (2, 4):
        # a wave of displacement keeps the particles from lying on sites
        q = (np.arange(8 * per_cell) + 0.3) / per_cell
        x = q + 0.2 * np.sin(2 * np.pi * q / 8)
        fine = np.zeros((8, 8, 8))
        place = np.stack([x, np.full_like(x, 2.0), np.full_like(x, 2.0)])
        paint_spline(place, np.full(1, 1 / per_cell), WINDOW_ORDERS[window], fine)
        line = fine.sum(axis=(0, 1))
        many = np.zeros((8, 8, 8))
        q = (np.arange(8 * 256) + 0.3) / 256
        x = q + 0.2 * np.sin(2 * np.pi * q / 8)
        place = np.stack([x, np.full_like(x, 2.0), np.full_like(x, 2.0)])
        paint_spline(place, np.full(1, 1 / 256), WINDOW_ORDERS[window], many)
        residue.append(abs(line - many.sum(axis=(0, 1))).max())
    assert np.log2(residue[0] / residue[1]) > slope - 0.5


@pytest.mark.parametrize("window", WINDOWS)
def test_mass_is_kept_and_particles_on_sites_are_what_they_are(window):
    generator = np.random.default_rng(1)
    mass = generator.uniform(1, 2, 50)
    contrast = paint_density(generator.uniform(-5, 15, (3, 50)), 6, 10.0, window, mass)
    assert abs(float(contrast.mean())) < 1e-14
    assert float(contrast.min()) >= -1
    lattice = np.stack(np.meshgrid(*3 * [np.arange(4.0)], indexing="ij")).reshape(3, -1)
    assert abs(paint_density(lattice, 4, 4.0, window)).max() < 1e-14


@pytest.mark.parametrize("window", WINDOWS)
def test_random_particles_have_shot_noise_and_no_power(window):
    """Unit points at random: P = V / N_p; with its aliases subtracted mode by mode nothing is left, up to Nyquist."""
    box, count, n = 10.0, 2000, 12
    noise = box**3 / count
    results = []
    for seed in range(12):
        places = np.random.default_rng(seed).uniform(0, box, (3, count))
        contrast = paint_density(places, n, box, window)
        results.append(power_spectrum(contrast, box, window=window, shot_noise=noise, gauge="n-body"))
    total = average(results)
    assert (abs(total.power) < 4 * total.error).all()
    assert total.gauge == "n-body"


@pytest.mark.parametrize("window", WINDOWS)
def test_shape_of_the_shot_noise_is_the_sum_over_aliases(window):
    u = np.array([0.0, 0.1, 0.3, 0.5])
    aliases = np.arange(-2000, 2001)[:, None]
    direct = (np.sinc(u + aliases) ** (2 * WINDOW_ORDERS[window])).sum(axis=0)
    found = np.polynomial.polynomial.polyval(np.sin(np.pi * u) ** 2, ALIAS_SUMS[window])
    np.testing.assert_allclose(found, direct, rtol=2e-4)  # ngp: the tail beyond 2000 aliases is 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.ones((2, 5))}, "positions"),
        ({"positions": np.full((3, 5), np.nan)}, "positions"),
        ({"window": "none"}, "ngp"),
        ({"mass": np.ones(4)}, "mass"),
        ({"mass": np.zeros(5)}, "total mass"),
        ({"mass": np.full(5, np.nan)}, "total mass"),
        ({"mass": np.ones(5, dtype=complex)}, "mass cannot be read as real numbers"),
        ({"positions": np.ones((3, 5), dtype=complex)}, "positions cannot be read as real numbers"),
        ({"positions": [["a"] * 5] * 3}, "positions cannot be read as real numbers"),
        ({"positions": np.full((3, 5), 1e300)}, "positions reach from"),
        ({"grid": 4.0}, "grid 4.0, expected ngp, cic, tsc or pcs and a whole number of cells"),
        ({"grid": 10**7}, "a whole number of cells"),
        ({"window": 2}, "window is '2', expected one of"),
        ({"box_size": "2 Mpc"}, "box_size is 2 Mpc, expected a number"),
        ({"box_size": 1e-300}, "expected a length"),
    ],
)
def test_bad_particles_are_named(change, message):
    with pytest.raises(BadInput, match=message):
        paint_density(**({"positions": np.ones((3, 5)), "grid": 4, "box_size": 2.0} | change))


def test_positions_in_other_units_are_noticed() -> None:
    positions = np.random.default_rng(1).uniform(0, 640.0, (3, 50))
    paint_density(positions + 640.0, 8, 640.0)  # periodic
    with pytest.raises(BadInput, match=r"reach from .* expected 0 to 640, .* are they in kpc/h\?"):
        paint_density(positions * 1000, 8, 640.0)
    with pytest.warns(UserWarning, match="all 50 positions lie within .* are they in units of the box"):
        paint_density(positions / 640, 8, 640.0)
