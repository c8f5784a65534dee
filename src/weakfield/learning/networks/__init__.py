"""Networks by name. A new one is a file here and a line below.

Contract: ``Network(shape: tuple[int, ...], settings: TrainingSettings)`` is an ``nn.Module`` from normalised samples
(batch, *shape) float32, ``shape`` being (channels, N, N, N) or (channels, N, N), to logits (batch,), positive for GR;
it raises ``BadInput`` for a shape it cannot take.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from torch import nn

from weakfield.base.errors import BadInput, nearest
from weakfield.config.training import TrainingSettings

NETWORKS = {
    "cnn3d": "weakfield.learning.networks.cnn3d:CNN3D",
}


def build_network(shape: tuple[int, ...], settings: TrainingSettings) -> nn.Module:
    """The network that ``settings.network`` names, with PyTorch's current random state as initial weights."""
    if settings.network not in NETWORKS:
        raise BadInput(
            f"training.network is '{settings.network}', expected one of {', '.join(NETWORKS)}"
            + nearest(settings.network, NETWORKS)
        )
    module, name = NETWORKS[settings.network].split(":")
    return cast(nn.Module, getattr(import_module(module), name)(shape, settings))
