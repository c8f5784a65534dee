"""Shells: counts by loops, edges, and the columns of the reference program's spectra files."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weakfield.base.errors import BadInput
from weakfield.fourier.half_axis import backward, forward, make_hermitian, wavenumbers
from weakfield.fourier.reference_spectrum import _sums_on_device, _sums_on_host, reference_shells, reference_spectrum
from weakfield.fourier.shells import default_edges, shells
from weakfield.fourier.windows import window_power
from weakfield.mesh import fft

DATA = Path(__file__).parents[1] / "data"


def signed(i: int, n: int) -> int:
    return i if 2 * i < n else i - n


def brute_force(n: int, edges: list[float]) -> tuple[list[int], list[float]]:
    counts, sums = [0] * (len(edges) - 1), [0.0] * (len(edges) - 1)
    for index in product(range(n), repeat=3):
        k = [signed(i, n) for i in index]
        if any(2 * abs(c) == n for c in k):
            continue
        for i in range(len(edges) - 1):
            if edges[i] ** 2 <= sum(c * c for c in k) < edges[i + 1] ** 2:
                counts[i] += 1
                sums[i] += sum(c * c for c in k) ** 0.5
    return counts, sums


@pytest.mark.parametrize("n", [6, 7, 8, 9])
@pytest.mark.parametrize("edges", [[0.5, 1.5, 2.5, 3.5], [0, 1, 2, 3, 10], [1, 2], [2, 2.5, 2.75, 3], [20, 30]])
def test_counts_equal_a_loop_over_the_full_cube(n, edges):
    shell = shells(n, edges)
    counts, sums = brute_force(n, edges)
    assert shell.modes.tolist() == counts
    np.testing.assert_allclose(shell.wavenumber_sums, sums, rtol=1e-13)


@given(n=st.integers(3, 12), lower=st.integers(0, 4), width=st.integers(1, 3))
def test_shells_with_shared_edges_cover_each_mode_once(n, lower, width):
    edges = list(range(lower, lower + 4 * width + 1, width))
    assert shells(n, edges).modes.sum() == shells(n, [edges[0], edges[-1]]).modes.sum()


def test_lower_edge_is_closed_and_upper_open():
    # |n|^2 = 1 has 6 modes, 2 has 12, 3 has 8, 4 has 6
    assert shells(8, [1, 2]).modes.tolist() == [26]
    assert shells(8, [1, np.nextafter(2, 3)]).modes.tolist() == [32]
    assert shells(8, [np.nextafter(1, 2), 2]).modes.tolist() == [20]


def test_default_edges_stop_at_the_nyquist_wavenumber():
    assert default_edges(8) == (0.5, 1.5, 2.5, 3.5)
    assert default_edges(9) == (0.5, 1.5, 2.5, 3.5, 4.5)


@pytest.mark.parametrize("edges", [[1], [2, 1], [1, 1], [-1, 2], [0, float("nan")]])
def test_bad_edges_are_refused(edges):
    with pytest.raises(BadInput, match="bin_edges"):
        shells(8, edges)


def test_wavenumbers_agree_with_the_fft():
    for n in (5, 8):
        np.testing.assert_array_equal(wavenumbers(n)[0], np.fft.fftfreq(n, 1 / n).round())
        np.testing.assert_array_equal(abs(wavenumbers(n)[1]), np.fft.rfftfreq(n, 1 / n).round())


def test_window_of_a_hand_computed_mode():
    # sinc(pi/4) = sin(pi/4) / (pi/4) on one axis, 1 on the others
    expected = (np.sin(np.pi / 4) / (np.pi / 4)) ** 2
    assert window_power(8, 2)[0, 2, 0] == pytest.approx(expected, rel=1e-14)
    assert window_power(8, 2)[0, 2, 2] == pytest.approx(expected**2, rel=1e-14)


def test_modes_on_an_edge_lie_where_the_reference_puts_them():
    # (1,1,1) has k = sqrt(3) 2 pi: with N bins exactly the lower edge of bin 2
    assert reference_shells(16, 16).index[1, 1, 1] == 2
    assert reference_shells(16, 64).index[1, 1, 1] == 8


@pytest.mark.parametrize("case", ["stock16_gr", "stock16_newton"])
@pytest.mark.parametrize("field", ["phi", "delta"])
def test_geometry_columns_equal_the_reference_to_the_printed_digits(case, field):
    lines = (DATA / case / f"pk001_{field}.dat").read_text().splitlines()[3:]
    ours = reference_spectrum(torch.ones(16, 16, 9, dtype=torch.complex128), 64, 320.0)
    printed = [f"{k:.6e} {s:.6e} {c}" for k, s, c in zip(ours.k_hmpc, ours.k_scatter, ours.count, strict=True)]
    assert printed == [" ".join(np.array(line.split())[[0, 2, 4]]) for line in lines]


def test_delta_squared_of_a_plane_wave():
    # f = A cos(2 pi 3 x / N): |f_k|^2 = A^2/4 at n = (+-3,0,0), 2 of the 6 modes with |n| = 3 in a bin of its own
    n, amplitude, bins = 12, 0.7, 1000
    x = torch.arange(n, dtype=torch.float64)
    for shape in ((n, 1, 1), (1, n, 1), (1, 1, n)):
        field = (amplitude * torch.cos(2 * torch.pi * 3 * x / n)).reshape(shape).expand(n, n, n).contiguous()
        modes = fft.forward(field)
        spectrum = reference_spectrum(modes, bins, 100.0)
        row = np.argmax(spectrum.dimensionless)
        k = 2 * np.pi * 3
        in_bin = spectrum.count[row]
        expected = (amplitude**2 / 4) * (2 / in_bin) * k**3 / (2 * np.pi**2)
        assert spectrum.k_hmpc[row] == pytest.approx(k / 100, rel=1e-3)
        assert spectrum.dimensionless[row] == pytest.approx(expected, rel=1e-12)
        mean_square = (amplitude**2 / 4 * k**3 / (2 * np.pi**2)) ** 2 * 2 / in_bin
        assert spectrum.error[row] == pytest.approx(np.sqrt((mean_square - expected**2) / in_bin), rel=1e-10)
        window = reference_spectrum(modes, bins, 100.0, window="cic").dimensionless[row] / spectrum.dimensionless[row]
        assert window == pytest.approx(1 / np.sinc(3 / n) ** 2, rel=1e-12)


def test_components_add_with_their_weights():
    field = torch.randn(3, 8, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    modes = [fft.forward(component) for component in field[:2]]
    total = reference_spectrum(torch.stack(modes), 16, 10.0, weights=(1.0, 2.0)).dimensionless
    parts = [reference_spectrum(m, 16, 10.0).dimensionless for m in modes]
    np.testing.assert_allclose(total, parts[0] + 2 * parts[1], rtol=1e-13)


@pytest.mark.parametrize("n", [6, 7])
def test_every_mode_of_the_full_cube_is_in_a_shell_or_outside(n):
    """The half axis stands for the whole: modes count twice but on n_x = 0 and, for even N, the Nyquist plane."""
    ones = np.ones((n, n, n // 2 + 1))
    shell = shells(n)
    assert shell.sums(ones).sum() + shell.outside(ones) == n**3


@pytest.mark.parametrize("n", [8, 9])
@pytest.mark.parametrize("kind", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("window", ["none", "cic"])
def test_sums_in_one_pass_are_the_defined_ones_to_the_last_bit(n, kind, window):
    """The digits of a spectra file rest on the order of its sums: |f|^2 of the components, k^3, window, bins."""
    draw, shell, weights = torch.Generator().manual_seed(n), reference_shells(n, 12), (1.0, 2.0)
    modes = torch.randn((2, n, n, n // 2 + 1), generator=draw, dtype=torch.complex128).to(kind)
    numbers, full = modes.numpy().astype(np.complex128), [(2 * np.pi * axis) ** 2 for axis in wavenumbers(n)]
    squares = full[1][None, None, :] + full[0][None, :, None] + full[0][:, None, None]
    values = sum(weight * (f.real * f.real + f.imag * f.imag) for weight, f in zip(weights, numbers, strict=True))
    values = values * (squares * np.sqrt(squares) / (2 * np.pi**2 * float(n) ** 6))
    if window == "cic":
        values /= window_power(n, 2)
    for ours, defined in zip(_sums_on_host(modes, weights, shell, window), (values, values**2), strict=True):
        np.testing.assert_array_equal(ours, shell.sums(defined))


@pytest.mark.parametrize("n", [6, 7])
def test_what_is_kept_of_modes_is_what_their_field_has(n):
    draw = torch.Generator().manual_seed(n)
    modes = torch.randn((n, n, n // 2 + 1), generator=draw, dtype=torch.complex128)
    kept = make_hermitian(modes.clone())
    assert not torch.allclose(kept, modes)
    torch.testing.assert_close(kept, forward(backward(modes, n)), rtol=0, atol=1e-12)


def test_sums_on_a_device_are_those_on_the_host():
    """The way of a GPU, on tensors of the processor: the same sums in another order."""
    n, bins = 9, 12
    draw = torch.Generator().manual_seed(0)
    modes, weights = torch.randn((2, n, n, n // 2 + 1), generator=draw, dtype=torch.complex128), (1.0, 2.0)
    for window in ("none", "cic"):
        there = _sums_on_device(modes, weights, reference_shells(n, bins), window)
        here = _sums_on_host(modes, weights, reference_shells(n, bins), window)
        for a, b in zip(there, here, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13)  # sums of some hundred positive numbers
