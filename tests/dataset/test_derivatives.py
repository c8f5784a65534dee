"""Derivatives of plane waves, which are known; and what a derivative of anything must be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.synthetic import gaussian
from weakfield.dataset.derivatives import gradient, laplacian

BOX = 160.0


def wave(n: int, numbers: tuple[int, int, int], phase: float) -> tuple[torch.Tensor, torch.Tensor]:
    """cos(k x + phase) and sin(k x + phase) [z, y, x] of the mode (n_x, n_y, n_z)."""
    z, y, x = np.meshgrid(*[np.arange(n) / n] * 3, indexing="ij")
    angle = 2 * np.pi * (numbers[0] * x + numbers[1] * y + numbers[2] * z) + phase
    return torch.from_numpy(np.cos(angle)), torch.from_numpy(np.sin(angle))


@settings(deadline=None)  # kernels may be compiled on the way
@given(
    n=st.sampled_from([6, 7, 8]),
    numbers=st.tuples(*[st.integers(-2, 2)] * 3),
    phase=st.floats(0, 6),
)
def test_a_plane_wave_is_exact(n: int, numbers: tuple[int, int, int], phase: float) -> None:
    cosine, sine = wave(n, numbers, phase)
    k = 2 * np.pi * np.array(numbers) / BOX
    found = gradient(cosine, BOX)
    # rounding of a transform of some hundred numbers of order one, times k of order 0.1
    for axis in range(3):
        assert torch.allclose(found[axis], -k[axis] * sine, rtol=0, atol=1e-14)
    assert torch.allclose(laplacian(cosine, BOX), -float(k @ k) * cosine, rtol=0, atol=1e-14)


def test_of_several_fields_at_once_and_of_the_nyquist_mode() -> None:
    fields = torch.from_numpy(np.stack([gaussian(16, np.random.default_rng(i)) for i in range(2)]))
    both = gradient(fields, BOX)
    assert both.shape == (2, 3, 16, 16, 16)
    assert torch.equal(both[1], gradient(fields[1], BOX))
    assert torch.equal(laplacian(fields, BOX)[1], laplacian(fields[1], BOX))
    alternating = wave(8, (4, 0, 0), 0.0)[0]
    assert float(gradient(alternating, BOX).abs().max()) < 1e-14  # its sine vanishes at every cell
    k = 2 * np.pi * 4 / BOX
    assert torch.allclose(laplacian(alternating, BOX), -(k**2) * alternating, rtol=0, atol=1e-14)


def test_the_divergence_of_the_gradient_is_the_laplacian() -> None:
    """On an odd mesh, which has no Nyquist mode."""
    field = torch.from_numpy(gaussian(9, np.random.default_rng(0)))
    divergence = sum(gradient(part, BOX)[i] for i, part in enumerate(gradient(field, BOX)))
    assert torch.allclose(divergence, laplacian(field, BOX), rtol=0, atol=1e-13)


def test_against_differences_on_a_fine_mesh() -> None:
    """A smooth field by central differences, whose relative error is (k dx)^2 / 6: the two agree to that."""
    n, numbers = 32, (1, 0, 0)
    cosine, _ = wave(n, numbers, 0.3)
    dx = BOX / n
    central = (torch.roll(cosine, -1, 2) - torch.roll(cosine, 1, 2)) / (2 * dx)
    ratio = float(central.abs().max() / gradient(cosine, BOX)[0].abs().max())
    kdx = 2 * np.pi / n
    assert ratio == pytest.approx(1 - kdx**2 / 6, abs=kdx**4 / 100)  # the next term is (k dx)^4 / 120
