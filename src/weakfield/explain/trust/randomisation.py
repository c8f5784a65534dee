"""Parameter randomisation (Adebayo et al., arXiv:1810.03292): a map must change with the network it explains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn

RANDOMISATION_SEED = 1810_03292

Explain = Callable[[nn.Module], Tensor]


def layers(network: nn.Module, sample: Tensor) -> list[str]:
    """Names of the modules with parameters of their own, from the output to the input, as ``sample`` (1, ...) meets
    them."""
    met: list[str] = []
    hooks = []
    for name, module in network.named_modules():
        if any(True for _ in module.parameters(recurse=False)):
            hooks.append(module.register_forward_hook(lambda *_, name=name: met.append(name)))
    try:
        with torch.no_grad():
            network(sample)
    finally:
        for hook in hooks:
            hook.remove()
    return list(dict.fromkeys(reversed(met)))


def cascade(network: nn.Module, sample: Tensor, seed: int = RANDOMISATION_SEED) -> Iterator[tuple[str, nn.Module]]:
    """The network with its last layer drawn anew, then its last two, ... to all: each layer's name and a network.

    A copy is changed from step to step; layers are drawn as before training (``reset_parameters``), others as normal
    numbers of the mean and spread that the weights have.
    """
    changed = deepcopy(network).eval()
    modules = dict(changed.named_modules())
    for number, name in enumerate(layers(changed, sample)):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed + number)
            _draw(modules[name])
        yield name, changed


def _draw(module: nn.Module) -> None:
    if callable(reset := getattr(module, "reset_parameters", None)):
        reset()
        return
    for parameter in module.parameters(recurse=False):
        spread = float(parameter.std()) if parameter.numel() > 1 else float(parameter.abs().mean())
        parameter.copy_(parameter.mean() + spread * torch.randn_like(parameter))
