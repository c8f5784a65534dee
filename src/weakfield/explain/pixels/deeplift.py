"""DeepLIFT with the rescale rule (Shrikumar et al., arXiv:1704.02685)."""

from __future__ import annotations

import warnings

from torch import Tensor, nn

from weakfield.explain.pixels.contract import MEMORY_MIB, asked, batch_size, checked, in_batches


def deeplift(
    network: nn.Module, samples: Tensor, baselines: Tensor | None = None, *, memory_mib: float = MEMORY_MIB
) -> Tensor:
    """Contributions of the cells to the difference of the logits of samples and baselines, layer by layer.

    They add up to it where every activation is a module used once of a kind captum knows (ReLU, LeakyReLU, ELU,
    Softplus, Sigmoid, Tanh, maximum pooling); others count by their gradient. (n, channels, ...) float64.
    """
    from captum.attr import DeepLift

    x, b = checked(network, samples, baselines)
    with asked(network) as decision, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting forward, backward hooks")  # they are removed again
        method = DeepLift(decision)
        size = max(1, batch_size(decision, x, memory_mib) // 2)  # samples and baselines go through together
        return in_batches(lambda *pair: method.attribute(pair[0].clone().requires_grad_(), pair[1]), size, x, b)
