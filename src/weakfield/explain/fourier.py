"""Attribution by Fourier shell: gradient x input, additive over modes by Parseval's theorem.

With F(k) = sum_x f(x) exp(-i k x), sum_x g f = N^-3 sum_k Re G* F. Every mode of the full cube belongs to the mean
(k = 0), to one shell, or to the rest (beyond the last shell, and the Nyquist planes of an even N), so the parts add up
to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weakfield.mesh import fft
from weakfield.mesh.shells import Shells, shells

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class ShellAttribution:
    """Parts of sum_x g f by wavenumber: of k = 0, of each shell (shells,), and of all other modes."""

    mean: float
    shells: Reals
    rest: float

    @property
    def total(self) -> float:
        """Sum of the parts; equal to sum_x g f."""
        return float(self.mean + self.shells.sum() + self.rest)

    def as_json(self) -> dict[str, Any]:
        return {"mean": self.mean, "shells": self.shells.tolist(), "rest": self.rest, "total": self.total}


def attribute(gradient: Tensor, field: Tensor, edges: Sequence[float] | None = None) -> ShellAttribution:
    """Gradient x input of cubes (N, N, N), both float64, by shell; ``edges`` (units of k_F) start above 0.

    Default edges: one k_F wide from 0.5 to the Nyquist wavenumber.
    """
    n = field.shape[-1]
    shell = shells(n, edges)
    g, f = (fft.forward(cube.to(torch.float64)).cpu().numpy() for cube in (gradient, field))
    values = (g.real * f.real + g.imag * f.imag) / float(n) ** 3
    mean = float(values[0, 0, 0])
    return ShellAttribution(mean, shell.sums(values), shell.outside(values) - mean)


def power(gradient: Tensor, edges: Sequence[float] | None = None) -> Reals:
    """Mean of |G / N^3|^2 over the modes of each shell (shells,), 0 where a shell is empty."""
    n = gradient.shape[-1]
    shell: Shells = shells(n, edges)
    g = fft.forward(gradient.to(torch.float64)).cpu().numpy() / float(n) ** 3
    return np.asarray(shell.sums(g.real**2 + g.imag**2) / np.maximum(shell.modes, 1))
