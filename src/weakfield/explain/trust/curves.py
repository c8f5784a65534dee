"""Deletion and insertion curves (Petsiuk et al., arXiv:1806.07421) within pairs, in cells and in Fourier bands.

Deletion starts from the GR sample and replaces cells (or bands of modes) by those of the Newtonian member, beginning
with those that speak most for GR; insertion starts from the Newtonian member and takes cells or bands from GR. If the
attribution is right, the logit falls, or rises, sooner than in a random order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.explain.bands import Bands, exchange
from weakfield.explain.pixels.contract import MEMORY_MIB, asked, checked
from weakfield.explain.records import PairCurves

Reals = NDArray[np.float64]

ORDER_SEED = 1806_07421


@dataclass(frozen=True)
class Curves:
    """Logits of one pair after each step, (steps + 1,), from nothing exchanged to everything.

    ``random_deletion`` and ``random_insertion`` are means over random orders.
    """

    deletion: Reals
    insertion: Reals
    random_deletion: Reals
    random_insertion: Reals

    def record(self) -> PairCurves:
        return PairCurves(**{name: value.tolist() for name, value in vars(self).items()})


def cell_curves(
    network: nn.Module,
    newton: Tensor,
    gr: Tensor,
    attribution: Tensor,
    fractions: int = 16,
    orders: int = 2,
    memory_mib: float = MEMORY_MIB,
) -> Curves:
    """Curves of one pair, samples (channels, ...), in ``fractions`` equal steps over cells, all channels at once.

    Cells are ordered by the sum of ``attribution`` (channels, ...) over channels; ties are ordered by position.
    """
    cells = attribution.sum(0).flatten().numpy()
    cuts = np.rint(np.linspace(0, len(cells), fractions + 1)).astype(int)

    def rows(start: Tensor, other: Tensor, order: NDArray[np.intp]) -> Tensor:
        found = []
        for cut in cuts:
            taken = torch.zeros(len(cells), dtype=torch.bool)
            taken[torch.from_numpy(order[:cut].copy())] = True
            found.append(torch.where(taken.view(start.shape[1:]), other, start))
        return torch.stack(found)

    return _curves(network, newton, gr, np.argsort(-cells, kind="stable"), rows, orders, memory_mib)


def band_curves(
    network: nn.Module,
    newton: Tensor,
    gr: Tensor,
    attribution: Reals,
    bands: Bands,
    orders: int = 2,
    memory_mib: float = MEMORY_MIB,
) -> Curves:
    """Curves of one pair, one band of modes per step, ordered by ``attribution`` (bands,)."""

    def rows(start: Tensor, other: Tensor, order: NDArray[np.intp]) -> Tensor:
        steps = [exchange(start[None], other[None], bands, order[:cut].tolist()) for cut in range(bands.count + 1)]
        return torch.cat(steps)

    return _curves(network, newton, gr, np.argsort(-attribution, kind="stable"), rows, orders, memory_mib)


def _curves(
    network: nn.Module,
    newton: Tensor,
    gr: Tensor,
    order: NDArray[np.intp],
    rows: Callable[[Tensor, Tensor, NDArray[np.intp]], Tensor],
    orders: int,
    memory_mib: float,
) -> Curves:
    samples, _ = checked(network, torch.stack([newton, gr]))
    random = np.random.default_rng(ORDER_SEED)
    shuffled = [random.permutation(len(order)) for _ in range(orders)]
    response = asked(network, samples, memory_mib)

    def curve(start: int, order: NDArray[np.intp]) -> Reals:
        return np.asarray(response.logits(rows(samples[start], samples[1 - start], order)).numpy())

    def by_chance(start: int) -> Reals:
        return np.asarray(np.mean([curve(start, other) for other in shuffled], axis=0))

    return Curves(curve(1, order), curve(0, order), by_chance(1), by_chance(0))
