"""What all methods of attribution share: the logit that is explained, checks, and batches within a memory budget.

The contract: ``method(network, samples, baselines=None, *, memory_mib=..., ...)``, with normalised samples (n,
channels, N, N[, N]), returns attributions of the same shape in float64, signed, positive where a cell speaks for GR.
The network is used in eval mode, in its own precision, on each sample independently, and is left as it was; the result
does not depend on the size of the batches beyond rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.explain.response import Response

MEMORY_MIB = 1024.0

Method = Callable[..., Tensor]


def checked(network: nn.Module, samples: Tensor, baselines: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Samples and baselines in the network's precision; ``None`` means zero, the mean field of normalised samples."""
    if samples.ndim not in (4, 5) or len(set(samples.shape[2:])) != 1:
        raise BadInput(
            f"samples have shape {tuple(samples.shape)}, expected (n, channels, N, N) or (n, channels, N, N, N)"
        )
    if baselines is not None and baselines.shape != samples.shape:
        raise BadInput(
            f"baselines have shape {tuple(baselines.shape)} and samples {tuple(samples.shape)}, expected the same"
        )
    dtype = next((parameter.dtype for parameter in network.parameters()), samples.dtype)
    x = samples.detach().to(dtype)
    return x, torch.zeros_like(x) if baselines is None else baselines.detach().to(dtype)


def asked(network: nn.Module, samples: Tensor, memory_mib: float = MEMORY_MIB) -> Response:
    """The logit of a network in the precision of ``samples``; ``BadInput`` for a memory budget that is not positive."""
    if not memory_mib > 0:
        raise BadInput(f"the memory budget is {memory_mib} MiB, expected more than 0")
    return Response(network, samples.dtype, int(memory_mib * 2**20))


def in_batches(function: Callable[..., Tensor], size: int, *tensors: Tensor) -> Tensor:
    """``function`` applied to batches of the tensors; results are joined in float64, without a graph."""
    parts = zip(*(torch.split(tensor, size) for tensor in tensors), strict=True)
    return torch.cat([function(*part).detach().to(torch.float64) for part in parts])


def completeness(
    network: nn.Module, samples: Tensor, baselines: Tensor, attributions: Tensor, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """Sum of the attributions minus the difference of the logits of samples and baselines: (n,) float64."""
    x, b = checked(network, samples, baselines)
    response = asked(network, x, memory_mib)
    return attributions.flatten(1).sum(1) - (response.logits(x) - response.logits(b))
