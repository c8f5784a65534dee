"""Layers on a periodic box, in two or three dimensions from one definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from weakfield.base.errors import BadInput
from weakfield.config.training import Activation, Normalisation, TrainingSettings

SLOPE = 0.2  # of LeakyReLU below zero
GROUPS, LEAST_IN_GROUP = 8, 4  # a group of few values says nothing about the rest

_CONVOLUTIONS: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
_BATCH_NORMS: dict[int, type[nn.Module]] = {0: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def convolution(dims: int, channels: int, out: int, kernel: int, stride: int = 1) -> nn.Module:
    """A convolution without padding: (B, C, *N) to (B, C', *((N - kernel) / stride + 1))."""
    return _CONVOLUTIONS[dims](channels, out, kernel_size=kernel, stride=stride)


class CircularConvolution(nn.Module):
    """A convolution of odd ``kernel`` that wraps around the box: (B, C, *N) to (B, C', *(N / stride))."""

    def __init__(self, dims: int, channels: int, out: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.padding = (kernel // 2,) * (2 * dims)
        self.convolution = convolution(dims, channels, out, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.convolution(functional.pad(x, self.padding, mode="circular"))
        return y


class SharedDropout(nn.Dropout):
    """Dropout whose mask is the same whether one process sees a batch or several see shares of it.

    ``rows`` says which rows of the whole batch this process has, and how many there are; ``None`` where it has all. The
    mask of all rows is drawn, from a random state that the processes have in common.
    """

    rows: tuple[list[int], int] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.rows is None or not self.training or self.p == 0:
            return super().forward(x)
        mine, total = self.rows
        mask = torch.empty(total, *x.shape[1:], dtype=x.dtype, device=x.device).bernoulli_(1 - self.p)
        return x * mask.div_(1 - self.p)[mine]


def activation(name: Activation) -> nn.Module:
    """An activation by its name in the settings."""
    made: dict[Activation, Any] = {
        "linear": nn.Identity,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(SLOPE),
        "prelu": nn.PReLU,
        "elu": nn.ELU,
        "selu": nn.SELU,
    }
    module: nn.Module = made[name]()
    return module


def normalisation(dims: int, kind: Normalisation, channels: int) -> list[nn.Module]:
    """The normalisation of (B, channels, *N), as a list that is empty for none; ``dims`` 0 is (B, channels)."""
    if kind == "none":
        return []
    if kind == "batch":
        return [_BATCH_NORMS[dims](channels)]
    fitting = (g for g in (GROUPS, 4, 2) if channels % g == 0 and channels // g >= LEAST_IN_GROUP)
    return [nn.GroupNorm(next(fitting, 1), channels)]


@dataclass(frozen=True)
class Style:
    """What the layers of one network have in common: the settings, and the network's own defaults for the rest."""

    shape: tuple[int, ...]
    channels: int
    blocks: int | None
    activation: Activation
    normalisation: Normalisation
    dropout: float
    outputs: int

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        settings: TrainingSettings,
        sizes: dict[str, tuple[int, int | None]],
        activation: Activation = "leaky_relu",
        normalisation: Normalisation = "none",
    ) -> Style:
        """``sizes``: (channels, blocks) of each size preset; blocks are None where the grid decides."""
        channels, blocks = sizes[settings.size]
        return cls(
            shape,
            settings.channels or channels,
            settings.blocks or blocks,
            settings.activation or activation,
            settings.normalisation or normalisation,
            settings.dropout,
            settings.classes,
        )

    @property
    def dims(self) -> int:
        """Dimensions of a sample: 2 for slices, 3 for cubes."""
        return len(self.shape) - 1

    @property
    def grid(self) -> int:
        return self.shape[-1]

    def act(self) -> nn.Module:
        return activation(self.activation)

    def after(self, channels: int) -> list[nn.Module]:
        """What follows a convolution with ``channels`` outputs: normalisation and activation."""
        return [*normalisation(self.dims, self.normalisation, channels), self.act()]

    def drop(self) -> nn.Module:
        """Dropout; for SELU, the one that keeps the mean and variance on which it relies (arXiv:1706.02515)."""
        return nn.AlphaDropout(self.dropout) if self.activation == "selu" else SharedDropout(self.dropout)

    def head(self, features: int, hidden: int) -> nn.Sequential:
        """Dense layers from (B, features) to (B, outputs)."""
        return nn.Sequential(nn.Linear(features, hidden), self.act(), self.drop(), nn.Linear(hidden, self.outputs))

    def halved(self, name: str, blocks: int) -> int:
        """Cells per side after that many halvings; ``BadInput`` when the grid does not divide."""
        if self.grid % 2**blocks:
            raise BadInput(
                f"training.blocks is {blocks} but the {self.noun} have {self.grid} cells a side,"
                f" expected a grid that divides by 2^blocks = {2**blocks}, or fewer blocks of network {name}"
            )
        return self.grid >> blocks

    @property
    def noun(self) -> str:
        return "cubes" if self.dims == 3 else "slices"


def check_box(name: str, shape: tuple[int, ...], dims: tuple[int, ...] = (2, 3)) -> None:
    """``BadInput`` unless ``shape`` is (channels, N, N[, N]) with as many N as one of ``dims``."""
    if len(shape) - 1 not in dims or len(set(shape[1:])) != 1:
        wanted = {2: "slices (channels, N, N)", 3: "cubes (channels, N, N, N)"}
        raise BadInput(
            f"network {name} was given samples of shape {tuple(shape)}, expected {' or '.join(wanted[d] for d in dims)}"
        )


def as_logits(values: Tensor) -> Tensor:
    """(B, outputs) as the contract of networks demands: (B,) when there is one output."""
    return values.squeeze(1) if values.shape[1] == 1 else values


def mean_over_box(maps: Tensor) -> Tensor:
    """(B, C, *N) to (B, C)."""
    return maps.mean(dim=tuple(range(2, maps.ndim)))


def arrange(network: nn.Module, layout: str) -> nn.Module:
    """Lay the weights out in memory, ``channels_last`` or ``contiguous``; the results of the layers follow."""
    for parameter in network.parameters():
        if parameter.ndim in (4, 5):
            form = torch.channels_last if parameter.ndim == 4 else torch.channels_last_3d
            chosen = form if layout == "channels_last" else torch.contiguous_format
            parameter.data = parameter.data.contiguous(memory_format=chosen)
    return network
