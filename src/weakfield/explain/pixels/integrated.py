"""Integrated gradients (Sundararajan et al., arXiv:1703.01365), and along the path from a universe to its twin."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.explain.pixels.contract import MEMORY_MIB, Decision, asked, batch_size, checked, in_batches, scores

NODES = (0.5 - 0.5 / sqrt(3), 0.5 + 0.5 / sqrt(3))  # two-point Gauss-Legendre on [0, 1], both of weight 1/2


def integrated_gradients(
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor | None = None,
    *,
    steps: int = 32,
    memory_mib: float = MEMORY_MIB,
) -> Tensor:
    """(x - b) int_0^1 grad f(b + a (x - b)) da by Gauss-Legendre with ``steps`` nodes; b = 0 if not given."""
    from captum.attr import IntegratedGradients

    x, b = checked(network, samples, baselines)
    with asked(network) as decision:
        size = batch_size(decision, x, memory_mib)
        method = IntegratedGradients(decision)

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
    most: int = 512,
    memory_mib: float = MEMORY_MIB,
) -> Tensor:
    """``integrate`` from the Newtonian twins ``baselines``: attributions that add up to the difference of the logits.

    Raises ``BadInput`` without twins.
    """
    if baselines is None:
        raise BadInput("pair_integrated got no baselines, expected the Newtonian twin of every sample")
    return integrate(
        network, samples, baselines, tolerance=tolerance, steps=steps, most=most, memory_mib=memory_mib
    ).attributions


@dataclass(frozen=True)
class PathIntegral:
    """Mean gradient along the straight path from each baseline to its sample, and what came of it.

    ``gradients`` and ``difference`` (sample minus baseline) are (n, channels, ...) float64; ``change`` (n,) is the
    difference of the logits, ``evaluations`` (n,) counts gradients.
    """

    gradients: Tensor
    difference: Tensor
    change: Tensor
    evaluations: tuple[int, ...]

    @property
    def attributions(self) -> Tensor:
        """Their product, one number a cell."""
        return self.gradients * self.difference

    @property
    def residual(self) -> Tensor:
        """Sum of the attributions minus the difference of the logits (n,): 0 but for the quadrature."""
        return self.attributions.flatten(1).sum(1) - self.change


def integrate(
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor,
    *,
    tolerance: float = 1e-4,
    steps: int = 8,
    most: int = 512,
    memory_mib: float = MEMORY_MIB,
) -> PathIntegral:
    """Adaptive integral of the gradient from ``baselines`` to ``samples``.

    The path is cut into intervals with two Gauss nodes each, ``steps`` nodes at first. An interval of width h whose own
    sum of attributions misses the difference of the logits at its ends by more than ``tolerance`` sqrt(h) / 4 [logit]
    is halved: the network has a kink there (every activation that is not smooth makes one). Misses have either sign,
    so that ``tolerance`` is four standard deviations of their sum. No more than ``most`` gradients a sample; what is
    missing is in ``residual``, whatever the reason. ``tolerance`` = inf: ``steps`` nodes and no more.
    """
    x, b = checked(network, samples, baselines)
    with asked(network) as decision:
        size = batch_size(decision, x, memory_mib)
        found = [
            _one_path(decision, end, start, tolerance, max(1, steps // 2), most, size)
            for end, start in zip(x, b, strict=True)
        ]
        change = scores(decision, x, size) - scores(decision, b, size)
    difference = (x - b).to(torch.float64)
    return PathIntegral(torch.stack([g for g, _ in found]), difference, change, tuple(count for _, count in found))


def _one_path(
    decision: Decision, end: Tensor, start: Tensor, tolerance: float, pieces: int, most: int, size: int
) -> tuple[Tensor, int]:
    """Mean gradient of one path, and how many gradients were taken."""
    step = end - start
    exact = step.to(torch.float64)
    mean = torch.zeros_like(exact)
    open_ends = [(i / pieces, (i + 1) / pieces) for i in range(pieces)]
    evaluations = 0
    while open_ends:
        places = torch.tensor([[low + node * (high - low) for node in NODES] for low, high in open_ends])
        slopes = in_batches(lambda batch: _gradient(decision, batch), size, _points(start, step, places.flatten()))
        evaluations += len(slopes)
        slopes = slopes.unflatten(0, (len(open_ends), 2)).mean(1)
        missed = _missed(decision, start, step, open_ends, (slopes * exact).flatten(1).sum(1), size)
        last = evaluations + 4 * len(open_ends) > most  # halving all of them would go too far
        left = []
        for (low, high), slope, gap, floor in zip(open_ends, slopes, *missed, strict=True):
            if last or gap <= max(tolerance * sqrt(high - low) / 4, floor):
                mean += slope * (high - low)
            else:
                middle = (low + high) / 2
                left += [(low, middle), (middle, high)]
        open_ends = left
    return mean, evaluations


def _missed(
    decision: Decision, start: Tensor, step: Tensor, ends: list[tuple[float, float]], slopes: Tensor, size: int
) -> tuple[list[float], list[float]]:
    """By how much each interval misses the difference of its logits, and the rounding of that difference."""
    places = torch.tensor(ends)
    values = scores(decision, _points(start, step, places.flatten()), size).unflatten(0, (len(ends), 2))
    widths = torch.tensor([high - low for low, high in ends], dtype=torch.float64)
    rounding = 4 * torch.finfo(step.dtype).eps * values.abs().amax(1)
    return (values[:, 1] - values[:, 0] - widths * slopes).abs().tolist(), rounding.tolist()


def _points(start: Tensor, step: Tensor, places: Tensor) -> Tensor:
    return start + places.to(step.dtype).view(-1, *[1] * step.ndim) * step


def _gradient(decision: Decision, batch: Tensor) -> Tensor:
    inputs = batch.clone().requires_grad_()
    (found,) = torch.autograd.grad(decision(inputs).sum(), inputs)
    return found
