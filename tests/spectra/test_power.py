"""Power spectra: hand-computable fields, Parseval, variance, compensation, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from weakfield.base.errors import BadInput
from weakfield.fourier.windows import WINDOW_ORDERS
from weakfield.spectra import cross_spectrum, power_spectrum

BOX = 100.0


def noise(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def wave(n: int, k: tuple[int, int, int], amplitude: float = 1.0, phase: float = 0.3) -> np.ndarray:
    z, y, x = np.meshgrid(*3 * [np.arange(n)], indexing="ij")
    return amplitude * np.cos(2 * np.pi * (k[2] * z + k[1] * y + k[0] * x) / n + phase)


@pytest.mark.parametrize("n", [8, 9])
@pytest.mark.parametrize("k", [(3, 0, 0), (0, 3, 0), (0, 0, 3), (-2, 2, 1), (0, 2, -2)])
def test_plane_wave_lies_in_its_shell_with_its_power(n, k):
    # |f|^2 = A^2/4 at k and -k, the only modes with power
    amplitude, edges = 0.7, [0.5, 1.5, 2.5, 3.5]
    result = power_spectrum(wave(n, k, amplitude), BOX, edges)
    shell = int(np.linalg.norm(k) + 0.5) - 1
    expected = np.zeros(3)
    expected[shell] = BOX**3 * 2 * amplitude**2 / 4 / result.modes[shell]
    np.testing.assert_allclose(result.power, expected, rtol=1e-12, atol=1e-12)  # rounding of the transform
    np.testing.assert_allclose(result.error, expected * np.sqrt(2 / result.modes), rtol=1e-12, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(4, 11), seed=st.integers(0, 99))
def test_parseval(n, seed):
    """Shells and what belongs to none (mean, Nyquist planes) add to the mean square of the field."""
    field = noise(n, seed)
    result = power_spectrum(field, BOX, [0, 2, n])
    f = np.fft.fftn(field.numpy()) / n**3
    nyquist = np.abs(np.fft.fftfreq(n, 1 / n)) == n / 2
    left_out = nyquist[:, None, None] | nyquist[None, :, None] | nyquist[None, None, :]
    total = result.sums.sum() / BOX**3 + (abs(f[left_out]) ** 2).sum()
    assert total == pytest.approx(float((field**2).mean()), rel=1e-12)
    assert result.modes.sum() + left_out.sum() == n**3


def test_white_noise_has_its_variance_in_every_shell():
    n, seeds = 12, range(20)
    total = power_spectrum(noise(n, 0), BOX)
    for seed in seeds[1:]:
        total = total + power_spectrum(noise(n, seed), BOX)
    assert total.fields == len(seeds)
    expected = BOX**3 / n**3  # unit variance
    assert np.all(abs(total.power - expected) < 4 * total.error)
    np.testing.assert_allclose(total.error, total.power * np.sqrt(2 / total.modes / len(seeds)), rtol=1e-12)


def test_wavenumbers_and_empty_shells():
    result = power_spectrum(noise(8), BOX, [0, 0.5, 0.9, 1, 1.2, 30, 40])
    assert result.modes.tolist()[:4] == [1, 0, 0, 6]
    assert result.k[3] == pytest.approx(2 * np.pi / BOX, rel=1e-14)
    for column in (result.k, result.power, result.error, result.dimensionless):
        assert column[[1, 2, 5]].tolist() == [0, 0, 0]
    assert result.modes.sum() == 7**3


@pytest.mark.parametrize("window", ["ngp", "cic", "tsc", "pcs"])
def test_compensation_divides_by_the_window_of_the_mode(window):
    n, k = 8, (2, -1, 1)
    field = wave(n, k)
    shell = [2.4, 2.5]  # |n| = sqrt(6) only
    factor = np.prod([np.sinc(c / n) for c in k]) ** (2 * WINDOW_ORDERS[window])
    ratio = power_spectrum(field, BOX, shell, window).power / power_spectrum(field, BOX, shell).power
    np.testing.assert_allclose(ratio, 1 / factor, rtol=1e-12)


def test_cross_spectrum_of_a_sum_and_of_unrelated_waves():
    a, b = noise(10, 1), noise(10, 2)
    auto = [power_spectrum(x, BOX).power for x in (a, b, a + b)]
    cross = cross_spectrum(a, b, BOX)
    np.testing.assert_allclose(auto[2], auto[0] + auto[1] + 2 * cross.power, rtol=1e-12)
    np.testing.assert_allclose(cross_spectrum(a, 3 * a, BOX).correlation, 1, rtol=1e-12)
    np.testing.assert_allclose(cross_spectrum(a, -a, BOX).correlation, -1, rtol=1e-12)
    np.testing.assert_allclose(cross_spectrum(a, a, BOX).error, power_spectrum(a, BOX).error, rtol=1e-12)


def test_numpy_tensor_and_layout_give_the_same_bits():
    field = noise(10)
    first = power_spectrum(field, BOX)
    strided = torch.from_numpy(np.asfortranarray(field.numpy()))
    reversed_axis = field.numpy()[::-1].copy()[::-1]
    for other in (field.numpy(), field.numpy().astype(">f8"), reversed_axis, strided, field.clone().requires_grad_()):
        np.testing.assert_array_equal(power_spectrum(other, BOX).power, first.power)


def test_power_is_the_same_for_one_and_two_threads(monkeypatch):
    field = noise(24)
    bits = []
    for threads in ("1", "2"):
        monkeypatch.setenv("WEAKFIELD_THREADS", threads)
        bits.append(power_spectrum(field, BOX).sums)
    np.testing.assert_array_equal(*bits)


@pytest.mark.parametrize(
    ("field", "options", "message"),
    [
        (np.ones((4, 4, 5)), {}, "shape"),
        (np.ones((4, 4)), {}, "shape"),
        (np.full((4, 4, 4), np.nan), {}, "NaN"),
        (np.ones((4, 4, 4)), {"window": "cik"}, "did you mean 'cic'"),
        (np.ones((4, 4, 4)), {"bin_edges": [2, 1]}, "increasing"),
        (np.ones((4, 4, 4)), {"box_size": 0}, "box_size"),
    ],
)
def test_bad_input_is_named(field, options, message):
    with pytest.raises(BadInput, match=message):
        power_spectrum(field, **({"box_size": BOX} | options))


def test_spectra_of_different_bins_do_not_add():
    with pytest.raises(BadInput, match="edges"):
        power_spectrum(noise(8), BOX, [1, 2]) + power_spectrum(noise(8), BOX, [1, 3])


def test_the_power_of_a_vector_field_by_hand():
    """cos(2 pi x) along y and 2 cos(2 pi x) along z, at n = (1, 0, 0) and its opposite: P = V (1/4 + 1) 2 / 6."""
    wave = np.broadcast_to(np.cos(2 * np.pi * np.arange(8) / 8), (8, 8, 8))
    vector = np.stack([np.zeros((8, 8, 8)), wave, 2 * wave])
    result = power_spectrum(vector, BOX, [0.5, 1.1], components=3, quantity="B")
    assert result.power[0] == pytest.approx(BOX**3 * 1.25 * 2 / 6, rel=1e-14)
    assert result.error[0] == pytest.approx(result.power[0] * np.sqrt(2 / 6), rel=1e-14)
    assert result.quantity == "B"
    for field, components in ((vector, 6), (wave, 3), (vector[0], 1)):
        with pytest.raises(BadInput, match=f"expected \\({components}, N, N, N\\)"):
            power_spectrum(field, BOX, components=components)
    with pytest.raises(BadInput, match="expected a real cube"):
        power_spectrum(vector, BOX)


def test_shot_noise_of_a_vector_is_that_of_each_component():
    vector = np.random.default_rng(0).normal(size=(3, 8, 8, 8))
    plain, less = (power_spectrum(vector, BOX, components=3, shot_noise=noise) for noise in (0.0, 2.0))
    np.testing.assert_allclose(plain.power - less.power, 6.0, rtol=1e-10)


def test_a_field_says_its_box() -> None:
    cube = np.random.default_rng(0).standard_normal((8, 8, 8))
    field = xr.DataArray(cube, dims=("z", "y", "x"), attrs={"box_size_mpch": 160.0})
    said, given = power_spectrum(field), power_spectrum(cube, 160.0)
    np.testing.assert_array_equal(said.power, given.power)
    np.testing.assert_array_equal(said.k, given.k)
    with pytest.raises(BadInput, match="box_size is 100 but the field says that its box is 160 Mpc/h"):
        power_spectrum(field, 100.0)
    with pytest.raises(BadInput, match="box_size is not given"):
        power_spectrum(cube)
