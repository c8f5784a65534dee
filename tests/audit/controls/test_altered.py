"""What controls make of cubes beyond their modes: parts of one parity, and values without places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from weakfield.audit.controls.first_order import with_one_parity
from weakfield.audit.controls.values import moments

#: double precision
ROUNDING = 1e-12


@pytest.mark.parametrize("dim", [2, 3])
def test_standardised_quantiles_know_neither_mean_nor_scale_nor_place(dim: int) -> None:
    a = torch.from_numpy(0.3 + np.random.default_rng(dim).standard_normal((2, *(8,) * dim)))
    quantiles = moments(a, dim)
    assert quantiles.shape == (2, 9)
    assert np.allclose(moments(3 * a + 2, dim), quantiles, atol=ROUNDING)
    assert moments(a.flatten(-dim).flip(-1).reshape(a.shape), dim) == pytest.approx(quantiles, abs=ROUNDING)


def test_parts_of_either_parity_are_told_apart_and_add_up() -> None:
    newton, odd, even, elsewhere = torch.from_numpy(np.random.default_rng(3).standard_normal((4, 2, 6, 6, 6)))
    gr, inverse = newton + even + odd, elsewhere + even - odd  # the difference of the inverse has the other sign in odd
    with_even, with_odd = with_one_parity((newton, gr), (elsewhere, inverse))
    assert torch.allclose(with_even, newton + even, atol=ROUNDING)
    assert torch.allclose(with_odd, newton + odd, atol=ROUNDING)
    assert torch.allclose(with_even + with_odd - newton, gr, atol=ROUNDING)
