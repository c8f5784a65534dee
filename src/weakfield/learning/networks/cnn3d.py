"""A small 3-D convolutional network on a periodic box."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from weakfield.base.errors import BadInput
from weakfield.config.training import TrainingSettings

SLOPE = 0.2  # of LeakyReLU below zero


class CircularConv3d(nn.Module):
    """A 3^3 convolution that wraps around the box: (B, C, N, N, N) to (B, C', N, N, N)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(channels, out, kernel_size=3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.convolution(functional.pad(x, (1,) * 6, mode="circular"))
        return y


class CNN3D(nn.Module):
    """``blocks`` times [3^3 circular convolution, 2^3 convolution of stride 2], mean over the box, one dense layer.

    Channels are ``settings.channels`` in the first block and double in each next one; every convolution is followed
    by a LeakyReLU. Invariant under periodic shifts by multiples of 2^blocks cells. No normalisation layers: one that
    standardises each cube (group, instance) erases the amplitude, which is what the theories differ in; one that
    averages over a batch makes a score depend on the company of the cube. The input is standardised instead.
    """

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__()
        channels, grid = shape[0], shape[-1]
        if len(shape) != 4:
            raise BadInput(f"network cnn3d was given samples of shape {shape}, expected cubes (channels, N, N, N)")
        if grid % 2**settings.blocks:
            raise BadInput(
                f"training.blocks is {settings.blocks} but the cubes have {grid} cells a side,"
                f" expected a grid that divides by 2^blocks = {2**settings.blocks}"
            )
        layers: list[nn.Module] = []
        for block in range(settings.blocks):
            out = settings.channels * 2**block
            layers += [CircularConv3d(channels, out), nn.LeakyReLU(SLOPE)]
            layers += [nn.Conv3d(out, out, kernel_size=2, stride=2), nn.LeakyReLU(SLOPE)]
            channels = out
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(channels, channels), nn.LeakyReLU(SLOPE), nn.Dropout(settings.dropout), nn.Linear(channels, 1)
        )
        # the fastest layout on a CPU, where bf16 is slower than single precision (benchmarks/learning.py)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        maps = self.features(x.contiguous(memory_format=torch.channels_last_3d))
        logits: Tensor = self.head(maps.mean(dim=(2, 3, 4)))
        return logits.squeeze(1)
