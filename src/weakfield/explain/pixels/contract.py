"""What every method of attribution shares: the logit that is explained, checks, and batches within a memory budget.

Contract: ``method(network, samples, baselines=None, *, memory_mib=..., ...)`` with normalised samples
(n, channels, N, N[, N]) gives attributions of the same shape in float64, signed, positive where a cell speaks for GR.
The network is asked in eval mode, in its own precision, each sample by itself, and is left as it was; the result does
not depend on the size of the batches beyond rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from weakfield.base.errors import BadInput
from weakfield.learning.losses import log_odds

MEMORY_MIB = 1024.0

Method = Callable[..., Tensor]


class Decision(nn.Module):
    """The logit for GR (batch,) of a network, whatever the shape of its output.

    (batch,) and (batch, 1) are the logit; of (batch, classes), class 1 being GR, it is GR against the rest.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.network(x)
        if found.ndim == 1:
            return found
        if found.ndim == 2 and found.shape[1]:
            return found[:, 0] if found.shape[1] == 1 else log_odds(found)
        shape = tuple(found.shape)
        raise BadInput(f"the network gave an output of shape {shape}, expected logits (batch,) or (batch, classes)")


@contextmanager
def asked(network: nn.Module) -> Iterator[Decision]:
    """Its decision in eval mode, without gradients of parameters; modes and flags come back after the block."""
    modes = [(module, module.training) for module in network.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    network.eval()
    for parameter, _ in flags:
        parameter.requires_grad_(False)
    try:
        with torch.enable_grad():
            yield Decision(network)
    finally:
        for module, training in modes:
            module.training = training
        for parameter, wanted in flags:
            parameter.requires_grad_(wanted)


def checked(network: nn.Module, samples: Tensor, baselines: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Samples and baselines (zero, the mean field of normalised samples, if ``None``) in the network's precision."""
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


def bytes_per_sample(decision: nn.Module, sample: Tensor) -> int:
    """Memory of one sample (1, channels, ...) on its way forth and back: twice the outputs of all modules."""
    total = 4 * sample.numel() * sample.element_size()

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(output, Tensor):
            total += 2 * output.numel() * output.element_size()

    hooks = [module.register_forward_hook(add) for module in decision.modules() if not list(module.children())]
    try:
        with torch.no_grad():
            decision(sample)
    finally:
        for hook in hooks:
            hook.remove()
    return total


def batch_size(decision: nn.Module, samples: Tensor, memory_mib: float) -> int:
    """How many samples fit into ``memory_mib`` together, one at least; ``BadInput`` for a budget that is none."""
    if not memory_mib > 0:
        raise BadInput(f"the memory budget is {memory_mib} MiB, expected more than 0")
    return max(1, int(memory_mib * 2**20 // bytes_per_sample(decision, samples[:1])))


def scores(decision: nn.Module, samples: Tensor, size: int) -> Tensor:
    """Logits (n,) in float64, in batches of ``size``."""
    with torch.no_grad():
        return torch.cat([decision(batch).to(torch.float64) for batch in torch.split(samples, size)])


def in_batches(function: Callable[..., Tensor], size: int, *tensors: Tensor) -> Tensor:
    """``function`` of batches of the tensors, put together again in float64 without a graph."""
    parts = zip(*(torch.split(tensor, size) for tensor in tensors), strict=True)
    return torch.cat([function(*part).detach().to(torch.float64) for part in parts])


def completeness(
    network: nn.Module, samples: Tensor, baselines: Tensor, attributions: Tensor, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """Sum of the attributions minus the difference of the logits of samples and baselines: (n,) float64."""
    x, b = checked(network, samples, baselines)
    with asked(network) as decision:
        size = batch_size(decision, x, memory_mib)
        change = scores(decision, x, size) - scores(decision, b, size)
    return attributions.flatten(1).sum(1) - change
