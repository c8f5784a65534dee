"""Networks by name. A new one is a file here and a line below.

Contract: ``Network(shape: tuple[int, ...], settings: TrainingSettings)`` is an ``nn.Module`` from normalised samples
(batch, *shape) float32, ``shape`` being (channels, N, N, N) or (channels, N, N), to logits (batch,), positive for GR,
or (batch, classes) when ``settings.classes`` is more than one; it raises ``BadInput`` for a shape it cannot take. One
that has ``prepare(batches)`` is given the training samples before training. What a settings file names as
``package.module:Class`` keeps the same contract; a class whose constructor takes nothing is called with nothing.
"""

from __future__ import annotations

import inspect
from importlib import import_module

from torch import nn

from weakfield.base.errors import BadInput, nearest
from weakfield.base.plugins import Expected, is_plugin, load_plugin, source_hash
from weakfield.config.training import TrainingSettings
from weakfield.learning.networks.layers import arrange

__all__ = ["NETWORKS", "arrange", "build_network", "network_identity"]

NETWORKS = {
    "cnn3d": "weakfield.learning.networks.cnn3d:CNN3D",
    "cnn2d": "weakfield.learning.networks.cnn3d:CNN2D",
    "camels": "weakfield.learning.networks.camels:Camels",
    "racoon": "weakfield.learning.networks.racoon:Racoon",
    "penguin": "weakfield.learning.networks.penguin:Penguin",
    "resnet": "weakfield.learning.networks.resnet:ResNet",
    "mlp": "weakfield.learning.networks.mlp:MLP",
}
OWN_NETWORK = Expected(
    "training.network",
    "a subclass of torch.nn.Module",
    lambda found: isinstance(found, type) and issubclass(found, nn.Module),
)


def build_network(shape: tuple[int, ...], settings: TrainingSettings) -> nn.Module:
    """The network that ``settings.network`` names, with PyTorch's current random state as initial weights.

    Weights lie in memory channels last, where convolutions are fast. Raises ``BadInput`` for an unknown name, a class
    that cannot be imported or is no ``nn.Module``, and a shape that the network cannot take.
    """
    made = _class_of(settings.network)
    network = made() if is_plugin(settings.network) and _takes_nothing(made) else made(tuple(shape), settings)
    return arrange(network, "channels_last")


def network_identity(settings: TrainingSettings) -> str:
    """What, beside the settings, decides the network: a hash of the file of one's own class, else nothing."""
    return source_hash(settings.network, OWN_NETWORK)


def _class_of(name: str) -> type[nn.Module]:
    if is_plugin(name):
        own: type[nn.Module] = load_plugin(name, OWN_NETWORK)
        return own
    if name not in NETWORKS:
        raise BadInput(
            f"training.network is '{name}', expected one of {', '.join(NETWORKS)} or package.module:Class"
            + nearest(name, NETWORKS)
        )
    module, attribute = NETWORKS[name].split(":")
    made: type[nn.Module] = getattr(import_module(module), attribute)
    return made


def _takes_nothing(made: type[nn.Module]) -> bool:
    return not any(p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in inspect.signature(made).parameters.values())
