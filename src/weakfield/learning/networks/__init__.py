"""Networks by name. A new network is a file here and a line below.

Contract: ``Network(shape: tuple[int, ...], settings: TrainingSettings)`` is an ``nn.Module`` from normalised samples
(batch, *shape) float32, ``shape`` being (channels, N, N, N) or (channels, N, N), to logits (batch,), positive for GR,
or (batch, classes) when ``settings.classes`` is more than one; it raises ``BadInput`` for a shape it cannot take. A
network that has ``prepare(batches)`` is given the training samples before training. A class that a settings file names
as ``package.module:Class`` must keep the same contract; if its constructor takes no arguments, it is called without
any.
"""

from __future__ import annotations

import inspect
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from weakfield.base.errors import BadInput, nearest
from weakfield.base.plugins import is_plugin
from weakfield.base.trials import reason, stops
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import arrange
from weakfield.learning.plugins import load_own

__all__ = ["NETWORKS", "arrange", "build_network", "check_network", "network_class"]

NETWORKS = {
    "cnn3d": "weakfield.learning.networks.cnn3d:CNN3D",
    "cnn2d": "weakfield.learning.networks.cnn3d:CNN2D",
    "camels": "weakfield.learning.networks.camels:Camels",
    "racoon": "weakfield.learning.networks.strided:Racoon",
    "penguin": "weakfield.learning.networks.strided:Penguin",
    "resnet": "weakfield.learning.networks.resnet:ResNet",
    "mlp": "weakfield.learning.networks.mlp:MLP",
    "symmetric": "weakfield.learning.networks.symmetric:Symmetric",
    "correlator": "weakfield.learning.networks.correlator:Correlator",
}


def build_network(shape: tuple[int, ...], settings: TrainingSettings, made: type[nn.Module] | None = None) -> nn.Module:
    """The network that ``settings.network`` names, with PyTorch's current random state as initial weights.

    ``made`` is its class (default: ``network_class``). Weights are laid out in memory channels last, for which
    convolutions are fast. Raises ``BadInput`` for an unknown name, a class that cannot be imported or is not an
    ``nn.Module``, and a shape that the network cannot take. The network itself refuses samples of any other shape.
    """
    made = made or network_class(settings)
    network = made() if is_plugin(settings.network) and _takes_nothing(made) else made(tuple(shape), settings)
    network.register_forward_pre_hook(partial(_refuse_others, tuple(shape)))
    return arrange(network, "channels_last")


def network_class(settings: TrainingSettings, kept: Path | None = None) -> type[nn.Module]:
    """The class that ``settings.network`` names; the user's own may exist only in the folder ``kept`` of a run."""
    name = settings.network
    if is_plugin(name):
        own: type[nn.Module] = load_own("network", settings, kept)
        return own
    if name not in NETWORKS:
        raise BadInput(
            f"training.network is '{name}', expected one of {', '.join(NETWORKS)} or package.module:Class"
            + nearest(name, NETWORKS)
        )
    module, attribute = NETWORKS[name].split(":")
    made: type[nn.Module] = getattr(import_module(module), attribute)
    return made


def check_network(shape: tuple[int, ...], settings: TrainingSettings) -> None:
    """``BadInput`` as ``build_network``, and for a network of the user's own that does not answer as the contract says.

    It is asked about two samples of zeros.
    """
    with torch.random.fork_rng(devices=[]):
        network = build_network(shape, settings).eval()
        if not is_plugin(settings.network):
            return
        try:
            with torch.no_grad():
                output: Any = network(torch.zeros(2, *shape))
        except Exception as error:
            if stops(error):
                raise
            raise BadInput(
                f"training.network '{settings.network}' was given two samples of shape {tuple(shape)}, and"
                f" {reason(error)}; expected a network that takes them"
            ) from error
    expected = (2,) if settings.classes == 1 else (2, settings.classes)
    found = tuple(output.shape) if isinstance(output, torch.Tensor) else output
    if found != expected:
        raise BadInput(
            f"training.network '{settings.network}' answers {found!r:.60} to two samples, expected a tensor of shape"
            f" {expected} for training.classes = {settings.classes}"
        )


def _refuse_others(shape: tuple[int, ...], network: nn.Module, inputs: tuple[Any, ...]) -> None:
    """Refuse other shapes: a convolution takes any number of cells, but was not trained for them."""
    if tuple(inputs[0].shape[1:]) != shape:
        raise BadInput(f"the network was given samples of shape {tuple(inputs[0].shape[1:])}, expected {shape}")


def _takes_nothing(made: type[nn.Module]) -> bool:
    return not any(p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in inspect.signature(made).parameters.values())
