"""Cubes altered on purpose, as pure functions on tensors (..., N, N, N), or (..., N, N) with ``dim=2``.

All work mode by mode on f = FFT(x) (unnormalised, half axis last), in double precision whatever comes in, and return
the precision that came in. Wavenumbers are in units of the fundamental k_F. Every filter here depends on k as on -k, so
that a real field stays real: on the planes where k and -k share an entry of the half axis (k_x = 0, and N/2 of an even
N) too. The mode k = 0, the mean, is left as it is unless a function says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.mesh import fft
from weakfield.mesh.shells import wavenumbers


@dataclass(frozen=True)
class Modes:
    """The modes of a cube (or square) on the half axis; every array has the shape (N, ..., N//2+1) of the modes.

    ``squares`` is |n|^2 with n_i = +-N/2 counted as N/2; ``weight`` how many modes of the full grid an entry stands for
    (2, or 1 on the planes n_x = 0 and n_x = N/2); ``nyquist`` marks modes with a component N/2 of an even N.
    """

    squares: NDArray[np.int64]
    weight: NDArray[np.float64]
    nyquist: NDArray[np.bool_]

    @property
    def length(self) -> NDArray[np.float64]:
        """|n|."""
        return np.sqrt(self.squares)


@lru_cache(maxsize=8)
def modes_of(n: int, dim: int = 3) -> Modes:
    """The modes of a grid of side ``n`` in ``dim`` dimensions."""
    full, half = wavenumbers(n)
    axes = np.meshgrid(*(full,) * (dim - 1), half, indexing="ij", sparse=True)
    shape = (n,) * (dim - 1) + (len(half),)
    squares = np.broadcast_to(sum(axis**2 for axis in axes), shape)
    nyquist = np.zeros(shape, dtype=bool)
    if n % 2 == 0:
        for axis in axes:
            nyquist |= np.abs(axis) == n // 2
    weight = np.broadcast_to(np.where((half == 0) | (2 * half == n), 1.0, 2.0), shape)
    return Modes(np.asarray(squares), np.asarray(weight), nyquist)


def transformed(x: Tensor, dim: int = 3) -> Tensor:
    """FFT of the last ``dim`` axes, unnormalised, complex128 (..., N, N//2+1)."""
    x = x.to(torch.float64).contiguous()
    return fft.forward(x) if dim == 3 else torch.fft.rfftn(x, dim=tuple(range(-dim, 0)))


def field_of(modes: Tensor, like: Tensor, dim: int = 3) -> Tensor:
    """The field of ``modes`` in the precision of ``like``."""
    n = like.shape[-1]
    field = fft.backward(modes.contiguous(), n) if dim == 3 else torch.fft.irfftn(modes, s=(n,) * dim)
    return field.to(like.dtype)


# ---------------------------------------------------------------------------------------------------------------
# Leaving modes out


def keep_band(x: Tensor, low: float, high: float, dim: int = 3) -> Tensor:
    """Only the modes low <= |n| < high; the mean stays if ``low`` is 0 or below, and is 0 otherwise."""
    length = modes_of(x.shape[-1], dim).length
    return _masked(x, (length >= low) & (length < high), dim)


def stop_band(x: Tensor, low: float, high: float, dim: int = 3) -> Tensor:
    """All modes but those low <= |n| < high; the mean stays as it is."""
    length = modes_of(x.shape[-1], dim).length
    stays = (length < low) | (length >= high)
    stays.flat[0] = True
    return _masked(x, stays, dim)


def low_pass(x: Tensor, cut: float, dim: int = 3) -> Tensor:
    """Modes |n| < cut, with the mean."""
    return keep_band(x, 0.0, cut, dim)


def high_pass(x: Tensor, cut: float, dim: int = 3) -> Tensor:
    """Modes |n| >= cut, with the mean."""
    return stop_band(x, 0.0, cut, dim)


def without_plane(x: Tensor, axis: int, dim: int = 3) -> Tensor:
    """Without the modes whose component along ``axis`` (0: the first of the grid, z) is 0; the mean stays."""
    n = x.shape[-1]
    shape = modes_of(n, dim).squares.shape
    places = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(dim)])
    stays = np.broadcast_to(places != 0, shape).copy()
    stays.flat[0] = True
    return _masked(x, stays, dim)


def _masked(x: Tensor, stays: NDArray[np.bool_], dim: int) -> Tensor:
    return field_of(transformed(x, dim) * torch.from_numpy(stays), x, dim)


# ---------------------------------------------------------------------------------------------------------------
# Amplitudes and phases


def swap_amplitudes(a: Tensor, b: Tensor, dim: int = 3) -> tuple[Tensor, Tensor]:
    """(amplitudes of a with phases of b, amplitudes of b with phases of a), mode by mode.

    The first has P(k) of a in every mode, the second that of b. The mean, an amplitude, goes with its sign to the cube
    whose amplitudes it is of. Where the giver of phases has no amplitude, the phase is 0.
    """
    first, second = transformed(a, dim), transformed(b, dim)
    one, other = first.abs() * _phases(second), second.abs() * _phases(first)
    for new, old in ((one, first), (other, second)):
        _mean_of(new, dim)[...] = _mean_of(old, dim)
    return field_of(one, a, dim), field_of(other, b, dim)


def randomise_phases(x: Tensor, random: np.random.Generator, dim: int = 3) -> Tensor:
    """The amplitude of every mode with the phase of white noise: one draw, shared by all leading axes of ``x``.

    Twins in ``x`` get the same phases, so that what is left between them is their amplitudes. The phases of a real
    noise field are Hermitian by construction; the mean stays as it is.
    """
    modes = transformed(x, dim)
    noise = torch.from_numpy(random.standard_normal((x.shape[-1],) * dim))
    new = modes.abs() * _phases(transformed(noise, dim))
    _mean_of(new, dim)[...] = _mean_of(modes, dim)
    return field_of(new, x, dim)


def _phases(modes: Tensor) -> Tensor:
    """exp(i phase), 1 where there is no amplitude."""
    amplitude = modes.abs()
    return torch.where(amplitude > 0, modes / amplitude.clamp_min(torch.finfo(torch.float64).tiny), 1.0 + 0.0j)


def _mean_of(modes: Tensor, dim: int) -> Tensor:
    """View of the mode k = 0, (...,)."""
    view = modes
    for _ in range(dim):
        view = view[..., 0]
    return view


# ---------------------------------------------------------------------------------------------------------------
# Power


@dataclass(frozen=True)
class Groups:
    """Modes sorted into groups of the same power: ``index`` by mode (-1: the mean), ``count`` groups."""

    index: NDArray[np.int64]
    count: int


@lru_cache(maxsize=8)
def power_groups(n: int, finest: bool = False, dim: int = 3) -> Groups:
    """Shells of width k_F about whole multiples of it, up to the corner; or (``finest``) one group for every |n|.

    Modes on the Nyquist planes of an even N, of which |n| does not say everything, form groups of their own.
    """
    modes = modes_of(n, dim)
    # 4 |n|^2 is even and (2m-1)^2 odd, so that no mode lies on an edge and rounding decides nothing
    label = modes.squares if finest else np.floor(modes.length + 0.5).astype(np.int64)
    keys, index = np.unique(2 * label + modes.nyquist, return_inverse=True)
    index = index.reshape(label.shape) - 1  # the first key is that of the mean
    return Groups(index, len(keys) - 1)


def group_power(x: Tensor, groups: Groups, dim: int = 3) -> NDArray[np.float64]:
    """Sum of |f|^2 over the modes of each group, k and -k both, (..., groups)."""
    power = transformed(x, dim).abs().square().numpy() * modes_of(x.shape[-1], dim).weight
    flat = power.reshape(-1, power[(0,) * (power.ndim - dim)].size)
    sums = [np.bincount(groups.index.ravel() + 1, row, groups.count + 1)[1:] for row in flat]
    return np.array(sums, dtype=np.float64).reshape(*x.shape[:-dim], groups.count)


def match_power(x: Tensor, target: Tensor, finest: bool = False, dim: int = 3) -> Tensor:
    """``x`` rescaled shell by shell (``power_groups``) to the power of ``target``; phases and the mean stay.

    ``match_power(x, x)`` is the same passage with nothing changed: twins that went through it share its rounding. A
    group without power in ``x`` stays empty.
    """
    groups = power_groups(x.shape[-1], finest, dim)
    own, wanted = group_power(x, groups, dim), group_power(target, groups, dim)
    factor = np.sqrt(np.divide(wanted, own, out=np.ones_like(own), where=own > 0))
    padded = np.concatenate([np.ones((*factor.shape[:-1], 1)), factor], axis=-1)  # the mean's factor first
    return field_of(transformed(x, dim) * torch.from_numpy(padded[..., groups.index + 1]), x, dim)


def rescale(x: Tensor, factor: float) -> Tensor:
    """Every value times ``factor``."""
    return x * factor


# ---------------------------------------------------------------------------------------------------------------
# Even and odd in the initial modes


def with_one_parity(twins: tuple[Tensor, Tensor], inverse: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(Newton + even part, Newton + odd part) of GR - Newton of a seed; together with Newton's cube they add up to GR.

    ``twins`` are Newton and GR of the seed, ``inverse`` those of its inverse: another universe, of which the
    difference alone is used. The even part is half the sum of the two differences, the odd part half of the first
    minus the second.
    """
    newton, gr = twins
    upright, inverted = gr - newton, inverse[1] - inverse[0]
    return newton + (upright + inverted) / 2, newton + (upright - inverted) / 2


# ---------------------------------------------------------------------------------------------------------------
# Values without places


def moments(x: Tensor, dim: int = 3) -> NDArray[np.float64]:
    """Quantiles of the values of each cube in units of its own spread about its own mean, (..., 9).

    Neither the mean, nor the total power, nor where a value lies is left.
    """
    flat = x.to(torch.float64).flatten(-dim).numpy()
    centred = flat - flat.mean(-1, keepdims=True)
    spread = centred.std(-1, keepdims=True)
    scaled: NDArray[Any] = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return np.moveaxis(np.quantile(scaled, np.linspace(0.02, 0.98, 9), axis=-1), 0, -1)
