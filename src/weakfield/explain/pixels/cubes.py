"""Cubes of attributions: gathered from maps of slices, and projected along three axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.explain.pixels.contract import Method


@dataclass(frozen=True)
class SaliencyCube:
    """Sums over the three slicings of each slice's map, (n, channels, N, N, N) float64, and of its absolute value."""

    signed: Tensor
    absolute: Tensor


def gather(
    method: Method, network: nn.Module, cubes: Tensor, baselines: Tensor | None = None, **options: Any
) -> SaliencyCube:
    """Attribution of all 3 N slices of each cube (n, channels, N, N, N) by a network of slices (channels, N, N).

    As in the data set, a slice across the axis z has its axes in the order [y, x], across y [z, x], across x [z, y].
    """
    if cubes.ndim != 5:
        raise BadInput(f"cubes have shape {tuple(cubes.shape)}, expected (n, channels, N, N, N)")
    signed = torch.zeros(cubes.shape, dtype=torch.float64)
    absolute = torch.zeros_like(signed)
    for place, cube in enumerate(cubes):
        twin = None if baselines is None else baselines[place]
        for axis in (1, 2, 3):
            slices = cube.movedim(axis, 0)
            others = None if twin is None else twin.movedim(axis, 0)
            found = method(network, slices, others, **options).movedim(0, axis)
            signed[place] += found
            absolute[place] += found.abs()
    return SaliencyCube(signed, absolute)


def projections(cube: Tensor) -> Tensor:
    """Sums of a cube (N, N, N) [z, y, x] along z, along y and along x: (3, N, N), each adding up to the same total."""
    values = cube.numpy()  # NumPy sums in the same order for any number of threads
    return torch.from_numpy(np.stack([values.sum(axis=axis) for axis in range(3)]))
