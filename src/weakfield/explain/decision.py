"""How much of the decision lies in triangles of shells, measured in two independent ways."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.explain.over_seeds import Number, Numbers, SeedMean, written
from weakfield.explain.records import TriangleResponse, Triangles, TriangleSurrogate
from weakfield.explain.surrogate import FOLDS, agreement, fit_surrogate, measured
from weakfield.explain.triangles import triangle_response

Reals = NDArray[np.float64]


def edges(grid: int, shells: int) -> tuple[float, ...]:
    """Edges of shells of equal width [k_F], from half a fundamental mode to a third of the grid.

    Beyond a third of the grid, few triples close.
    """
    return tuple(np.linspace(0.5, max(grid / 3, 1.5), shells + 1).tolist())


def triangles(
    network: nn.Module,
    newton: Tensor,
    gr: Tensor,
    seeds: list[int],
    bounds: tuple[float, ...],
    unit: float,
    logits: Reals,
    memory_mib: float,
) -> Triangles:
    """Contribution of each triangle of shells to the logit difference of pairs (B, C, N, N[, N]), two independent ways.

    ``unit`` is k_F in h/Mpc, ``logits`` are (B, 2). ``response`` is the third order of the logit from its gradients;
    ``surrogate`` is a sparse regression of logits on measured spectra, which needs five seeds. Weights are in logits
    per standard deviation of the bispectrum of a triangle. Only the first channel is used.
    """
    kind = next((parameter.dtype for parameter in network.parameters()), torch.float64)
    found = triangle_response(network, newton, gr, bounds, seeds, dtype=kind, memory=int(memory_mib * 2**20))
    shells, scatter = found.basis.shells, found.scatter
    sides = found.basis.wavenumbers[found.triangles] * unit
    surrogate = alike = None
    if len(set(seeds)) >= FOLDS:
        fitted = fit_surrogate(measured(newton, gr, bounds), logits, seeds, shells)
        surrogate = TriangleSurrogate(
            weight=written(fitted.triangles, fitted.error[shells:]),
            contribution=written(fitted.contributions[shells:]),
            pairs=fitted.pair_contributions[:, shells:].tolist(),
            explained=fitted.explained,
        )
        alike = agreement(found, fitted)
    return Triangles(
        k_hmpc=np.sort(sides, axis=1)[:, ::-1].tolist(),
        shells=found.triangles.tolist(),
        seeds=len(seeds),
        response=TriangleResponse(
            contribution=_of_triangles(found.contributions, shells),
            weight=_of_triangles(found.weights, shells, scatter[shells:]),
            pairs=found.pair_contributions[:, shells:].tolist(),
            shares=dict(zip(("power", "triangles", "remainder"), _each(found.shares), strict=True)),
            explained=dict(zip(("power", "with_triangles"), _each(found.explained), strict=True)),
        ),
        surrogate=surrogate,
        agreement=alike,
    )


def _of_triangles(found: SeedMean, shells: int, scale: Reals | float = 1.0) -> Numbers:
    """The entries of the triangles, which follow the powers of the shells; no errors for a single seed."""
    numbers: Numbers = written(found.value[shells:] * scale, found.error[shells:] * scale if found.seeds > 1 else None)
    return numbers


def _each(found: SeedMean) -> list[Number]:
    return [written(value, error) for value, error in zip(found.value, found.error, strict=True)]
