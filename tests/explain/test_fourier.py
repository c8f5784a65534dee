"""Completeness of the attribution by shell, and modes that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakfield.explain.fourier import attribute, power
from weakfield.spectra import power_spectrum


def cubes(n: int, seed: int) -> torch.Tensor:
    return torch.randn(2, n, n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(4, 11), seed=st.integers(0, 50), cut=st.sampled_from([None, [0.5, 1.5], [1, 2, 2.5], [0.5, 30]]))
def test_parts_add_up_to_gradient_times_input(n, seed, cut):
    g, f = cubes(n, seed) + 0.3
    found = attribute(g, f, cut)
    assert found.total == pytest.approx(float((g * f).sum()), rel=1e-11, abs=1e-9)
    assert found.mean == pytest.approx(float(g.mean() * f.mean()) * n**3, rel=1e-11)


@pytest.mark.parametrize(("k", "shell"), [((1, 0, 0), 0), ((0, 2, 0), 1), ((2, 2, 1), 2), ((4, 0, 0), None)])
def test_a_wave_lies_in_its_shell(k, shell):
    n = 8
    z, y, x = torch.meshgrid(*3 * [torch.arange(n, dtype=torch.float64)], indexing="ij")
    wave = torch.cos(2 * torch.pi * (k[0] * x + k[1] * y + k[2] * z) / n + 0.4)
    found = attribute(wave, wave)
    parts = {None: found.rest} | dict(enumerate(found.shells))  # the Nyquist plane n_x = 4 is in no shell
    whole = float((wave**2).sum())
    assert parts.pop(shell) == pytest.approx(whole, rel=1e-12)
    assert max(map(abs, parts.values())) < 1e-10 * whole


def test_power_agrees_with_the_power_spectrum():
    g = cubes(8, 1)[0]
    box = 3.0
    np.testing.assert_allclose(power(g), power_spectrum(g, box).power / box**3, rtol=1e-13)
