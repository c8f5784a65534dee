"""Networks by name. A new one is a file here and a line below.

Contract: ``Network(grid: int, settings: TrainingSettings)`` is an ``nn.Module`` from normalised cubes
(batch, 1, N, N, N) float32 to logits (batch,), positive for GR; it raises ``BadInput`` for a grid it cannot take.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from torch import nn

from weakfield.base.errors import BadInput, nearest
from weakfield.config.study import TrainingSettings

NETWORKS = {
    "cnn3d": "weakfield.learning.networks.cnn3d:CNN3D",
}


def build_network(grid: int, settings: TrainingSettings) -> nn.Module:
    """The network that ``settings.network`` names, with PyTorch's current random state as initial weights."""
    if settings.network not in NETWORKS:
        raise BadInput(
            f"training.network is '{settings.network}', expected one of {', '.join(NETWORKS)}"
            + nearest(settings.network, NETWORKS)
        )
    module, name = NETWORKS[settings.network].split(":")
    return cast(nn.Module, getattr(import_module(module), name)(grid, settings))
