"""Convolutions that commute with all symmetries of the cube (48) or the square (8), and a network made of them.

Group convolution (Cohen & Welling, arXiv:1602.07576; in three dimensions Winkels & Cohen, arXiv:1804.04656) on the
directions of the axes, a quotient of the group: next to its place in the box, a value has one of the 2 d directions
+z, -z, +y, ..., and a symmetry g moves both. A kernel K(p, q, x) takes direction q at the offset x to direction p. It
commutes with g if K(g p, g q, g x) = K(p, q, x), so that all entries of an orbit of (p, q, x) are one weight: of 972
entries of a 3^3 kernel between directions 36 are free. The input and the output have no direction.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from weakfield.config.training import TrainingSettings
from weakfield.learning.augmentation import symmetries
from weakfield.learning.networks.layers import Style, as_logits, check_box

Integers = NDArray[np.int64]

#: channels of every direction in the first block
SIZES: dict[str, tuple[int, int | None]] = {"small": (1, 3), "base": (2, 3), "large": (4, 3)}


class SymmetricConvolution(nn.Module):
    """(B, C P, *N) to (B, C' P', *(N / stride)), a channel having P or P' directions: 2 d, or 1 for none.

    A kernel of odd size has stride 1 and wraps around the box, one of size 2 has stride 2.
    """

    spread: Tensor

    def __init__(self, dims: int, channels: int, out: int, kernel: int, directed: bool) -> None:
        super().__init__()
        self.dims, self.kernel, self.channels, self.out = dims, kernel, channels, out
        self.before, self.after = (2 * dims if directed else 1), 2 * dims
        orbit = orbits(dims, kernel, directed)
        count = int(orbit.max()) + 1
        # a matrix instead of an index, whose gradient would be summed in an order of its own on a GPU
        self.register_buffer("spread", functional.one_hot(torch.from_numpy(orbit.ravel())).T.float(), persistent=False)
        bound = (channels * self.before * kernel**dims) ** -0.5  # as PyTorch draws those of its own convolutions
        self.weight = nn.Parameter(torch.empty(out, channels, count).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out).uniform_(-bound, bound))

    def weights(self) -> Tensor:
        """The weights of the ordinary convolution that this one is, (C' P', C P, *kernel)."""
        sides = (self.kernel,) * self.dims
        whole = (self.weight @ self.spread).view(self.out, self.channels, self.after, self.before, *sides)
        return whole.transpose(1, 2).reshape(self.out * self.after, self.channels * self.before, *sides)

    def forward(self, x: Tensor) -> Tensor:
        wraps = self.kernel // 2 if self.kernel % 2 else 0
        if wraps:
            x = functional.pad(x, (wraps,) * (2 * self.dims), mode="circular")
        convolve = functional.conv3d if self.dims == 3 else functional.conv2d
        stride = 1 if wraps else self.kernel
        y: Tensor = convolve(x, self.weights(), self.bias.repeat_interleave(self.after), stride=stride)
        return y


class Undirected(nn.Module):
    """What follows a convolution, with the directions of a channel as more cells of it: all are treated alike."""

    def __init__(self, style: Style, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.Sequential(*style.after(channels))

    def forward(self, x: Tensor) -> Tensor:
        if len(self.layers) > 1:  # an activation alone is the same everywhere
            y: Tensor = self.layers(x.reshape(len(x), self.channels, -1, *x.shape[3:]))
            return y.reshape(x.shape)
        alone: Tensor = self.layers(x)
        return alone


class Symmetric(nn.Module):
    """``cnn3d`` with symmetric kernels: ``blocks`` times [3^d circular, 2^d of stride 2], mean over box and directions.

    The logit is the same for all symmetries of the box, and for shifts by multiples of 2^blocks cells. Every channel of
    a sample is a scalar field: for the components of a vector, which turn with the axes, this is the wrong symmetry.
    Raises ``BadInput`` for a grid that does not divide by 2^blocks.
    """

    def __init__(self, shape: tuple[int, ...], settings: TrainingSettings) -> None:
        super().__init__()
        check_box("symmetric", shape)
        style = Style.of(shape, settings, SIZES)
        blocks = style.blocks or 1
        style.halved("symmetric", blocks)
        channels = shape[0]
        layers: list[nn.Module] = []
        for block in range(blocks):
            out = style.channels * 2**block
            layers += [SymmetricConvolution(style.dims, channels, out, 3, directed=block > 0), Undirected(style, out)]
            layers += [SymmetricConvolution(style.dims, out, out, 2, directed=True), Undirected(style, out)]
            channels = out
        self.features = nn.Sequential(*layers)
        self.channels = channels
        self.head = style.head(channels, 4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.features(x)
        # a double-precision sum, so that its order, which a symmetry changes, does not show
        means = maps.double().reshape(len(x), self.channels, -1).mean(dim=2)
        return as_logits(self.head(means.to(x.dtype)))


@cache
def orbits(dims: int, kernel: int, directed: bool) -> Integers:
    """The number of the orbit of each (direction out, direction in, place in the kernel): (2 d, 2 d or 1, kernel^d)."""
    units = np.concatenate([np.eye(dims, dtype=np.int64), -np.eye(dims, dtype=np.int64)])
    before = units if directed else np.zeros((1, dims), dtype=np.int64)
    places = np.array(list(product(range(1 - kernel, kernel, 2), repeat=dims)))  # in half cells from the centre
    sizes = (len(units), len(before), len(places))
    least = np.arange(np.prod(sizes), dtype=np.int64).reshape(sizes)
    for symmetry in symmetries(dims):
        turn = np.eye(dims, dtype=np.int64)[list(symmetry.permutation)]
        turn[list(symmetry.reflected)] *= -1
        moved = np.ix_(*(_places_of(vectors @ turn.T, vectors) for vectors in (units, before, places)))
        least = np.minimum(least, np.ravel_multi_index(moved, sizes))
    return np.asarray(np.unique(least, return_inverse=True)[1].reshape(sizes), dtype=np.int64)


def _places_of(vectors: Integers, among: Integers) -> Integers:
    """Where each vector is in a list of vectors."""
    return np.asarray((vectors[:, None] == among).all(axis=2).argmax(axis=1))
