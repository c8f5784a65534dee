"""The gradient of the logit and what is made of it at the sample itself."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from weakfield.explain.pixels.contract import MEMORY_MIB, asked, batch_size, checked, in_batches

SMOOTHING_SEED = 1706_03825


def gradient(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """d logit / d cell (Simonyan et al., arXiv:1312.6034): (n, channels, ...) float64; ``baselines`` is not used."""
    from captum.attr import Saliency

    x, _ = checked(network, samples)
    with asked(network) as decision:
        saliency = Saliency(decision)
        size = batch_size(decision, x, memory_mib)
        return in_batches(lambda batch: saliency.attribute(batch.clone().requires_grad_(), abs=False), size, x)


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

    The noise of a sample follows from ``seed`` and its values' place in the sample alone, and comes with both signs:
    captum's own tunnel draws it batch by batch, so that it would depend on the memory budget.
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
