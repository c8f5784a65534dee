"""Gradient saliency: how the logit answers to a small change of each cell (Simonyan et al., arXiv:1312.6034)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def gradient(network: nn.Module, cubes: Tensor) -> Tensor:
    """d logit / d cell, signed, for normalised cubes (n, N, N, N): same shape, float64.

    ``network`` maps (n, 1, N, N, N) to logits (n,), each cube by itself; it is used in eval mode and left as it was.
    """
    from captum.attr import Saliency

    training = network.training
    network.eval()
    with torch.enable_grad():
        inputs = cubes.detach().clone()[:, None].requires_grad_()
        found: Tensor = Saliency(network).attribute(inputs, abs=False)
    network.train(training)
    return found[:, 0].detach().to(torch.float64)


def projections(cube: Tensor) -> Tensor:
    """Sums of a cube (N, N, N) [z, y, x] along z, along y and along x: (3, N, N), each adding up to the same total."""
    values = cube.numpy()  # NumPy sums in one order whatever the number of threads
    return torch.from_numpy(np.stack([values.sum(axis=axis) for axis in range(3)]))
