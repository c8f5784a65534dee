"""Networks as people write them: what they do besides convolutions, one thing each. Imported as a plugin too."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Base(nn.Module):
    """Two convolutions and a linear layer of the means of their channels; ``between`` makes the difference."""

    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__()
        self.first = nn.Conv3d(shape[0], 3, 3, padding=1)
        self.second = nn.Conv3d(3, 3, 3, padding=1)
        self.last = nn.Linear(3, 1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        means: Tensor = self.last(self.between(x).flatten(2).mean(2))[:, 0]
        return means

    def between(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x)))


class Reused(Base):
    def between(self, x: Tensor) -> Tensor:
        return self.relu(self.second(self.relu(self.first(x))))


class InPlace(Base):
    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__(shape)
        self.leaky, self.relu = nn.LeakyReLU(0.3, inplace=True), nn.ReLU(inplace=True)

    def between(self, x: Tensor) -> Tensor:
        return self.relu(self.second(self.relu(self.first(self.leaky(x)))))


class Functional(Base):
    def between(self, x: Tensor) -> Tensor:
        return functional.relu_(self.second(torch.relu(self.first(x.mul_(1.0)))))


class BatchNormed(Base):
    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__(shape)
        self.norm = nn.BatchNorm3d(3)

    def between(self, x: Tensor) -> Tensor:
        return self.second(self.relu(self.norm(self.first(x))))


class GroupNormed(BatchNormed):
    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__(shape)
        self.norm = nn.GroupNorm(1, 3)


class Dropped(Base):
    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__(shape)
        self.drop = nn.Dropout(0.5)

    def between(self, x: Tensor) -> Tensor:
        return self.second(self.drop(self.relu(self.drop(self.first(x)))))


class Residual(Base):
    def between(self, x: Tensor) -> Tensor:
        before = self.relu(self.first(x))
        return before + self.second(self.relu(before))


class Pooled(Base):
    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__(shape)
        self.pool, self.prelu = nn.MaxPool3d(2), nn.PReLU()

    def between(self, x: Tensor) -> Tensor:
        return self.prelu(self.pool(self.second(self.prelu(self.pool(self.first(x))))))


class Flat(nn.Module):
    """No convolution."""

    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__()
        cells = int(torch.tensor(shape).prod())
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(cells, 4), nn.ReLU(), nn.Linear(4, 1))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x)[:, 0]
        return found


class Measured(nn.Module):
    """A network on numbers measured outside autograd: it has no gradient with respect to its samples."""

    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__()
        self.last = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        values = x.detach().flatten(1).numpy()
        measured = torch.tensor([[row.var(), (row**3).mean()] for row in values], dtype=x.dtype)
        found: Tensor = self.last(measured)[:, 0]
        return found


class Tuple(Base):
    """A layer with weights whose output is no tensor."""

    def __init__(self, shape: tuple[int, ...] = (1, 8, 8, 8), settings: object = None) -> None:
        super().__init__(shape)
        self.second = _Two()

    def between(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))[0]


class _Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.einsum("ij,bjxyz->bixyz", self.weight, x), x


class Maps(Base):
    """Answers with a map and not with a number."""

    def forward(self, x: Tensor) -> Tensor:
        return self.between(x)


class Broken(Base):
    """Cannot take its samples at all."""

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.last(x)
        return found


class Chance(Base):
    """Gives every sample the same logit."""

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = super().forward(x) * 0.0
        return found
