"""Bispectra: every triangle against a sum over all triples of modes, symmetries, errors, f_NL, results."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch

import weakfield as wf
from weakfield.base.errors import BadInput
from weakfield.spectra import average, bispectrum, bispectrum_at_angles, cross_bispectrum, load_result, power_spectrum
from weakfield.spectra.counts import closed_triangles, given_triangles
from weakfield.spectra.modes import shell_amplitudes
from weakfield.spectra.triples import grid_sums, triple_sums

BOX = 7.0
EDGES = {8: [0, 1, 2, 3, 4, 5, 8], 9: [0.5, 2, 3.5, 5, 7], 12: [0, 1, 2, 3, 4, 5, 6, 8, 11]}


def noise(n: int, seed: int = 0, count: int = 1) -> np.ndarray:
    field = np.random.default_rng(seed).normal(size=(count, n, n, n))
    return field[0] if count == 1 else field


def brute_force(n, edges, fields):
    """Counts, V^2 sum Re f1 f2 f3 and sums of |n| per side by all pairs of modes of the cube, (S, S, S) each."""
    m, shells = (n - 1) // 2, len(edges) - 1
    axis = np.arange(-m, m + 1)
    k = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    bounds = [Fraction(float(edge)) ** 2 for edge in edges]
    square = (k**2).sum(axis=1)
    shell = np.array([sum(q >= bound for bound in bounds) - 1 for q in range(3 * m * m + 1)])[square]
    shell[shell >= shells] = -1
    k, square, shell = k[shell >= 0], square[shell >= 0], shell[shell >= 0]
    place = np.full((2 * m + 1,) * 3, -1)
    place[tuple((k + m).T)] = np.arange(len(k))
    third = -(k[:, None] + k[None])
    inside = (abs(third) <= m).all(axis=-1)
    third = np.where(inside, place[tuple(np.clip(third + m, 0, 2 * m).transpose(2, 0, 1))], -1)
    first, second = np.nonzero(third >= 0)
    third = third[first, second]
    f1, f2, f3 = (np.fft.fftn(field)[tuple(k.T)] / n**3 for field in fields)
    cell = (shell[first] * shells + shell[second]) * shells + shell[third]
    weights = [None, BOX**6 * (f1[first] * f2[second] * f3[third]).real]
    weights += [np.sqrt(square[side]) for side in (first, second, third)]
    counts, sums, *lengths = (np.bincount(cell, w, shells**3).reshape(3 * (shells,)) for w in weights)
    return counts, sums, np.stack(lengths, axis=-1)


@pytest.mark.parametrize("n", [8, 9, 12])
def test_every_triangle_equals_the_sum_over_all_triples(n):
    field = noise(n)
    result = wf.bispectrum(field, BOX, EDGES[n])
    counts, sums, lengths = brute_force(n, EDGES[n], [field] * 3)
    ordered = {tuple(sorted(t)) for t in np.argwhere(counts > 0).tolist()}
    assert {tuple(t) for t in result.triangles.tolist()} == ordered
    at = tuple(result.triangles.T)
    np.testing.assert_array_equal(result.modes, counts[at])
    # sums of 1e5 terms of random sign: rounding stays below 1e-13 of the largest
    np.testing.assert_allclose(result.sums, sums[at], rtol=0, atol=1e-13 * abs(sums).max())
    np.testing.assert_allclose(result.k * BOX / (2 * np.pi) * counts[at][:, None], lengths[at], rtol=1e-12)
    np.testing.assert_array_equal(result.value, result.sums / result.modes)


@pytest.mark.parametrize("n", [8, 9])
def test_three_fields_have_a_triangle_for_every_order(n):
    fields = noise(n, 1, 3)
    result = cross_bispectrum(*fields, BOX, EDGES[n])
    counts, sums, lengths = brute_force(n, EDGES[n], fields)
    assert {tuple(t) for t in result.triangles.tolist()} == {tuple(t) for t in np.argwhere(counts > 0).tolist()}
    at = tuple(result.triangles.T)
    np.testing.assert_array_equal(result.modes, counts[at])
    np.testing.assert_allclose(result.sums, sums[at], rtol=0, atol=1e-13 * abs(sums).max())
    np.testing.assert_allclose(result.k * BOX / (2 * np.pi) * counts[at][:, None], lengths[at], rtol=1e-12)


def test_three_plane_waves_make_one_triangle():
    # cos a cos b cos(a + b + p): f = A/2 at each of the six modes, f1 f2 f3* = (1/8) e^{ip} for both orientations
    n, p = 16, 0.4
    _, y, x = 2 * np.pi / n * np.stack(np.meshgrid(*3 * [np.arange(n)], indexing="ij"))
    field = np.cos(2 * x) + np.cos(3 * y + p) + np.cos(2 * x + 3 * y)
    result = bispectrum(field, BOX, [1.9, 2.1, 2.9, 3.1, 3.5, 3.7])  # |n| = 2, 3 and sqrt 13
    row = np.flatnonzero((result.triangles == [0, 2, 4]).all(axis=1))
    # each wave at +k and -k; k1 + k2 + k3 = 0 twice, complex conjugates
    assert result.sums[row] == pytest.approx(BOX**6 * 2 * np.cos(p) / 8, rel=1e-12)
    assert abs(np.delete(result.sums, row)).max() < 1e-12 * BOX**6
    assert result.theta[row] == pytest.approx(np.pi / 2, rel=1e-12)


def test_triples_that_close_only_modulo_n_do_not_count():
    # k = (3,0,0) three times is zero modulo 9 and no triangle
    n = 9
    x = np.arange(n)[None, None, :] * np.ones((n, n, 1))
    result = bispectrum(np.cos(2 * np.pi * 3 * x / n), BOX, [2.9, 3.1])
    assert abs(result.sums).max(initial=0) < 1e-12 * BOX**6


@pytest.mark.parametrize(("last", "centred"), [(9.6, True), (14.1, False)])
def test_slabs_equal_whole_grids_and_do_not_depend_on_threads(monkeypatch, last, centred):
    n = 20
    triangles = closed_triangles(n, tuple(pairwise(np.arange(0.5, last, 1.5).tolist())))
    assert centred in {group.centred for group in triangles.groups}
    for count in (1, 3):
        fields = [shell_amplitudes(noise(n, seed), triangles.modes) for seed in range(count)]
        given = (fields, triangles.modes, triangles.rows, triangles.groups)
        bits = []
        for threads in ("1", "2"):
            monkeypatch.setenv("WEAKFIELD_THREADS", threads)
            bits.append(triple_sums(*given))
        np.testing.assert_array_equal(*bits)
        np.testing.assert_allclose(bits[0], grid_sums(*given), rtol=0, atol=1e-13 * abs(bits[0]).max())


def test_shifts_mirrors_and_exchanges_of_axes_leave_it_as_it_is():
    field = noise(10, 3)
    first = bispectrum(field, BOX, [1, 2, 3, 4]).value
    for other in (np.roll(field, (1, 2, 3), (0, 1, 2)), field.transpose(2, 0, 1)):
        np.testing.assert_allclose(bispectrum(other, BOX, [1, 2, 3, 4]).value, first, atol=1e-13 * abs(first).max())
    np.testing.assert_array_equal(bispectrum(-field, BOX, [1, 2, 3, 4]).value, -first)
    np.testing.assert_allclose(bispectrum(field, 2 * BOX, [1, 2, 3, 4]).value, 64 * first, rtol=1e-14)


def test_counts_above_32_bits_are_exact_integers():
    """A ball of radius R: two of its vectors have a sum inside of it with probability 15/32."""
    triangles = closed_triangles(128, ((0.0, 40.0),))
    modes = int(triangles.modes.modes[0])
    assert triangles.counts[0] > 2**34
    assert triangles.counts[0] / modes**2 == pytest.approx(15 / 32, rel=1e-3)  # edge of the ball: 1/R^2


@pytest.mark.slow
def test_counts_at_512_equal_a_sample_of_first_sides():
    intervals = ((100.0, 103.0), (130.0, 133.0), (160.0, 163.0))
    triangles = given_triangles(512, intervals, ((0, 1, 2), (2, 2, 2)))
    modes = triangles.modes
    generator = np.random.default_rng(0)
    for (i, j, k), count in zip(triangles.rows.tolist(), triangles.counts.tolist(), strict=True):
        vectors = []
        for shell in (i, j):
            part = slice(modes.start[shell], modes.stop[shell])
            half = np.stack([modes.x[part], modes.y[part], modes.z[part]], axis=1).astype(np.int64)
            vectors.append(np.concatenate([half, -half[half[:, 0] > 0]]))
        chosen = vectors[0][generator.choice(len(vectors[0]), 40, replace=False)]
        lower, upper = (edge**2 for edge in intervals[k])
        found = []
        for first in chosen:
            square = ((first + vectors[1]) ** 2).sum(axis=1)
            found.append(((square >= lower) & (square < upper)).sum())
        expected, error = np.mean(found) * len(vectors[0]), np.std(found) / np.sqrt(40) * len(vectors[0])
        assert count > 2**32
        assert abs(count - expected) < 4 * error + 1e-6 * count


def gaussian(n: int, seed: int, band: float) -> np.ndarray:
    """White Gaussian modes below ``band``, unit variance."""
    f = np.fft.rfftn(noise(n, seed))
    k = np.fft.fftfreq(n, 1 / n)
    square = (k**2)[:, None, None] + (k**2)[None, :, None] + (np.arange(n // 2 + 1) ** 2)[None, None, :]
    field = np.fft.irfftn(np.where((square < band**2) & (square > 0), f, 0), (n,) * 3, axes=(0, 1, 2))
    return field / field.std()


def test_a_gaussian_field_scatters_about_zero_by_the_error_of_each_kind():
    edges = [1, 2, 3, 4, 5, 6]
    results = [bispectrum(noise(16, seed), BOX, edges) for seed in range(60)]
    kinds = [len(set(t)) for t in results[0].triangles.tolist()]
    pull = np.array([(r.value / r.error) ** 2 for r in results])
    for sides in (1, 2, 3):
        many = np.array(kinds) == sides
        # 60 fields x 5 to 15 triangles: chi^2 / n is known to 0.1 at least; a wrong symmetry factor gives 1/3 to 3
        assert pull[:, many].mean() == pytest.approx(1, abs=0.25)
    total = average(results)
    assert (abs(total.value) < 4 * total.error).all()
    np.testing.assert_allclose(total.scatter_error, total.error, rtol=0.4)  # 60 fields: 9 % each, and their worst


def test_cross_error_is_the_scatter_of_correlated_fields():
    values, errors = [], []
    for seed in range(80):
        a, b, c = noise(10, seed, 3)
        result = cross_bispectrum(a, a + 0.5 * b, c + b, BOX, [1, 2, 3, 4])
        values.append(result.value)
        errors.append(result.error)
    ratio = np.std(values, axis=0) / np.sqrt(np.mean(np.square(errors), axis=0))
    assert ratio.mean() == pytest.approx(1, abs=0.1)  # 8 % a triangle, few independent ones
    assert (abs(ratio - 1) < 0.4).all()


@pytest.mark.parametrize("f_nl", [0.08, -0.08])
def test_local_field_gives_back_its_f_nl(f_nl):
    """B = 2 f_NL (P1 P2 + P2 P3 + P3 P1); modes below N/4, so that the square does not alias."""
    n, band, results = 32, 8.0, []
    for seed in range(8):
        phi = gaussian(n, seed, band)
        results.append(bispectrum(phi + f_nl * (phi**2 - 1), BOX, [1, 2, 3, 4, 5, 6, 7, 8]))
    total = average(results)
    first, second, third = total.power[0, 0, total.triangles].T
    template = 2 * (first * second + second * third + third * first)
    weight = template / total.error**2
    found, error = (weight * total.value).sum() / (weight * template).sum(), (weight * template).sum() ** -0.5
    assert error < abs(f_nl) / 15
    assert abs(found - f_nl) < 3 * error
    np.testing.assert_allclose(total.reduced, 2 * f_nl, atol=5 * (total.error / template * 2).max())


def test_power_of_the_shells_is_that_of_the_power_spectrum():
    field, edges = noise(12, 5), [0.5, 2, 3.5, 6]
    result, spectrum = bispectrum(field, BOX, edges, "cic"), power_spectrum(field, BOX, edges, "cic")
    np.testing.assert_allclose(result.power[0, 0], spectrum.power, rtol=1e-12)
    np.testing.assert_array_equal(result.shell_modes, spectrum.modes)
    np.testing.assert_allclose(result.shell_k, spectrum.k, rtol=1e-13)


def test_rebinned_equals_measured_in_wide_bins():
    edges = [0, 1, 2, 2.5, 3.5, 5, 6]
    fields = noise(12, 6, 3)
    for measure in (lambda e: bispectrum(fields[0], BOX, e), lambda e: cross_bispectrum(*fields, BOX, e)):
        for wide, bins in (([0, 2, 3.5, 6], 2), ([1, 2.5, 5], [1, 2.5, 5])):
            merged, direct = measure(edges).rebin(bins), measure(wide)
            np.testing.assert_array_equal(merged.triangles, direct.triangles)
            np.testing.assert_array_equal(merged.modes, direct.modes)
            np.testing.assert_allclose(merged.sums, direct.sums, atol=1e-12 * abs(direct.sums).max())
            np.testing.assert_allclose(merged.k, direct.k, rtol=1e-12)
            np.testing.assert_allclose(merged.error, direct.error, rtol=1e-12)
    with pytest.raises(BadInput, match="selection"):
        bispectrum(fields[0], BOX, edges).equilateral().rebin(2)


def test_selections():
    result = bispectrum(noise(20), BOX, np.arange(0.5, 10))
    assert {tuple(t) for t in result.equilateral().triangles.tolist()} == {(i, i, i) for i in range(9)}
    assert all(len(set(t)) < 3 for t in result.isosceles().triangles.tolist())
    squeezed = result.squeezed(0.25)
    assert len(squeezed.modes)
    assert (squeezed.k[:, 0] <= 0.25 * squeezed.k[:, 1]).all()
    folded = result.folded()
    assert (folded.k[:, 0] + folded.k[:, 1] <= 1.05 * folded.k[:, 2]).all()
    assert 0 < len(folded.modes) < len(result.modes) / 2
    assert len(folded.modes) == (result.k[:, 0] + result.k[:, 1] - result.k[:, 2] <= 0.05 * result.k[:, 2]).sum()
    turned = result.at(5, 2)
    assert (turned.triangles[:, :2] == [5, 2]).all()
    assert (np.diff(turned.theta) > 0).all()
    assert sorted(turned.triangles[:, 2].tolist()) == turned.triangles[::-1, 2].tolist()
    row = turned.triangles.tolist().index([5, 2, 4])
    same = result.triangles.tolist().index([2, 4, 5])
    np.testing.assert_array_equal(turned.k[row], result.k[same][[2, 0, 1]])
    assert (turned.value[row], turned.error[row]) == (result.value[same], result.error[same])


def test_angles_measure_the_shells_they_name():
    field, theta = noise(20, 2), np.linspace(0.2, np.pi, 7)
    result = bispectrum_at_angles(field, BOX, (4, 6), theta, width=1.0)
    sides = np.sqrt(16 + 36 + 48 * np.cos(theta))
    assert len(result.modes) == 7
    # shells of width 1 at k = 4; none is flat
    np.testing.assert_allclose(result.theta[1:], theta[1:], atol=0.35)
    third = bispectrum(field, BOX, [3.5, 4.5, 5.5, 6.5, *(sides[1] + [-0.5, 0.5])])
    row = np.flatnonzero((third.triangles == [0, 2, 4]).all(axis=1))
    np.testing.assert_allclose(result.value[1], third.value[row], rtol=1e-10)
    assert result.modes[1] == third.modes[row]


def test_results_add_save_and_load(tmp_path):
    a, b = (bispectrum(noise(8, seed), BOX, [1, 2, 3], quantity="phi", gauge="poisson") for seed in (0, 1))
    total = sum([a, b])
    assert total.fields == 2
    np.testing.assert_allclose(total.value, (a.value + b.value) / 2, rtol=1e-14)
    np.testing.assert_allclose(total.scatter_error, abs(a.value - b.value) / 2, rtol=1e-9)
    total.save(tmp_path / "b.h5")
    back = load_result(tmp_path / "b.h5")
    for name, value in vars(total).items():
        if name in type(total).__dataclass_fields__:
            np.testing.assert_array_equal(getattr(back, name), value)
    assert type(back) is type(total)
    assert (back.quantity, back.gauge, back.complete) == ("phi", "poisson", True)
    with pytest.raises(BadInput, match="gauge"):
        a + bispectrum(noise(8), BOX, [1, 2, 3], quantity="phi", gauge="n-body")
    with pytest.raises(BadInput, match="intervals"):
        a + bispectrum(noise(8), BOX, [1, 2, 3.5], quantity="phi", gauge="poisson")


@pytest.mark.parametrize(
    ("field", "options", "message"),
    [
        (np.ones((4, 4, 5)), {}, "shape"),
        (np.full((4, 4, 4), np.nan), {}, "NaN"),
        (np.ones((4, 4, 4)), {"window": "cik"}, "did you mean 'cic'"),
        (np.ones((4, 4, 4)), {"bin_edges": [2, 1]}, "increasing"),
        (np.ones((4, 4, 4)), {"box_size": 0}, "box_size"),
        (np.ones((4, 4, 4)), {"gauge": "poison"}, "did you mean 'poisson'"),
    ],
)
def test_bad_input_is_named(field, options, message):
    with pytest.raises(BadInput, match=message):
        bispectrum(field, **({"box_size": BOX, "bin_edges": [1, 2]} | options))


def test_shells_without_modes_have_no_triangles():
    result = bispectrum(torch.ones(4, 4, 4), BOX, [1.1, 1.2, 1.3])
    assert result.triangles.shape == (0, 3)
    assert result.value.shape == result.error.shape == (0,)
