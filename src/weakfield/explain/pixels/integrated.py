"""Integrated gradients (Sundararajan et al., arXiv:1703.01365), also along the path between the members of a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.base.optional import from_extra
from weakfield.explain import paths
from weakfield.explain.paths import MOST_STEPS, Path, PathOptions
from weakfield.explain.pixels.contract import MEMORY_MIB, asked, checked, in_batches

#: number of cells of path panels held at once in double precision: a gigabyte
CELLS_HELD, LEAST_PANELS, MOST_PANELS = 2**27, 16, 512


def integrated_gradients(
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor | None = None,
    *,
    steps: int = 32,
    memory_mib: float = MEMORY_MIB,
) -> Tensor:
    """(x - b) int_0^1 grad f(b + a (x - b)) da by Gauss-Legendre with ``steps`` nodes; b = 0 if not given."""
    with from_extra("learn", "the method integrated"):
        from captum.attr import IntegratedGradients

    x, b = checked(network, samples, baselines)
    response = asked(network, x, memory_mib)
    size, method = response.batch(x), IntegratedGradients(response)

    def one(sample: Tensor, baseline: Tensor) -> Tensor:
        found: Tensor = method.attribute(
            sample, baseline, n_steps=steps, method="gausslegendre", internal_batch_size=size
        )
        return found

    return in_batches(one, 1, x, b)


def pair_integrated_gradients(
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor | None = None,
    *,
    tolerance: float = 1e-4,
    steps: int = 8,
    most: int = MOST_STEPS,
    memory_mib: float = MEMORY_MIB,
) -> Tensor:
    """``integrate`` from the Newtonian members ``baselines``: attributions that add up to the difference of the logits.

    Raises ``BadInput`` without baselines.
    """
    if baselines is None:
        raise BadInput("pair_integrated got no baselines, expected the Newtonian twin of every sample")
    return integrate(
        network, samples, baselines, tolerance=tolerance, steps=steps, most=most, memory_mib=memory_mib
    ).attributions


@dataclass(frozen=True)
class PathIntegral:
    """Integrated gradients along the straight path from each baseline to its sample, and how accurate they are.

    ``attributions`` are (n, channels, ...) float64; ``change`` (n,) is the difference of the logits; ``evaluations``
    (n,) counts gradients.
    """

    attributions: Tensor
    change: Tensor
    evaluations: tuple[int, ...]

    @property
    def residual(self) -> Tensor:
        """Sum of the attributions minus the difference of the logits, (n,): the error of the quadrature."""
        return self.attributions.flatten(1).sum(1) - self.change


def integrate(
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor,
    *,
    tolerance: float = 1e-4,
    steps: int = 8,
    most: int = MOST_STEPS,
    memory_mib: float = MEMORY_MIB,
) -> PathIntegral:
    """Adaptive integral of the gradient from ``baselines`` to ``samples``, cell by cell.

    The integral starts with ``steps`` Gauss-Legendre nodes. Where their sum misses the difference of the logits by more
    than ``tolerance`` [logit], the path is cut and halved where the logit bends, as ``paths`` says, with no more than
    ``most`` gradients per sample. With ``tolerance`` = inf, ``steps`` nodes are all that is used. What is missing is in
    ``residual``, whatever the reason.
    """
    x, b = checked(network, samples, baselines)
    response = asked(network, x, memory_mib)
    start, step = b.to(torch.float64), (x - b).to(torch.float64)
    change = (response.logits(x) - response.logits(b)).numpy()

    def at(which: NDArray[np.int64], t: NDArray[np.float64]) -> Tensor:
        return start[which] + torch.from_numpy(t).view(-1, *[1] * (x.ndim - 1)) * step[which]

    path = Path(
        lambda which, t: response.gradients(at(which, t))[1] * step[which],
        lambda which, t: response.logits(at(which, t)).numpy(),
    )
    held = min(MOST_PANELS, max(LEAST_PANELS, CELLS_HELD // x[0].numel()))  # not from the budget: it decides the result
    found, taken = paths.integrate(path, change, np.ones(len(x)), PathOptions(steps, tolerance, most), held)
    return PathIntegral(found, torch.from_numpy(change), tuple(int(count) for count in taken))
