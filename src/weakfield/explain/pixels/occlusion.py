"""Occlusion: what the logit loses when a part of a sample is replaced by the baseline (arXiv:1311.2901)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.base.optional import from_extra
from weakfield.explain.bands import Bands, exchange
from weakfield.explain.pixels.contract import MEMORY_MIB, asked, checked, in_batches


def occlusion(
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor | None = None,
    *,
    block: int = 8,
    overlap: bool = False,
    memory_mib: float = MEMORY_MIB,
) -> Tensor:
    """Loss of logit when a block of cells is replaced by that of the baseline, spread evenly over the block.

    The box is tiled by blocks of ``block`` cells per side (all channels at once). With ``overlap``, the tilings shifted
    periodically by half a block along every axis are used too, and the mean is taken. A block must divide the grid.
    """
    with from_extra("learn", "the method occlusion"):
        from captum.attr import FeatureAblation

    x, b = checked(network, samples, baselines)
    grid, axes = x.shape[-1], x.ndim - 2
    if block < 1 or grid % block or (overlap and block % 2):
        even = "an even number of" if overlap else "a number of"
        raise BadInput(f"explain.block is {block}, expected {even} cells that divides the grid of {grid}")
    tiles = _tiles(grid, axes, block)
    shifts = product(*axes * [(0, block // 2)]) if overlap else [(0,) * axes]
    found = torch.zeros(x.shape, dtype=torch.float64)
    response = asked(network, x, memory_mib)
    method = FeatureAblation(response)
    size = min(response.batch(x), (grid // block) ** axes)  # captum makes this many copies at once
    chosen = list(shifts)
    for shift in chosen:
        mask = torch.roll(tiles, shift, dims=tuple(range(axes)))[None, None].expand(1, *x.shape[1:])

        def one(sample: Tensor, baseline: Tensor, mask: Tensor = mask) -> Tensor:
            lost: Tensor = method.attribute(sample, baselines=baseline, feature_mask=mask, perturbations_per_eval=size)
            return lost

        with torch.no_grad():
            found += in_batches(one, 1, x, b)
    return found.div_(len(chosen) * x.shape[1] * block**axes)


def occlusion_by_shell(
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor | None = None,
    *,
    edges: Sequence[float] | None = None,
    memory_mib: float = MEMORY_MIB,
) -> Tensor:
    """Loss of logit when the modes of a band are replaced by those of the baseline: (n, bands) float64.

    Bands are as in ``bands.Bands``: the shells, then the mean, then all other modes.
    """
    x, b = checked(network, samples, baselines)
    bands = Bands.of(x, edges)
    response = asked(network, x, memory_mib)
    whole = response.logits(x)
    lost = [whole - response.logits(exchange(x, b, bands, [band])) for band in range(bands.count)]
    return torch.stack(lost, dim=1)


def _tiles(grid: int, axes: int, block: int) -> Tensor:
    """The number of the block in which every cell lies, (N, ..., N)."""
    along = torch.arange(grid) // block
    count = grid // block
    number = torch.zeros((grid,) * axes, dtype=torch.int64)
    for axis in range(axes):
        number = number * count + along.view(-1, *[1] * (axes - 1 - axis))
    return number
