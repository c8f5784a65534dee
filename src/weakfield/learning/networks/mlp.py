"""A fully connected network on summary statistics: what can be learned from the mean, the variance and P(k) alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import Style, as_logits, check_box, normalisation

#: units per hidden layer, number of hidden layers
SIZES: dict[str, tuple[int, int | None]] = {"small": (16, 2), "base": (64, 2), "large": (256, 3)}

TINY = 1e-12  # keeps the logarithm of an empty shell finite


class Summaries(nn.Module):
    """(B, C, *N) to (B, C (shells + 2)): mean, ln variance and ln P(k) of every channel.

    Shells are one k_F wide around whole multiples of k_F up to the Nyquist wavenumber (whose plane is left out). P(k)
    is the mean of |f|^2 N^-2d over the modes of a shell, f being the unnormalised forward transform. All of it is
    differentiable.
    """

    shells: Tensor
    counts: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        dims, grid = len(shape) - 1, shape[-1]
        k = np.fft.fftfreq(grid, 1 / grid)
        squared = sum(np.meshgrid(*[k**2] * dims, indexing="ij"))
        number = np.rint(np.sqrt(squared)).astype(int)
        last = (grid - 1) // 2
        number[(number < 1) | (number > last)] = 0
        self.size = shape[0] * (last + 2)
        self.register_buffer("shells", torch.from_numpy(number.ravel()), persistent=False)
        counts = np.bincount(number.ravel(), minlength=last + 1)
        self.register_buffer("counts", torch.from_numpy(counts).to(torch.float32), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        axes = tuple(range(2, x.ndim))
        x = x.float()
        power = torch.fft.fftn(x, dim=axes, norm="forward").abs().square().flatten(2)
        sums = torch.zeros(*power.shape[:2], len(self.counts), device=x.device).index_add(2, self.shells, power)
        spectrum = (sums / self.counts)[..., 1:]
        mean, variance = x.mean(dim=axes), x.var(dim=axes, correction=0)
        rows = torch.cat([mean[..., None], torch.log(variance + TINY)[..., None], torch.log(spectrum + TINY)], dim=-1)
        return rows.flatten(1)


class MLP(nn.Module):
    """Dense layers on the summaries of a sample, or on samples that are already vectors of numbers, of shape (F,).

    ``prepare`` is called with the training samples before training: it sets the mean and the standard deviation by
    which inputs are standardised, and these are part of the network's state.
    """

    offset: Tensor
    spread: Tensor

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__()
        if len(shape) != 1:
            check_box("mlp", shape)
            if shape[-1] < 3:
                raise BadInput(
                    f"network mlp was given {shape[-1]} cells a side, expected at least 3: one shell of P(k)"
                )
        style = Style.of(shape, settings, SIZES)
        self.summaries = nn.Identity() if len(shape) == 1 else Summaries(shape)
        width = shape[0] if len(shape) == 1 else int(self.summaries.size)  # type: ignore[arg-type]
        self.register_buffer("offset", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        layers: list[nn.Module] = []
        for _ in range(style.blocks or 1):
            layers += [nn.Linear(width, style.channels), *normalisation(0, style.normalisation, style.channels)]
            layers.append(style.act())
            width = style.channels
        self.layers = nn.Sequential(*layers, style.drop(), nn.Linear(width, style.outputs))

    def prepare(self, batches: Iterable[Tensor]) -> None:
        """Standardise by these samples (batches of (B, *shape)); a summary that never changes keeps its scale."""
        with torch.no_grad():
            rows = torch.cat([self.summaries(batch) for batch in batches]).to(torch.float64)
        spread = rows.std(dim=0, correction=0)
        self.offset.copy_(rows.mean(dim=0))
        self.spread.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))

    def forward(self, x: Tensor) -> Tensor:
        return as_logits(self.layers((self.summaries(x) - self.offset) / self.spread))
