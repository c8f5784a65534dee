"""Cubes altered on purpose: amplitudes or phases exchanged, drawn anew, or rescaled to another power spectrum.

These are pure functions of tensors (..., N, N, N), or (..., N, N) with ``dimensions=2``. They work mode by mode in
double precision and return the precision that came in. Each treats k and -k alike, so that a real field stays real,
also on the planes where both are stored (n_x = 0, and N/2 of an even N). The mode k = 0, the mean, stays unless a
function says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.fourier.filters import field_like
from weakfield.fourier.half_axis import forward, half_axis_weights, nyquist_modes, squared_wavenumbers


def swap_amplitudes(a: Tensor, b: Tensor, dimensions: int = 3) -> tuple[Tensor, Tensor]:
    """(amplitudes of a with phases of b, amplitudes of b with phases of a), mode by mode.

    The first has the power of a in every mode, the second that of b. The mean counts as an amplitude: with its sign, it
    goes with the amplitudes of its cube. Where the cube that gives the phases has no amplitude, the phase is 0.
    """
    first, second = forward(a, dimensions), forward(b, dimensions)
    one, other = first.abs() * _phases(second), second.abs() * _phases(first)
    for new, old in ((one, first), (other, second)):
        _mean_of(new, dimensions)[...] = _mean_of(old, dimensions)
    return field_like(one, a, dimensions), field_like(other, b, dimensions)


def randomise_phases(x: Tensor, random: np.random.Generator, dimensions: int = 3) -> Tensor:
    """Every mode with its own amplitude and the phase of white noise: one draw, shared by all leading axes of ``x``.

    Both members of a pair in ``x`` get the same phases, so that only their amplitudes still differ. The phases come
    from a real noise field and are therefore Hermitian; the mean stays as it is.
    """
    modes = forward(x, dimensions)
    noise = torch.from_numpy(random.standard_normal((x.shape[-1],) * dimensions))
    new = modes.abs() * _phases(forward(noise, dimensions))
    _mean_of(new, dimensions)[...] = _mean_of(modes, dimensions)
    return field_like(new, x, dimensions)


def _phases(modes: Tensor) -> Tensor:
    """exp(i phase); 1 where there is no amplitude."""
    amplitude = modes.abs()
    return torch.where(amplitude > 0, modes / amplitude.clamp_min(torch.finfo(torch.float64).tiny), 1.0 + 0.0j)


def _mean_of(modes: Tensor, dimensions: int) -> Tensor:
    """A view of the mode k = 0, (...,)."""
    view = modes
    for _ in range(dimensions):
        view = view[..., 0]
    return view


@dataclass(frozen=True)
class Groups:
    """Modes sorted into groups that share one power: ``index`` per mode (-1: the mean), and ``count`` groups."""

    index: NDArray[np.int64]
    count: int


@lru_cache(maxsize=8)
def power_groups(n: int, finest: bool = False, dimensions: int = 3) -> Groups:
    """Shells of width k_F centred on whole multiples of k_F, up to the corner; or (``finest``) one group for every |n|.

    Modes on the Nyquist planes of an even N form groups of their own, because |n| does not fully describe them.
    """
    squares = squared_wavenumbers(n, dimensions)
    # 4 |n|^2 is even and (2m-1)^2 is odd, so that no mode lies on an edge and rounding decides nothing
    label = squares if finest else np.floor(np.sqrt(squares) + 0.5).astype(np.int64)
    keys, index = np.unique(2 * label + nyquist_modes(n, dimensions), return_inverse=True)
    index = index.reshape(label.shape) - 1  # the first key is that of the mean
    return Groups(index, len(keys) - 1)


def group_power(x: Tensor, groups: Groups, dimensions: int = 3) -> NDArray[np.float64]:
    """Sum of |f|^2 over the modes of each group, counting both k and -k, (..., groups)."""
    power = forward(x, dimensions).abs().square().numpy() * half_axis_weights(x.shape[-1])
    flat = power.reshape(-1, power[(0,) * (power.ndim - dimensions)].size)
    sums = [np.bincount(groups.index.ravel() + 1, row, groups.count + 1)[1:] for row in flat]
    return np.array(sums, dtype=np.float64).reshape(*x.shape[:-dimensions], groups.count)


def match_power(x: Tensor, target: Tensor, finest: bool = False, dimensions: int = 3) -> Tensor:
    """``x`` rescaled shell by shell (``power_groups``) to the power of ``target``; phases and the mean stay.

    ``match_power(x, x)`` changes nothing but the rounding, so both members of a pair can go through the same function.
    A group without power in ``x`` stays empty.
    """
    groups = power_groups(x.shape[-1], finest, dimensions)
    own, wanted = group_power(x, groups, dimensions), group_power(target, groups, dimensions)
    factor = np.sqrt(np.divide(wanted, own, out=np.ones_like(own), where=own > 0))
    padded = np.concatenate([np.ones((*factor.shape[:-1], 1)), factor], axis=-1)  # the mean's factor first
    return field_like(forward(x, dimensions) * torch.from_numpy(padded[..., groups.index + 1]), x, dimensions)
