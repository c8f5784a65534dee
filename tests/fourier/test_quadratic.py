"""Quadratic fields of a potential: plane waves by hand, aliases, and a mesh that holds every product."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from weakfield.fourier.quadratic import (
    from_padded,
    minors,
    padded_product,
    padded_side,
    second_order_fields,
    to_padded,
    wave_vector,
)
from weakfield.mesh import fft


def wave(n: int, vector: tuple[int, int, int], phase: float = 0.0) -> torch.Tensor:
    """cos(2 pi v.x + phase) on a mesh of side n, v = (x, y, z), [z, y, x]."""
    x = np.arange(n) / n
    argument = (
        2 * np.pi * (vector[0] * x[None, None, :] + vector[1] * x[None, :, None] + vector[2] * x[:, None, None]) + phase
    )
    return torch.from_numpy(np.cos(argument))


def modes_of(field: torch.Tensor) -> torch.Tensor:
    return fft.forward(field) / field.shape[-1] ** 3


def field_of(modes: torch.Tensor) -> torch.Tensor:
    return fft.backward(modes, modes.shape[-2], normalised=False)


def random_modes(n: int, seed: int = 0) -> torch.Tensor:
    """A random potential without Nyquist planes."""
    field = torch.from_numpy(np.random.default_rng(seed).normal(size=(n, n, n)))
    return from_padded(field, n)


def pair_by_hand(p: tuple[int, int, int], q: tuple[int, int, int]) -> dict[str, dict[int, float]]:
    """Amplitudes of cos((p + s q) x), s = 1, -1, that the cross terms of cos(p x) + cos(q x) make of each field."""
    a, b = (4 * math.pi**2 * sum(i * i for i in v) for v in (p, q))
    dot = 4 * math.pi**2 * sum(i * j for i, j in zip(p, q, strict=True))
    result: dict[str, dict[int, float]] = {name: {} for name in ("gradient_squared", "psi_0", "theta_0", "square")}
    for sign in (1, -1):
        c = a + b + 2 * sign * dot
        # 2 sin(px) sin(qx) p.q = p.q [cos(p-q) - cos(p+q)]; 2 cos cos = cos(p-q) + cos(p+q)
        gradient, minor = -sign * dot, a * b - dot**2
        psi = minor / (2 * c)
        result["gradient_squared"][sign] = gradient
        result["psi_0"][sign] = psi
        result["theta_0"][sign] = (gradient / 3 - psi) / c
        result["square"][sign] = 1.0
    return result


@pytest.mark.parametrize("n", [16, 15])
def test_two_plane_waves_by_hand(n: int) -> None:
    p, q = (1, 2, -1), (2, -1, 3)
    found = second_order_fields(modes_of(wave(n, p) + wave(n, q)))
    both = {sign: tuple(i + sign * j for i, j in zip(p, q, strict=True)) for sign in (1, -1)}
    for name, amplitudes in pair_by_hand(p, q).items():
        modes = getattr(found, name)
        scale = max(abs(value) for value in amplitudes.values())
        for sign, amplitude in amplitudes.items():
            x, y, z = (both[sign]) if both[sign][0] >= 0 else tuple(-i for i in both[sign])
            assert modes[z, y, x].real.item() == pytest.approx(amplitude / 2, abs=1e-12 * scale), name  # rounding
        # beside these, one wave alone has (grad)^2 and a square at twice its wave vector, and no minors
        if name == "psi_0":
            expected = sum(amplitude * wave(n, both[sign]) for sign, amplitude in amplitudes.items())
            torch.testing.assert_close(field_of(modes), expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("n", [8, 9, 16])
def test_products_beyond_the_mesh_vanish(n: int) -> None:
    # the largest waves of the mesh: their sum would come back as a large wave, their difference is the mean
    top = (n - 1) // 2
    potential = wave(n, (top, 0, 0)) + wave(n, (0, top, 0), 0.3)
    found = second_order_fields(modes_of(potential))
    inside = wave(n, (top, top, 0), 0.3) + wave(n, (top, -top, 0), -0.3)
    torch.testing.assert_close(field_of(found.square), inside, rtol=0, atol=1e-13)
    torch.testing.assert_close(
        field_of(found.psi_0), inside * ((2 * math.pi * top) ** 2 / 4), rtol=0, atol=1e-12 * (2 * math.pi * top) ** 2
    )
    alone = second_order_fields(modes_of(wave(n, (top, 0, 0))))
    for name in ("gradient_squared", "psi_0", "theta_0", "square"):
        assert field_of(getattr(alone, name)).abs().max() < 1e-12 * (2 * math.pi * top) ** 2, name
    slanted = wave(n, (top, 1, 0)) + wave(n, (1, top, 0))  # sum and difference: (top+1, top+1), (top-1, 1-top)
    kept = second_order_fields(modes_of(slanted)).psi_0
    expected = pair_by_hand((top, 1, 0), (1, top, 0))["psi_0"][-1] * wave(n, (top - 1, 1 - top, 0))
    torch.testing.assert_close(field_of(kept), expected, rtol=0, atol=1e-12 * (2 * math.pi * top) ** 2)


@pytest.mark.parametrize("n", [8, 10, 9])
def test_padding_of_three_halves_is_enough(n: int) -> None:
    modes = random_modes(n)
    wide = to_padded(modes, 2 * n + 2)
    exact = from_padded(wide**2, n)
    torch.testing.assert_close(padded_product(modes, modes), exact, rtol=0, atol=1e-13 * float(exact.abs().max()))
    assert padded_side(n) == math.ceil(1.5 * n)
    torch.testing.assert_close(from_padded(to_padded(modes, padded_side(n)), n), modes, rtol=0, atol=1e-14)
    other = random_modes(n, 1)
    mixed = from_padded(wide * to_padded(other, 2 * n + 2), n)
    torch.testing.assert_close(padded_product(modes, other), mixed, rtol=0, atol=1e-13 * float(exact.abs().max()))


def test_definitions_and_cleared_modes() -> None:
    n = 12
    modes = random_modes(n)
    found = second_order_fields(modes)
    for name in ("gradient_squared", "psi_0", "theta_0", "square"):
        field = getattr(found, name)
        assert field[0, 0, 0] == 0, name
        assert field[n // 2].abs().max() == field[:, n // 2].abs().max() == field[:, :, n // 2].abs().max() == 0, name
    nyquist = torch.zeros_like(modes)
    nyquist[n // 2], nyquist[:, n // 2], nyquist[..., n // 2] = 3.0, 2.0, 1.0
    torch.testing.assert_close(minors(modes + nyquist), minors(modes), rtol=0, atol=0)
    # (lap f)^2 - f,_ij f,_ij, term by term
    m, k = padded_side(n), wave_vector(modes)
    tidal = [[to_padded(-one * two * modes, m) for one in k] for two in k]
    direct = from_padded(sum(tidal[i][i] for i in range(3)) ** 2 - sum(f**2 for row in tidal for f in row), n)
    direct[0, 0, 0] = 0
    torch.testing.assert_close(minors(modes), direct, rtol=0, atol=1e-12 * float(direct.abs().max()))
    k2 = k[0] ** 2 + k[1] ** 2 + k[2] ** 2
    torch.testing.assert_close(2 * k2 * found.psi_0, direct, rtol=0, atol=1e-12 * float(direct.abs().max()))
    stacked = second_order_fields(torch.stack([modes, 2 * modes]))
    torch.testing.assert_close(stacked.theta_0[1], 4 * found.theta_0, rtol=1e-10, atol=1e-14)


def test_single_precision_follows_double() -> None:
    modes = random_modes(16)
    double, single = second_order_fields(modes), second_order_fields(modes.to(torch.complex64))
    for name in ("gradient_squared", "psi_0", "theta_0", "square"):
        one, two = getattr(double, name), getattr(single, name)
        assert two.dtype == torch.complex64
        assert (one - two).abs().max() < 1e-5 * one.abs().max()  # a hundred roundings
