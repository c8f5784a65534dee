"""Streaming moments against the definition, where a naive sum of squares would fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weakfield.base.errors import BadInput
from weakfield.dataset.normalise import Moments, Normalisation


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9), min_size=1, max_size=6))
def test_streaming_equals_all_at_once(chunks: list[list[float]]) -> None:
    moments = Moments()
    for chunk in chunks:
        moments.add(torch.tensor(chunk, dtype=torch.float64))
    everything = np.concatenate(chunks)
    assert moments.count == everything.size
    assert moments.mean == pytest.approx(everything.mean(), abs=1e-11)  # rounding of sums of terms up to 1e3
    assert moments.std == pytest.approx(everything.std(), abs=1e-11)


def test_stable_when_the_mean_is_large() -> None:
    # E[x^2] - E[x]^2 would lose all digits: (1e9)^2 * 2e-16 >> 1
    moments = Moments()
    for start in (0.0, 2.0):
        moments.add(1e9 + torch.tensor([start, start + 1], dtype=torch.float64))
    assert moments.std == pytest.approx(np.std([0, 1, 2, 3]), rel=1e-7)


def test_small_fields_keep_their_digits() -> None:
    cube = 1e-5 + 1e-12 * torch.arange(8, dtype=torch.float64).reshape(2, 2, 2)
    moments = Moments()
    moments.add(cube)
    normalised = Normalisation.of(moments).apply(cube)
    assert normalised.dtype == torch.float32
    expected = (np.arange(8) - 3.5) / np.arange(8).std()
    # float64 resolves 1e-5 to 2e-21, a billionth of the spread; what is left is float32 rounding of values below 2
    assert normalised.flatten().numpy() == pytest.approx(expected, abs=2e-7)


def test_constant_cubes_are_refused() -> None:
    moments = Moments()
    moments.add(torch.ones(2, 2, 2, dtype=torch.float64))
    with pytest.raises(BadInput, match="constant"):
        Normalisation.of(moments)
