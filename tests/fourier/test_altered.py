"""Filters and altered cubes change what they say and nothing else, for odd and even N, in three and two dimensions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from weakfield.fourier import half_axis_weights, nyquist_modes, squared_wavenumbers
from weakfield.fourier.altered import match_power, randomise_phases, swap_amplitudes
from weakfield.fourier.filters import high_pass, in_band, keep_band, low_pass, stop_band, without_plane
from weakfield.fourier.shells import shells

SIZES = [(n, dim) for n in (6, 7, 8, 9) for dim in (2, 3)]
#: double precision through two transforms of at most 9^3 values of order 1
ROUNDING = 1e-12


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[1]}d-{size[0]}")
def twins(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor, int, int]:
    """Two batches of two white fields with a mean: every mode has power, Nyquist planes and corners too."""
    n, dim = request.param
    random = np.random.default_rng([n, dim])
    a, b = (torch.from_numpy(0.3 + random.standard_normal((2, *(n,) * dim))) for _ in "ab")
    return a, b, n, dim


def full(x: Tensor, dim: int) -> np.ndarray:
    """All modes, by another library."""
    return np.fft.fftn(x.double().numpy(), axes=tuple(range(-dim, 0)))


def full_squares(n: int, dim: int) -> np.ndarray:
    """|n|^2 on the full grid, one mode after the other."""
    axis = [min(i, n - i) for i in range(n)]
    return np.array([sum(c * c for c in mode) for mode in product(axis, repeat=dim)]).reshape((n,) * dim)


def full_nyquist(n: int, dim: int) -> np.ndarray:
    axis = [2 * i == n for i in range(n)]
    return np.array([any(mode) for mode in product(axis, repeat=dim)]).reshape((n,) * dim)


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.allclose(a, b, rtol=0, atol=ROUNDING * max(1.0, float(np.abs(b).max()))))


def test_the_modes_of_the_half_axis_stand_for_all(twins) -> None:
    _, _, n, dim = twins
    squares, nyquist, weights = squared_wavenumbers(n, dim), nyquist_modes(n, dim), half_axis_weights(n)
    assert np.broadcast_to(weights, squares.shape).sum() == n**dim
    assert (weights * squares).sum() == full_squares(n, dim).sum()
    assert (weights * nyquist).sum() == full_nyquist(n, dim).sum()


def test_a_band_without_nyquist_planes_is_a_shell(twins) -> None:
    _, _, n, dim = twins
    for edges in ((1.0, 2.0), (0.0, 2.5), (2.0, 2.0 * n)):
        one = shells(n, edges, dim).index == 0
        assert (in_band(n, *edges, dim, nyquist=False) == one).all()
        assert (in_band(n, *edges, dim) & ~nyquist_modes(n, dim) == one).all()


def test_bands_keep_and_stop_what_they_say(twins) -> None:
    a, _, n, dim = twins
    before, length = full(a, dim), np.sqrt(full_squares(n, dim))
    inside = (length >= 1.5) & (length < 3.2)
    assert close(full(keep_band(a, 1.5, 3.2, dim), dim), before * inside)
    assert close(full(stop_band(a, 1.5, 3.2, dim), dim), before * ~inside)
    assert close(full(low_pass(a, 2.5, dim), dim), before * (length < 2.5))
    assert close(full(high_pass(a, 2.5, dim), dim), before * ((length >= 2.5) | (length == 0)))


def test_bands_are_idempotent_and_complementary(twins) -> None:
    a, _, _, dim = twins
    for change in (low_pass, high_pass):
        once = change(a, 2.5, dim)
        assert close(change(once, 2.5, dim).numpy(), once.numpy())
    mean = a.mean(dim=tuple(range(-dim, 0)), keepdim=True)
    assert close((low_pass(a, 2.5, dim) + high_pass(a, 2.5, dim) - mean).numpy(), a.numpy())
    assert close(stop_band(a, 0.5, 1.2, dim).mean().numpy(), a.mean().numpy())
    assert close(keep_band(a, 0.5, 9.0, dim).mean().numpy(), np.zeros(()))


def test_a_plane_is_left_out(twins) -> None:
    a, _, n, dim = twins
    for axis in range(dim):
        component = np.arange(n).reshape([-1 if i == axis else 1 for i in range(dim)])
        stays = np.broadcast_to(component != 0, (n,) * dim) | (full_squares(n, dim) == 0)
        assert close(full(without_plane(a, axis, dim), dim), full(a, dim) * stays)


def test_amplitudes_and_phases_are_swapped_mode_by_mode(twins) -> None:
    a, b, n, dim = twins
    first, second = swap_amplitudes(a, b, dim)
    modes_a, modes_b = full(a, dim), full(b, dim)
    new_first, new_second = full(first, dim), full(second, dim)
    assert close(np.abs(new_first), np.abs(modes_a))
    assert close(np.abs(new_second), np.abs(modes_b))
    fluctuations = np.broadcast_to(full_squares(n, dim) > 0, modes_a.shape)
    # the phase of a mode of modulus m is known to rounding / m: compare the modes turned by it
    assert close((new_first * np.abs(modes_b) / np.abs(modes_a))[fluctuations], modes_b[fluctuations])
    assert close((new_second * np.abs(modes_a) / np.abs(modes_b))[fluctuations], modes_a[fluctuations])
    assert close(first.mean().numpy(), a.mean().numpy())
    back_a, back_b = swap_amplitudes(first, second, dim)  # a, b with phases of each other, exchanged again
    assert close(back_a.numpy(), a.numpy())
    assert close(back_b.numpy(), b.numpy())


@pytest.mark.parametrize("finest", [False, True])
def test_power_is_matched_in_every_shell(twins, finest: bool) -> None:
    a, b, n, dim = twins
    matched = match_power(a, b, finest, dim)
    squares, nyquist = full_squares(n, dim), full_nyquist(n, dim)
    label = squares if finest else np.array([int(np.sqrt(q) + 0.5) for q in squares.ravel()]).reshape(squares.shape)
    power = np.abs(full(matched, dim)) ** 2
    for value, plane in {(int(v), bool(p)) for v, p in zip(label.ravel(), nyquist.ravel(), strict=True)}:
        if value == 0:
            continue
        chosen = (label == value) & (nyquist == plane)
        wanted = (np.abs(full(b, dim)) ** 2)[:, chosen].sum(-1)
        assert np.allclose(power[:, chosen].sum(-1), wanted, rtol=ROUNDING, atol=0)
    assert close(np.angle(full(matched, dim) * full(a, dim).conj()), np.zeros(matched.shape)[:])
    axes = tuple(range(-dim, 0))
    assert close(matched.mean(dim=axes).numpy(), a.mean(dim=axes).numpy())
    assert close(match_power(a, a, finest, dim).numpy(), a.numpy())


def test_matching_undoes_what_differs_by_shells_only(twins) -> None:
    a, _, n, dim = twins
    louder = torch.from_numpy(np.fft.ifftn(
        full(a, dim) * np.where(full_squares(n, dim) == 4, 1.7, 1.0), axes=tuple(range(-dim, 0))
    ).real)  # fmt: skip
    assert close(match_power(louder, a, True, dim).numpy(), a.numpy())


def test_a_shell_without_power_stays_empty(twins) -> None:
    a, b, _, dim = twins
    empty = stop_band(a, 0.5, 1.5, dim)
    matched = match_power(torch.zeros_like(a), b, False, dim)
    assert bool((matched == 0).all())
    assert torch.isfinite(match_power(empty, b, False, dim)).all()


def test_random_phases_keep_every_amplitude_and_the_mean(twins) -> None:
    a, _, n, dim = twins
    new = randomise_phases(a, np.random.default_rng(5), dim)
    assert close(np.abs(full(new, dim)), np.abs(full(a, dim)))  # of a real field: it is Hermitian
    axes = tuple(range(-dim, 0))
    assert close(new.mean(dim=axes).numpy(), a.mean(dim=axes).numpy())
    assert not np.allclose(new, a, atol=0.1)
    fluctuations = full_squares(n, dim) > 0
    turned = full(new, dim)[:, fluctuations]
    one, other = turned / np.abs(turned)  # both members of the batch got the same phases
    assert np.allclose(one, other, atol=1e-9)
    again = randomise_phases(a, np.random.default_rng(5), dim)
    assert bool((again == new).all())


def test_precision_comes_back_as_it_came(twins) -> None:
    a, b, _, dim = twins
    single = a.float()
    assert low_pass(single, 2.5, dim).dtype == torch.float32
    assert match_power(single, b.float(), dimensions=dim).dtype == torch.float32
