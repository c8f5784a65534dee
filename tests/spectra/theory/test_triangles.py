"""Averages over modes against sums over every mode and every triple, and end to end against fields."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.fourier.shells import shells
from weakfield.spectra.theory.generated import generated_power
from weakfield.spectra.theory.kernels import F2, PER_C, A, B, Kernel, potential_kernel
from weakfield.spectra.theory.relativistic import linear_start_difference
from weakfield.spectra.theory.triangles import TriangleAverages, shell_mean

BOX = 100.0
KERNELS = {"f2": F2, "potential": potential_kernel(0.02), "start": linear_start_difference(0.03, 5.0)}


def power(k: np.ndarray) -> np.ndarray:
    return np.asarray(k * np.exp(-3 * k))


def vectors(n: int) -> tuple[np.ndarray, np.ndarray]:
    """All wave vectors of a cube off the Nyquist planes, and their lengths, in units of k_F."""
    reach = (n - 1) // 2
    axis = np.arange(-reach, reach + 1)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij")).reshape(3, -1).T
    return grid, np.sqrt((grid**2).sum(axis=1))


def brute_force(n: int, edges: np.ndarray, kernel: Kernel) -> dict[tuple[int, int, int], tuple[int, float]]:
    """Count and mean of 2 K P P and permutations over every closed triple, by shells."""
    grid, length = vectors(n)
    shell = np.searchsorted(edges, length, side="right") - 1
    kept = (shell >= 0) & (shell < len(edges) - 1) & (length > 0)
    grid, length, shell = grid[kept], length[kept], shell[kept]
    place = {tuple(vector): i for i, vector in enumerate(grid)}
    fundamental = 2 * np.pi / BOX
    totals: dict[tuple[int, int, int], list[float]] = {}
    for i, one in enumerate(grid):
        thirds = [place.get(tuple(vector), -1) for vector in -(one + grid)]
        for j, last in enumerate(thirds):
            row = (shell[i], shell[j], shell[last])
            if last < 0 or tuple(sorted(row)) != row:
                continue
            k = [length[x] * fundamental for x in (i, j, last)]
            p = [float(power(side)) for side in k]
            value = sum(2 * kernel(k[x], k[y], k[z]) * p[x] * p[y] for x, y, z in ((0, 1, 2), (1, 2, 0), (2, 0, 1)))
            entry = totals.setdefault(row, [0, 0.0])
            entry[0] += 1
            entry[1] += float(value)
    return {row: (int(count), total / count) for row, (count, total) in totals.items()}


@pytest.mark.slow(minutes=0.1)
@pytest.mark.parametrize(
    ("n", "edges", "name"),
    [(8, [0.5, 1.5, 2.5, 3.5], "f2"), (9, [0.5, 1.7, 3.0, 4.4], "potential"), (8, [1.0, 2.0, 6.0], "start")],
)
def test_every_triangle_against_every_triple(n, edges, name):
    known = brute_force(n, np.array(edges), KERNELS[name])
    rows = sorted(known)
    averages = TriangleAverages(n, BOX, edges, rows)
    np.testing.assert_array_equal(averages.modes, [known[row][0] for row in rows])
    # terms of a kernel cancel by up to (largest over smallest k)^4, some 1e3 here
    np.testing.assert_allclose(
        averages.bispectrum(KERNELS[name], power), [known[row][1] for row in rows], rtol=1e-9, atol=1e-14
    )


def test_counts_are_those_of_the_estimator():
    field = np.random.default_rng(1).standard_normal((12, 12, 12))
    edges = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    measured = wf.bispectrum(field, BOX, edges)
    np.testing.assert_array_equal(TriangleAverages(12, BOX, edges, measured.triangles).modes, measured.modes)


def test_no_triple_no_value():
    averages = TriangleAverages(8, BOX, [0.5, 1.2, 3.1, 3.9], [(0, 0, 2)])
    assert averages.modes[0] == 0
    assert averages.bispectrum(F2, power)[0] == 0


def test_bad_shells_are_refused():
    with pytest.raises(BadInput, match="expected increasing"):
        TriangleAverages(8, BOX, [2.0, 1.0], [(0, 0, 0)])
    with pytest.raises(BadInput, match="expected 0 to 1"):
        TriangleAverages(8, BOX, [0.5, 1.5, 2.5], [(0, 0, 2)])


def test_shell_mean_against_all_modes():
    edges = [0.5, 1.5, 2.9, 3.6]
    _, length = vectors(8)
    means = [power(length[(length >= a) & (length < b)] * 2 * np.pi / BOX).mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(shell_mean(power, 8, BOX, edges), means, rtol=1e-12)
    assert shell_mean(power, 8, BOX, [0.5, 0.9, 1.5])[0] == 0


@pytest.mark.parametrize("name", KERNELS)
def test_generated_power_against_all_pairs(name):
    n, fundamental = 8, 2 * np.pi / BOX
    grid, length = vectors(n)
    drawn = (length > 0) & (length < n // 2 - 1)
    edges = np.array([0.5, 1.5, 2.5, 3.5])
    sums = np.zeros(3)
    for vector, size in zip(grid, length, strict=True):
        shell = int(np.searchsorted(edges, size, side="right") - 1)
        if 0 <= shell < 3:
            other = np.sqrt(((vector - grid[drawn]) ** 2).sum(axis=1))
            inside = (other > 0) & (other < n // 2 - 1)
            k1, k2 = length[drawn][inside] * fundamental, other[inside] * fundamental
            sums[shell] += (KERNELS[name](k1, k2, size * fundamental) ** 2 * power(k1) * power(k2)).sum()
    expected = 2 / BOX**3 * sums / shells(n, edges).modes
    # the squared kernel cancels twice as many digits
    np.testing.assert_allclose(generated_power(KERNELS[name], power, n, BOX, edges), expected, rtol=1e-7)


def test_fields_made_with_a_kernel_have_its_bispectrum():
    # phi = g + K[g, g] with K = (k1^2 + k2^2) / k3^2 is g + 2 lap^-1 (g lap g): sign, factors and units end to end
    n, edges, rounds = 12, [0.5, 1.5, 2.5, 3.5], 300
    random, fundamental = np.random.default_rng(5), 2 * np.pi / BOX
    axis = np.fft.fftfreq(n, 1 / n) * fundamental
    square = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
    drawn = (square > 0) & (square < (3.5 * fundamental) ** 2)  # products reach 7, aliased to 5: into no shell
    amplitude = np.where(drawn, np.sqrt(power(np.sqrt(square)) / BOX**3), 0.0) * n**1.5

    def back(modes: np.ndarray) -> np.ndarray:
        return np.fft.ifftn(modes).real

    values = []
    for _ in range(rounds):
        modes = np.fft.fftn(random.standard_normal((n,) * 3)) * amplitude
        first = back(modes)
        product = np.fft.fftn(back(modes) * back(-square * modes))
        second = back(np.where(drawn, 2 * product / -np.where(drawn, square, 1.0), 0.0))
        # terms odd in the second order are all there is in the difference, and cosmic variance of the first is not
        plus, minus = (wf.bispectrum(first + sign * 1e-3 * second, BOX, edges) for sign in (1, -1))
        values.append((plus.value - minus.value) / 2e-3)
    expected = TriangleAverages(n, BOX, edges, plus.triangles).bispectrum(Kernel({None: (A + B) * PER_C}), power)
    mean, error = np.mean(values, axis=0), np.std(values, axis=0) / np.sqrt(rounds)
    pulls = (mean - expected) / error
    assert np.abs(pulls).max() < 4  # some ten triangles
    assert (np.abs(expected) > 10 * error).any()  # a wrong factor would be seen
