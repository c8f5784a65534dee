"""Integrated gradients with respect to Fourier modes: how much of a logit difference each mode carries.

Along the straight path from a sample a to a sample b the logit changes by

    F(b) - F(a) = sum_x g(x) (b - a)(x) = N^-d sum_k Re conj(G(k)) (B - A)(k),   g = int_0^1 grad F(a + t (b - a)) dt,

where G is the transform of g: the adjoint transform of a gradient in cells is the gradient in modes (Parseval). The
term of a mode is its attribution. Terms are additive over modes of the full box, where k and -k each have half of what
their entry on the half axis holds, and therefore over any set of modes: shells, directions, channels. If a is the
Newton member of the pair of b, this is the integrated gradient (Sundararajan et al. 2017, arXiv:1703.01365) with a
baseline that differs in nothing but the theory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield import fourier
from weakfield.base.errors import BadInput
from weakfield.explain.paths import Path, PathOptions, integrate
from weakfield.explain.response import Response, checked_samples
from weakfield.fourier.directions import cosines, cubic_harmonic
from weakfield.fourier.shells import shells

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class ShellParts:
    """Attribution by wavenumber: ``mean`` (B,) of k = 0, ``shells`` (B, S), ``rest`` (B,) of all other modes.

    ``shells`` may have further axes after the shells: directions or harmonics. ``edges`` and ``wavenumbers`` (S,), the
    mean |n| of the modes, are in units of k_F; ``modes`` (S, ...) counts k and -k.
    """

    edges: tuple[float, ...]
    wavenumbers: Reals
    modes: NDArray[np.int64]
    mean: Reals
    shells: Reals
    rest: Reals

    @property
    def total(self) -> Reals:
        """Sum of the parts of each sample, (B,); not for harmonics, of which only order 0 adds up to the total."""
        return np.asarray(self.mean + self.shells.reshape(len(self.mean), -1).sum(axis=1) + self.rest)


@dataclass(frozen=True)
class ModeAttribution:
    """What every mode contributes to the logit, for samples (B, C, N, N[, N]).

    ``values`` (B, C, N[, N], N//2+1) float64 include the weight of the half axis, so that their plain sum is the total;
    ``change`` (B,) is the difference of logits, from two evaluations; ``steps`` (B,) is the number of nodes taken.
    """

    values: Reals
    change: Reals
    steps: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Cells per side."""
        return int(self.values.shape[2])

    @property
    def dimensions(self) -> int:
        """2 for planes, 3 for cubes."""
        return self.values.ndim - 2

    @property
    def total(self) -> Reals:
        """Sum over all modes and channels, (B,)."""
        return np.asarray(self.by_channel().sum(axis=1))

    @property
    def residual(self) -> Reals:
        """``total`` minus ``change``, (B,): the error of the quadrature."""
        return np.asarray(self.total - self.change)

    def by_channel(self) -> Reals:
        """Sums over all modes of each channel, (B, C); a channel is, for example, a redshift."""
        return np.asarray(self.values.sum(axis=tuple(range(2, self.values.ndim))))

    def channel(self, index: int) -> Self:
        """The attribution of one channel; its ``change`` is the sum over its own modes."""
        part = self.values[:, [index]]
        return replace(self, values=part, change=part.reshape(len(part), -1).sum(axis=1))

    def by_shell(self, edges: Sequence[float] | None = None) -> ShellParts:
        """Sums over channels and over shells lower <= |n| < upper, edges in units of k_F (default: 0.5, 1.5, ... N/2).

        The Nyquist planes of an even N are not in any shell but in ``rest``.
        """
        shell = shells(self.n, edges, self.dimensions)
        parts = self._binned(shell.index, shell.count + 1)
        return self._parts(shell.edges, parts[:, :-1])

    def by_shell_and_direction(
        self,
        edges: Sequence[float] | None = None,
        mu_edges: Sequence[float] = (0.0, 1 / 3, 2 / 3, 1.0),
        axis: str = "x",
    ) -> ShellParts:
        """By shell and by |mu| = |k_axis| / |k|: ``shells`` (B, S, M), bins of |mu| closed below, the last also above.

        ``BadInput`` unless ``mu_edges`` rise from 0 to 1 and ``axis`` is one of the sample's.
        """
        bounds, names = np.asarray(mu_edges, dtype=np.float64), "zyx"[-self.dimensions :]
        if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != 1 or (np.diff(bounds) <= 0).any():
            raise BadInput(f"mu_edges is {bounds.tolist()}, expected numbers rising from 0 to 1")
        if axis not in names:
            raise BadInput(f"axis is '{axis}', expected one of {', '.join(names)}")
        shell, bins = shells(self.n, edges, self.dimensions), len(bounds) - 1
        mu = cosines(self.n, self.dimensions)[names.index(axis)]
        place = np.minimum(np.searchsorted(bounds, mu, side="right") - 1, bins - 1)
        index = np.where(shell.index < shell.count, shell.index * bins + place, shell.count * bins)
        parts = self._binned(index, shell.count * bins + 1)[:, :-1].reshape(-1, shell.count, bins)
        modes = np.bincount(index.ravel(), np.ravel(shell.weight), shell.count * bins + 1)[:-1]
        return replace(self._parts(shell.edges, parts), modes=modes.reshape(shell.count, bins).astype(np.int64))

    def by_shell_and_harmonic(
        self, edges: Sequence[float] | None = None, orders: Sequence[int] = (0, 4, 6)
    ) -> ShellParts:
        """Moments sum_k A(k) K(k/|k|) with the cubic harmonics ``orders`` of ``cubic_harmonic``, (B, S, H).

        From each harmonic above order 0 its mean over the modes of the shell is subtracted, so that an attribution that
        is equal in all modes of a shell has no moment, however few the modes. Order 0 is ``by_shell``.
        """
        shell, parts = shells(self.n, edges, self.dimensions), []
        for order in orders:
            harmonic = cubic_harmonic(self.n, self.dimensions, order)
            if order:
                mean = shell.sums(harmonic) / np.maximum(shell.modes, 1)
                harmonic = harmonic - np.append(mean, 0.0)[shell.index]
            parts.append(self._binned(shell.index, shell.count + 1, harmonic)[:, :-1])
        return self._parts(shell.edges, np.stack(parts, axis=2))

    def _parts(self, edges: tuple[float, ...], parts: Reals) -> ShellParts:
        shell = shells(self.n, edges, self.dimensions)
        summed = self._summed_over_channels
        mean = summed.reshape(len(summed), -1)[:, 0]
        whole = self._binned(shell.index, shell.count + 1)
        holds_mean = edges[0] == 0  # a first shell that starts at 0 contains k = 0
        rest = whole[:, -1] - (0.0 if holds_mean else mean)
        return ShellParts(
            edges, shell.mean_wavenumbers, shell.modes, np.zeros(len(mean)) if holds_mean else mean, parts, rest
        )

    @property
    def _summed_over_channels(self) -> Reals:
        return np.asarray(self.values.sum(axis=1))

    def _binned(self, index: NDArray[np.intp], bins: int, factor: Reals | None = None) -> Reals:
        """Sums over the modes of each bin, (B, bins), in memory order."""
        flat = index.ravel()
        values = self._summed_over_channels if factor is None else self._summed_over_channels * factor
        return np.stack([np.bincount(flat, sample.ravel(), bins) for sample in values])


def pair_integrated_modes(
    network: nn.Module, newton: Tensor, gr: Tensor, options: PathOptions | None = None
) -> ModeAttribution:
    """Which modes carry the logit from the Newton member to the GR member: ``integrated_modes`` between them.

    ``newton`` and ``gr`` are (B, C, N, N[, N]), or one sample each, (C, N, N[, N]).
    """
    return integrated_modes(network, gr, newton, options)


def integrated_modes(
    network: nn.Module, samples: Tensor, baseline: Tensor | None = None, options: PathOptions | None = None
) -> ModeAttribution:
    """Integrated gradients with respect to Fourier modes, from ``baseline`` (default 0) to ``samples``.

    ``samples`` are (B, C, N, N[, N]), or a single one (C, N, N[, N]), in which case B is 1. ``network`` maps (batch, C,
    N, N[, N]) to logits and is used in eval mode. ``BadInput`` for samples that are no such tensors, are not finite, or
    differ in shape from the baseline.
    """
    options = options or PathOptions()
    end = checked_samples(samples)
    start = torch.zeros_like(end) if baseline is None else checked_samples(baseline, "baseline")
    if start.shape != end.shape:
        raise BadInput(f"the baseline has shape {tuple(start.shape)}, expected that of samples, {tuple(end.shape)}")
    response = Response(network, options.dtype, options.memory)
    room = response.panels(end)
    parts = zip(torch.split(start, room), torch.split(end, room), strict=True)
    return joined([_integrated(response, first, last, options) for first, last in parts])


def joined(parts: Sequence[ModeAttribution]) -> ModeAttribution:
    """The samples of several attributions, one after the other."""
    values, change, steps = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "change", "steps")
    )
    return ModeAttribution(values, change, steps)


def _integrated(response: Response, start: Tensor, end: Tensor, options: PathOptions) -> ModeAttribution:
    """The attribution of samples that fit into memory together."""
    dimensions = end.ndim - 2
    change, scale = change_of_logits(response, start, end, options.tolerance)
    n, step = end.shape[-1], end - start
    moved = fourier.forward(step, dimensions) * (
        torch.from_numpy(fourier.half_axis_weights(n)) / float(n) ** dimensions
    )

    def at(which: NDArray[np.int64], t: Reals) -> Tensor:
        return start[which] + torch.from_numpy(t).reshape(-1, *[1] * (end.ndim - 1)) * step[which]

    def terms(which: NDArray[np.int64], t: Reals) -> Tensor:
        g, f = fourier.forward(response.gradients(at(which, t))[1], dimensions), moved[which]
        return g.real * f.real + g.imag * f.imag

    path = Path(terms, lambda which, t: response.logits(at(which, t)).numpy())
    values, taken = integrate(path, change, scale, options, response.panels(end))
    return ModeAttribution(values.numpy(), change, taken)


def change_of_logits(response: Response, start: Tensor, end: Tensor, tolerance: float) -> tuple[Reals, Reals]:
    """Logit of ``end`` minus logit of ``start``, (B,), and the scale by which a residual is judged.

    The scale is the size of the difference; where the logits hardly differ, it is such that ``tolerance`` means their
    rounding.
    """
    first, last = response.logits(start).numpy(), response.logits(end).numpy()
    change = last - first
    rounding = 4 * torch.finfo(response.dtype).eps * (np.abs(first) + np.abs(last))
    return change, np.maximum(np.abs(change), rounding / tolerance)
