"""Networks whose logit is a formula, so that what an attribution has to say is known exactly."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from weakfield.fourier.shells import shells


def noise(*shape: int, seed: int = 1) -> Tensor:
    """Normal deviates in double precision."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def shell_mask(n: int, dimensions: int, low: float, high: float) -> Tensor:
    """1 on the modes of the full axes (N, N[, N]) with low <= |n| < high off the Nyquist planes."""
    axis = np.fft.fftfreq(n, 1 / n)
    square = sum(part**2 for part in np.ix_(*[axis] * dimensions))
    nyquist = np.zeros(square.shape, dtype=bool)
    for part in np.ix_(*[axis] * dimensions):
        nyquist |= part == -n / 2
    return torch.from_numpy(((square >= low**2) & (square < high**2) & ~nyquist).astype(float))


def filtered(fields: Tensor, mask: Tensor) -> Tensor:
    """Fields (B, N, N[, N]) with the modes of ``mask`` alone."""
    axes = tuple(range(1, fields.ndim))
    return torch.fft.ifftn(torch.fft.fftn(fields, dim=axes) * mask, dim=axes).real


class ShellPower(nn.Module):
    """logit = sum_s w_s sum over modes of shell s of |F/N^d|^2, by channel: ``weight`` (C, S)."""

    def __init__(self, n: int, dimensions: int, edges: tuple[float, ...], weight: Tensor) -> None:
        super().__init__()
        masks = [shell_mask(n, dimensions, low, high) for low, high in pairwise(edges)]
        self.register_buffer("table", torch.einsum("cs,s...->c...", weight, torch.stack(masks)))

    def forward(self, x: Tensor) -> Tensor:
        axes = tuple(range(2, x.ndim))
        modes = torch.fft.fftn(x, dim=axes, norm="forward")
        return (self.table * modes.abs() ** 2).sum(dim=(1, *axes))


class TriangleSums(nn.Module):
    """logit = sum_T w_T sum over closed triples of modes in T of f1 f2 f3, plus shell powers; one channel.

    Products are formed on a grid of 2 N sites a side, where no triple closes modulo the grid.
    """

    def __init__(
        self, n: int, dimensions: int, edges: tuple[float, ...], triangles: dict[tuple[int, int, int], float],
        powers: dict[int, float] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        pairs = list(pairwise(edges))
        self.register_buffer("masks", torch.stack([shell_mask(n, dimensions, *pair) for pair in pairs]))
        self.triangles, self.powers = triangles, powers or {}

    def shells(self, x: Tensor) -> Tensor:
        """(S, B, 2N, 2N[, 2N]): sum of f exp(i k x) over each shell."""
        d, n = x.ndim - 2, x.shape[-1]
        axes = tuple(range(-d, 0))
        modes = torch.fft.fftn(x[:, 0], dim=axes, norm="forward") * self.masks[:, None]
        modes = torch.fft.fftshift(modes, dim=axes)
        padded = torch.nn.functional.pad(modes, (n - n // 2, n // 2) * d)
        return torch.fft.ifftn(torch.fft.ifftshift(padded, dim=axes), dim=axes, norm="forward").real

    def forward(self, x: Tensor) -> Tensor:
        fields = self.shells(x).flatten(2)
        answer = torch.zeros(len(x), dtype=x.dtype)
        for (i, j, k), weight in self.triangles.items():
            answer = answer + weight * (fields[i] * fields[j] * fields[k]).mean(dim=1)
        for s, weight in self.powers.items():
            answer = answer + weight * (fields[s] ** 2).mean(dim=1)
        return answer


def shell_count(n: int, dimensions: int, edges: tuple[float, ...]) -> np.ndarray:
    return shells(n, edges, dimensions).modes
