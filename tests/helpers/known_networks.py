"""Networks small enough that their attributions are known, and fields to ask them about."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks import NETWORKS, build_network


def fields(count: int, *shape: int, seed: int = 3, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


class Linear(nn.Module):
    """logit = sum w x + 0.7."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights * x).flatten(1).sum(1) + 0.7


class Quadratic(Linear):
    """logit = sum w x^2 / 2, so that d logit / dx = w x."""

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights * x**2 / 2).flatten(1).sum(1)


class Kinked(nn.Module):
    """logit = sum w LeakyReLU(x - 1/2)."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)
        self.kink = nn.LeakyReLU(0.2)

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights * self.kink(x - 0.5)).flatten(1).sum(1)


class Pooled(nn.Module):
    """logit = w . mean of channels of one linear convolution of stride 2 and kernel 2; what Grad-CAM is exact for."""

    def __init__(self, channels: int, axes: int) -> None:
        super().__init__()
        kind = nn.Conv3d if axes == 3 else nn.Conv2d
        self.convolution = kind(channels, 3, kernel_size=2, stride=2, dtype=torch.float64)
        self.weights = nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(x).flatten(2).mean(2) @ self.weights


def registered(*shape: int) -> dict[str, nn.Module]:
    """Every network of the registry that takes samples of this shape, in double precision, weights drawn."""
    found = {}
    for name in NETWORKS:
        torch.manual_seed(11)
        try:
            network = build_network(shape, TrainingSettings(network=name, channels=3, blocks=2)).double().eval()
        except BadInput:
            continue
        with torch.no_grad():  # initial weights give logits too small to take apart
            for parameter in network.parameters():
                parameter.mul_(2.0)
        found[name] = network
    return found
