"""Random modes: the published words of the generator, the reference's modes, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from weakfield.mesh.noise import random_words, unit_modes
from weakfield.mesh.threads import threads

#: EQUATIONS section 12, reference binary, seed 42, N = 32: (x, y, z) -> mode
MODES = {
    (1, 0, 0): -0.0738680610 + 0.6354916118j,
    (0, 1, 0): 0.1951508755 + 1.2751462456j,
    (0, 31, 0): -1.1048528024 + 0.6073536339j,
    (0, 0, 1): 0.2980193437 + 1.4623472110j,
    (0, 0, 31): 0.2980193437 - 1.4623472110j,
    (1, 2, 3): -2.0408664780 - 0.6797344137j,
    (2, 30, 3): 0.2255891353 + 0.9613083781j,
    (2, 3, 30): 1.3843250648 + 0.1547049203j,
    (2, 30, 30): 1.7068634705 - 2.6417946305j,
    (0, 2, 30): -0.4489830471 - 0.1631020422j,
    (0, 30, 30): -0.4036154375 + 1.8481197713j,
}


def test_words_of_the_generator():
    assert [f"{w:08x}" for w in random_words(42, 0, 6)] == [
        "d09f4178", "44b6fc8d", "6ae9eb0d", "6cb515bb", "ace00fd5", "34e82a20",
    ]  # fmt: skip
    assert [f"{w:08x}" for w in random_words(42, 65536, 2)] == ["6f66a9be", "39d00132"]
    assert [f"{w:08x}" for w in random_words(42, 2**32, 2)] == ["540f8e42", "37cf0de8"]


def test_modes_of_the_reference_program():
    modes = unit_modes(32, 42, "sphere", "gevolution")
    for (x, y, z), value in MODES.items():
        assert modes[z, y, x].item() == pytest.approx(value, abs=2e-10)  # ten digits printed


def test_hermitian_noise_is_hermitian_and_agrees_elsewhere():
    n = 16
    correct, quirk = unit_modes(n, 3, "cube", "hermitian"), unit_modes(n, 3, "cube", "gevolution")
    mirror = (-torch.arange(n)) % n
    plane = correct[:, :, 0]
    assert torch.equal(plane, plane[mirror][:, mirror].conj())
    assert torch.equal(correct[:, :, 1:], quirk[:, :, 1:])
    assert not torch.equal(plane, quirk[:, :, 0])


def test_modes_do_not_depend_on_the_grid():
    small, large = unit_modes(16, 5, "cube"), unit_modes(32, 5, "cube")
    keep = [i % 32 for i in range(-6, 7)]
    inside = [i % 16 for i in range(-6, 7)]
    assert torch.equal(large[keep][:, keep][:, :, :7], small[inside][:, inside][:, :, :7])


def test_same_bits_for_any_number_of_threads():
    with threads(1):
        one = unit_modes(16, 9)
    with threads(2):
        two = unit_modes(16, 9)
    assert torch.equal(one, two)


@pytest.mark.parametrize("domain", ["sphere", "cube"])
def test_domain(domain):
    n = 12
    modes = unit_modes(n, 1, domain)
    m = np.minimum(np.arange(n), n - np.arange(n))
    z, y, x = np.meshgrid(m, m, np.arange(n // 2 + 1), indexing="ij")
    outside = (np.maximum(np.maximum(x, y), z) >= n // 2 - 1) | (x + y + z == 0)
    if domain == "sphere":
        outside |= x**2 + y**2 + z**2 >= (n // 2 - 1) ** 2
    assert np.array_equal(modes.numpy() == 0, outside)


def test_variance_on_the_plane_kx_0():
    """The reference's rule leaves a real field half the variance there; the correct one leaves all of it."""
    n, seeds = 8, 300
    power = {"hermitian": 0.0, "gevolution": 0.0}
    for noise in power:
        for seed in range(seeds):
            modes = unit_modes(n, seed, "cube", noise)
            field = torch.fft.irfftn(modes, s=(n, n, n), norm="forward")
            plane = torch.fft.rfftn(field, norm="forward")[:, 1:3, 0]
            power[noise] += float((plane.abs() ** 2)[[0, 1, 2, 6, 7]].mean()) / seeds
    assert power["hermitian"] == pytest.approx(2.0, rel=0.05)  # 3000 complex draws: 2.6 % at one sigma
    assert power["gevolution"] == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("noise", ["hermitian", "gevolution"])
def test_fixed_amplitudes_keep_the_phases_and_the_mean_power(noise):
    drawn = unit_modes(16, 4, "sphere", noise)
    fixed = unit_modes(16, 4, "sphere", noise, fixed_amplitude=True)
    inside = drawn != 0
    assert torch.equal(fixed != 0, inside)
    expected = drawn[inside] / drawn[inside].abs() * 2**0.5
    torch.testing.assert_close(fixed[inside], expected, rtol=1e-14, atol=1e-14)  # a rounding or two
    mirror = (-torch.arange(16)) % 16
    if noise == "hermitian":
        assert torch.equal(fixed[:, :, 0], fixed[mirror][:, mirror][:, :, 0].conj())


@pytest.mark.parametrize("fixed", [False, True])
def test_an_inverse_is_every_mode_times_minus_1(fixed):
    upright = unit_modes(16, 4, fixed_amplitude=fixed)
    assert torch.equal(unit_modes(16, 4, fixed_amplitude=fixed, inverted=True), -upright)
