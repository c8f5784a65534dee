"""Transforms: convention, inverse, what a real field keeps, and bits that do not depend on threads or work space."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from weakfield.mesh import fft


def field(n: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(n).standard_normal((2, n, n, n))).to(dtype)


@pytest.mark.parametrize("n", [6, 7, 16])
def test_forward_is_the_unnormalised_sum_with_half_axis_x(n):
    f = field(n)
    modes = fft.forward(f)
    assert modes.shape == (2, n, n, n // 2 + 1)
    z, y, x = np.meshgrid(*[np.arange(n)] * 3, indexing="ij")
    by_hand = (f[0].numpy() * np.exp(-2j * np.pi * (2 * x + 3 * y + 1 * z) / n)).sum()
    assert modes[0, 1, 3, 2].item() == pytest.approx(by_hand, abs=1e-10)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("n", [6, 7, 16])
def test_backward_inverts_forward(n, dtype):
    f = field(n, dtype)
    tolerance = 1e-13 if dtype == torch.float64 else 1e-5
    torch.testing.assert_close(fft.backward(fft.forward(f), n), f, rtol=0, atol=tolerance)
    unnormalised = fft.backward(fft.forward(f), n, normalised=False)
    torch.testing.assert_close(unnormalised / n**3, f, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("n", [6, 7])
def test_transforms_of_a_gpu_have_the_same_convention(n, dtype):
    """The way by PyTorch, here on the processor; on planes that are not Hermitian the same part of the modes counts."""
    f = field(n, dtype)
    # of sums of N^3 numbers of order one, some hundreds
    tolerance = {"rtol": 0, "atol": 1e-12 if dtype == torch.float64 else 1e-3}
    modes = fft.forward(f)
    torch.testing.assert_close(fft.torch_forward(f), modes, **tolerance)
    out = torch.empty_like(modes)
    assert fft.torch_forward(f, out) is out
    modes[:, :, :, 0] += 1j * torch.arange(n)
    modes[:, :, :, -1] += 0.5j
    kept = modes.clone()
    for normalised in (True, False):
        expected = fft.backward(modes, n, normalised=normalised)
        torch.testing.assert_close(fft.torch_backward(modes, n, None, normalised), expected, **tolerance)
    assert torch.equal(modes, kept)
    out = torch.empty_like(f)
    assert fft.torch_backward(modes, n, out) is out


def test_same_bits_for_any_threads_and_in_place():
    n = 16
    modes = fft.forward(field(n), threads=1)
    modes[:, :, :, 0] += 1j  # not Hermitian: the transform keeps what a real field can hold
    kept = modes.clone()
    expected = fft.backward(modes, n, threads=1)
    assert torch.equal(modes, kept)
    assert torch.equal(fft.backward(modes, n, threads=2), expected)
    assert torch.equal(fft.backward(modes.clone(), n, overwrite=True, normalised=True), expected)
    assert torch.equal(fft.forward(field(n), threads=2), fft.forward(field(n), threads=1))
