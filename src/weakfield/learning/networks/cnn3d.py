"""A small convolutional network on a periodic box, without anything that hides an amplitude."""

from __future__ import annotations

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

SIZES: dict[str, tuple[int, int | None]] = {"small": (4, 3), "base": (8, 3), "large": (16, 3)}


class CNN(nn.Module):
    """``blocks`` times [3^d circular convolution, 2^d convolution of stride 2], mean over the box, one dense layer.

    There are ``settings.channels`` channels in the first block, and they double in every further block; every
    convolution is followed by a LeakyReLU. The network is invariant under periodic shifts by multiples of 2^blocks
    cells. It has no normalisation layers unless asked for: one that standardises each cube (group, instance) erases the
    amplitude, which is what the theories differ in; one that averages over a batch makes the score of a cube depend on
    the others in its batch. The input is standardised instead.
    """

    name = "cnn"
    dims: tuple[int, ...] = (2, 3)

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__()
        check_box(self.name, shape, self.dims)
        style = Style.of(shape, settings, SIZES)
        blocks = style.blocks or 1
        style.halved(self.name, blocks)
        channels = shape[0]
        layers: list[nn.Module] = []
        for block in range(blocks):
            out = style.channels * 2**block
            layers += [CircularConvolution(style.dims, channels, out), *style.after(out)]
            layers += [convolution(style.dims, out, out, kernel=2, stride=2), *style.after(out)]
            channels = out
        self.features = nn.Sequential(*layers)
        self.head = style.head(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return as_logits(self.head(mean_over_box(self.features(x))))


class CNN3D(CNN):
    """``CNN`` on cubes (channels, N, N, N)."""

    name = "cnn3d"
    dims = (3,)


class CNN2D(CNN):
    """``CNN`` on slices (channels, N, N)."""

    name = "cnn2d"
    dims = (2,)
