"""A residual network without normalisation: its branches are scaled instead (SkipInit, arXiv:2002.10444)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import (
    CircularConvolution,
    Style,
    as_logits,
    check_box,
    convolution,
    mean_over_box,
)

SIZES: dict[str, tuple[int, int | None]] = {"small": (8, 2), "base": (16, 3), "large": (32, 3)}
BRANCHES = 2  # residual branches per block


class Branch(nn.Module):
    """x plus a learned multiple of [activation, 3^d convolution] twice: (B, C, *N) to the same."""

    def __init__(self, style: Style, channels: int, scale: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [*style.after(channels), CircularConvolution(style.dims, channels, channels)]
        self.layers = nn.Sequential(*layers)
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.scale * self.layers(x)
        return y


class ResNet(nn.Module):
    """A 3^d circular convolution; ``blocks`` times [2^d convolution of stride 2, two residual branches]; mean over
    the box, one dense layer.

    Pre-activation branches (arXiv:1603.05027) with ReLU, whose scales begin at one over their number, so that the
    variance of the sum stays of order one without normalisation layers: such layers would hide the amplitude. Channels
    double from block to block. Raises ``BadInput`` for a grid that does not divide by 2^blocks.
    """

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__()
        check_box("resnet", shape)
        style = Style.of(shape, settings, SIZES, activation="relu")
        blocks = style.blocks or 1
        style.halved("resnet", blocks)
        channels = style.channels
        layers: list[nn.Module] = [CircularConvolution(style.dims, shape[0], channels)]
        for block in range(blocks):
            out = style.channels * 2**block
            layers.append(convolution(style.dims, channels, out, kernel=2, stride=2))
            layers += [Branch(style, out, 1 / (BRANCHES * blocks)) for _ in range(BRANCHES)]
            channels = out
        self.features = nn.Sequential(*layers, *style.after(channels))
        self.head = style.head(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return as_logits(self.head(mean_over_box(self.features(x))))
