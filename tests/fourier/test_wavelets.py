"""Wavelets of a cube: shares of the power, plane waves by hand, symmetries, what is blind to the sign, what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.planted_fields import gaussian_cubes, local_non_gaussianity
from weakfield.fourier.wavelets import Wavelets, scales, scattering, wavelets
from weakfield.learning.augmentation import SYMMETRIES


def noise(n: int, seed: int = 1) -> np.ndarray:
    """A Gaussian cube of P ~ 1/k: power in every scale."""
    return gaussian_cubes(1, n, -1.0, seed)[0, 0].numpy()


def whole(bank: tuple[Wavelets, ...], n: int) -> list[Wavelets]:
    """The same wavelets sampled in every cell."""
    found = []
    for own in bank:
        radial, oriented = np.zeros((n,) * 3), np.zeros((n,) * 3)
        places = own.modes % n
        inside = np.ix_(places, places, places)
        radial[inside], oriented[inside] = own.radial, own.oriented
        found.append(Wavelets(n, (np.arange(n) + n // 2) % n - n // 2, radial, oriented))
    return found


@pytest.mark.parametrize(("n", "expected"), [(3, (1,)), (8, (1, 2)), (32, (1, 2, 4, 8)), (48, (1, 2, 4, 8))])
def test_scales_are_dyadic_up_to_a_quarter_of_the_cells(n: int, expected: tuple[int, ...]) -> None:
    assert scales(n) == expected


@pytest.mark.parametrize("n", [5, 9, 12, 16])
def test_scales_and_axes_share_out_the_variance(n: int) -> None:
    modes = np.fft.fftn(noise(n))
    for axis in range(3):  # what lies on the Nyquist planes has no scale
        np.moveaxis(modes, axis, 0)[np.fft.fftfreq(n) == -0.5] = 0
    cube = np.fft.ifftn(modes).real
    assert 3 * scattering(cube).squares.sum() == pytest.approx(cube.var(), rel=1e-12)


def test_a_plane_wave_by_hand() -> None:
    """A cos 2 k_F x is W = A / sqrt 2 e^(2 i k_F x) along x in the scale 2, of constant modulus; nothing elsewhere."""
    height = 3.0
    cube = np.broadcast_to(height * np.cos(2 * np.pi * 2 * np.arange(16) / 16), (16, 16, 16))
    found = scattering(cube)
    modulus = height / np.sqrt(2)
    np.testing.assert_allclose(found.first, [0, modulus / 3, 0], atol=1e-14)
    np.testing.assert_allclose(found.squares, [0, modulus**2 / 3, 0], atol=1e-14)
    np.testing.assert_allclose(found.fourths, [0, modulus**4 / 3, 0], atol=1e-13)
    np.testing.assert_allclose(found.second, 0, atol=1e-14)
    np.testing.assert_allclose(found.couplings, 0, atol=1e-14)


def test_a_modulated_wave_by_hand() -> None:
    """cos 8 x (1 + b cos z) + c cos z: |W| of scale 8 is that of the modes 8 along x with 0, 1 or -1 along z, each by
    its own value of psi; the long wave is in the scale 1 along z alone."""
    n, b, c = 32, 0.5, 0.2
    z, x = (2 * np.pi * np.arange(n) / n).reshape(n, 1, 1), (2 * np.pi * np.arange(n) / n).reshape(1, 1, n)
    cube = (np.cos(8 * x) * (1 + b * np.cos(z)) + c * np.cos(z)) * np.ones((n, n, n))
    found = scattering(cube)
    # finest scale: R = 1 from 8 on; sqrt 2 n_x / |n| on both side modes
    side = np.sqrt(2) * 8 / np.sqrt(65)
    envelope = 0.5 * (np.sqrt(2) + side * b * np.cos(z.ravel()))
    # along z the modes 8 and -8 with 1 along z, of height b / 4: 2 |cos 8 x|, on these cells 1 in the mean
    rest = np.sqrt(2) / np.sqrt(65) * b / 4
    assert found.first[3] == pytest.approx((envelope.mean() + rest) / 3, rel=1e-12)
    # c cos z times the part side b / 2 cos z of the envelope along x: their mean is b c side / 4
    last = [row for row, pair in enumerate(zip(*np.tril_indices(4), strict=True)) if pair == (3, 0)]
    assert found.couplings[last[0]] == pytest.approx(b * c * side / 4 / 3, rel=1e-12)
    # the envelope along x waves along z with b side / 2: one of its axes is another one than its own, of six such pairs
    second = dict(zip(zip(*np.tril_indices(4, -1), strict=True), found.second, strict=True))[3, 0]
    np.testing.assert_allclose(second, [0, b * side / 2 / np.sqrt(2) / 6], atol=1e-12)


def test_coarse_grids_change_a_thousandth() -> None:
    cube = noise(16)
    found = scattering(cube)
    modes = np.fft.fftn(cube) / cube.size
    bank = whole(wavelets(16), 16)
    moduli = [np.abs(own.fields(modes)) for own in bank]
    np.testing.assert_allclose(found.first, [modulus.mean() for modulus in moduli], rtol=3e-3)
    np.testing.assert_allclose(found.squares, [(modulus**2).mean() for modulus in moduli], rtol=1e-12)
    long = [np.fft.ifftn(modes * own.radial).real * cube.size for own in bank]
    pairs = zip(*np.tril_indices(3), strict=True)
    np.testing.assert_allclose(
        found.couplings, [(moduli[j].mean(axis=0) * long[i]).mean() for j, i in pairs], rtol=1e-2, atol=1e-3
    )
    second = []
    for j, i in zip(*np.tril_indices(3, -1), strict=True):
        means = np.array(
            [np.abs(bank[i].fields(np.fft.fftn(one) / one.size)).mean(axis=(1, 2, 3)) for one in moduli[j]]
        )
        second.append((np.diag(means).mean(), means[~np.eye(3, dtype=bool)].mean()))
    np.testing.assert_allclose(found.second, second, rtol=1e-2)


def test_nothing_changes_under_symmetries_and_little_under_shifts() -> None:
    cube = noise(8)
    found = scattering(cube)
    # the coarse scale has 6 points for 8 cells: 4 cells are 3 points, other shifts are between points. A reflected axis
    # shifted by 1 has its first cell where it was
    for number, symmetry in enumerate(SYMMETRIES):
        kept = tuple(int(reflected) + 4 * (number % 2) for reflected in symmetry.reflected)
        for shift, least in ((kept, 1e-11), ((number % 8, 3, 5), 2e-2)):
            turned = replace(symmetry, shift=shift)(torch.from_numpy(cube)).numpy()
            again = scattering(np.ascontiguousarray(turned))
            np.testing.assert_allclose(again.coefficients, found.coefficients, rtol=0, atol=least)
            np.testing.assert_allclose(again.moments, found.moments, rtol=0, atol=least)


def test_only_couplings_know_the_sign_and_only_first_orders_the_amplitude() -> None:
    cube = noise(16)
    found, turned, louder = (scattering(factor * cube) for factor in (1.0, -1.0, 2.0))
    np.testing.assert_allclose(turned.coefficients, found.coefficients, rtol=0, atol=1e-12)
    np.testing.assert_allclose(turned.moments[:9], found.moments[:9], rtol=0, atol=1e-12)
    np.testing.assert_allclose(turned.moments[9:], -found.moments[9:], rtol=0, atol=1e-12)
    gap = louder.coefficients - found.coefficients
    np.testing.assert_allclose(gap, [np.log(2)] * 3 + [0] * 6, rtol=0, atol=1e-12)
    np.testing.assert_allclose(louder.moments - found.moments, [2 * np.log(2)] * 3 + [0] * 12, rtol=0, atol=1e-12)


def test_a_local_signal_couples_small_structures_to_large_ones() -> None:
    cubes = gaussian_cubes(20, 16, -3.0, seed=4)
    bent = local_non_gaussianity(cubes, 0.1)
    rise = [
        scattering(b[0].numpy()).moments - scattering(a[0].numpy()).moments for a, b in zip(cubes, bent, strict=True)
    ]
    squeezed = np.array(rise)[:, 12]  # couplings follow nine moments: (0, 0), (1, 0), (1, 1), (2, 0)
    assert squeezed.mean() > 5 * squeezed.std(ddof=1) / np.sqrt(20)


def test_an_empty_cube_is_no_error() -> None:
    found = scattering(np.zeros((8, 8, 8)))
    assert np.isfinite(found.coefficients).all()
    assert np.isfinite(found.moments).all()
