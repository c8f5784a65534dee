"""The gradient of the logit, methods built on it at the sample itself, and DeepLIFT, which changes its rules."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from weakfield.base.optional import from_extra
from weakfield.explain.pixels.contract import MEMORY_MIB, asked, checked, in_batches

SMOOTHING_SEED = 1706_03825


def gradient(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """d logit / d cell (Simonyan et al., arXiv:1312.6034): (n, channels, ...) float64; ``baselines`` is not used."""
    x, _ = checked(network, samples)
    return asked(network, x, memory_mib).gradients(x)[1]


def gradient_x_input(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """Gradient times (sample - baseline), the first order of the difference of their logits (arXiv:1605.01713)."""
    x, b = checked(network, samples, baselines)
    return gradient(network, samples, memory_mib=memory_mib) * (x - b).to(torch.float64)


def smoothgrad(
    network: nn.Module,
    samples: Tensor,
    baselines: Tensor | None = None,
    *,
    draws: int = 16,
    noise: float = 0.1,
    seed: int = SMOOTHING_SEED,
    memory_mib: float = MEMORY_MIB,
) -> Tensor:
    """Mean gradient under white noise of ``noise`` times the rms of each sample (Smilkov et al., arXiv:1706.03825).

    The noise of a sample depends only on ``seed`` and on the position of the values in the sample, and is used with
    both signs. captum's own noise tunnel draws the noise batch by batch, so that it would depend on the memory budget.
    """
    x, _ = checked(network, samples)
    found = []
    for sample in x:
        spread = noise * float(sample.to(torch.float64).std(correction=0))
        random = np.random.default_rng(seed)
        half = random.standard_normal((-(-draws // 2), *sample.shape))
        cloud = torch.from_numpy(np.concatenate([half, -half])[:draws]).to(x.dtype)
        found.append(gradient(network, sample + spread * cloud, memory_mib=memory_mib).mean(0))
    return torch.stack(found)


def deeplift(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """DeepLIFT with the rescale rule (Shrikumar et al., arXiv:1704.02685): what the cells contribute, layer by layer.

    Contributions (n, channels, ...) float64 add up to the difference of the logits of samples and baselines if every
    activation is a module and of a kind that captum knows (ReLU, LeakyReLU, ELU, Softplus, Sigmoid, Tanh, maximum
    pooling), which may be used several times; other activations count by their gradient.
    """
    with from_extra("learn", "the method deeplift"):
        from captum.attr import DeepLift

    x, b = checked(network, samples, baselines)
    response = asked(network, x, memory_mib)
    take_turns(response, x[:1])
    method = DeepLift(response)
    size = max(1, response.batch(x) // 2)  # samples and baselines go through together
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting forward, backward hooks")  # they are removed again
        return in_batches(lambda *pair: method.attribute(pair[0].clone().requires_grad_(), pair[1]), size, x, b)


class Turns(nn.Module):
    """A layer that is used several times as several, each used once and with an input of its own.

    captum keeps one input of each layer, and changes the gradient of that input: of all of it, if something else (a
    residual connection) uses the same tensor.
    """

    def __init__(self, layer: nn.Module, calls: int) -> None:
        super().__init__()
        self.copies = nn.ModuleList(copy.deepcopy(layer) for _ in range(calls))
        self.turn = 0

    def forward(self, *inputs: Any, **options: Any) -> Any:
        chosen = self.copies[self.turn % len(self.copies)]
        self.turn += 1
        return chosen(*(x.clone() if isinstance(x, Tensor) else x for x in inputs), **options)


def take_turns(network: nn.Module, sample: Tensor) -> None:
    """Put ``Turns`` in the place of the layers without weights that ``sample`` (1, channels, ...) passes."""
    calls: Counter[nn.Module] = Counter()
    layers = [m for m in network.modules() if not any(True for _ in (*m.children(), *m.parameters()))]
    hooks = [layer.register_forward_hook(lambda layer, *_: calls.update([layer])) for layer in layers]
    try:
        with torch.no_grad():
            network(sample)
    finally:
        for hook in hooks:
            hook.remove()
    turns = {layer: Turns(layer, count) for layer, count in calls.items()}
    for parent in list(network.modules()):
        for name, child in list(parent._modules.items()):  # of one layer, every name
            if child in turns:
                setattr(parent, name, turns[child])
