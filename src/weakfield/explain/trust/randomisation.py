"""Parameter randomisation (Adebayo et al., arXiv:1810.03292): a map must change with the network it explains.

The similarity of two maps is their rank correlation over cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import scipy.stats
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Reals = NDArray[np.float64]

RANDOMISATION_SEED = 1810_03292


def layers(network: nn.Module, sample: Tensor) -> list[str]:
    """Names of the modules with own parameters, from output to input, as ``sample`` (1, ...) passes through them."""
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
    """The network with its last layer drawn anew, then its last two, and so on to all: each layer's name and a network.

    One copy is changed from step to step. Layers are drawn as before training (``reset_parameters``); layers that
    cannot do that get normal numbers with the mean and spread of their weights.
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


def rank_correlation(first: Tensor, second: Tensor, absolute: bool = False) -> Reals:
    """Spearman's rho of two maps (n, channels, ...), sample by sample: (n,); 0 where a map is constant.

    With ``absolute`` it is that of their absolute values, for use where the sign of an attribution does not matter.
    """
    pairs = zip(ranks(first, absolute), ranks(second, absolute), strict=True)
    return np.array([float(a @ b) for a, b in pairs])


def rank_correlations(maps: dict[str, Tensor]) -> Reals:
    """Spearman's rho of every pair of maps, (n, methods, methods) in the order of the mapping; 1 on the diagonal."""
    ranked = np.stack([ranks(values) for values in maps.values()], axis=1)
    found = np.einsum("nic,njc->nij", ranked, ranked)
    index = np.arange(len(maps))
    found[:, index, index] = 1.0
    return np.asarray(found)


def ranks(maps: Tensor, absolute: bool = False) -> Reals:
    """Ranks over the cells of every sample (n, cells), centred, of norm 1 (0 for a constant map); ties share a rank."""
    values = maps.flatten(1).numpy()
    found = scipy.stats.rankdata(np.abs(values) if absolute else values, axis=1)
    found = found - found.mean(axis=1, keepdims=True)
    norm = np.sqrt((found**2).sum(axis=1, keepdims=True))
    return np.asarray(found / np.where(norm > 0, norm, 1.0))
